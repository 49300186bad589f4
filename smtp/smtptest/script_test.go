package smtptest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

// complaining is a test that keeps what it is told.
type complaining struct {
	testing.TB
	complaints []string
}

func (c *complaining) Helper()        {}
func (c *complaining) Error(a ...any) { c.complaints = append(c.complaints, fmt.Sprint(a...)) }

func (c *complaining) Errorf(f string, a ...any) {
	c.complaints = append(c.complaints, fmt.Sprintf(f, a...))
}

// What departs from the dialogue, or goes beyond it, is told to the test.
func TestScript_Departure(t *testing.T) {
	t.Parallel()
	tb := &complaining{TB: t}
	s := NewScript(tb, "S: 220 hi\nC: HELO client.example.org\n")
	for range 2 {
		_, err := smtp.Dial(t.Context(), "mx.example.org", s.ClientConfig())
		require.Error(t, err)
		s.played.Wait()
	}
	require.Len(t, tb.complaints, 2)
	require.Contains(t, tb.complaints[0], `got "EHLO client.example.org\r\n", want "HELO client.example.org\r\n"`)
	require.Contains(t, tb.complaints[1], "a connection more")
}
