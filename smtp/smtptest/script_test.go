package smtptest

import (
	"strings"
	"testing"

	"github.com/posthouse/posthouse/smtp"
)

const dialogueTLS = `
S: 220 mx.example.org ready
C: EHLO client.example.org
S: 250-mx.example.org
S: 250 STARTTLS
C: STARTTLS
S: 220 go ahead
-- tls
C: EHLO client.example.org
S: 250 mx.example.org
C: MAIL FROM:<sender@example.org>
S: 450 4.7.1 come back
C: QUIT
S: 221 bye
-- close
`

func TestScript(t *testing.T) {
	t.Parallel()
	s := NewScript(t, dialogueTLS, dialogueTLS)
	for range 2 {
		_, err := smtp.Send(t.Context(), "mx.example.org", s.ClientConfig(), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
		replied(450)(t, err)
	}
}
