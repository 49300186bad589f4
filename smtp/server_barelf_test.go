package smtp_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// TestServerAcceptBareLF: a message with LF for its line ends arrives with CRLF, its
// dots un-stuffed, and what stands behind it is answered.
func TestServerAcceptBareLF(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &smtp.Server{AcceptBareLF: true, MaxMessageBytes: 100})
		p := s.inMail()
		p.say("DATA\r\n")
		p.expect("354 ")
		p.say("Subject: x\n\n..\n...dots\nlast\r\n.\r\nNOOP\r\n")
		p.expect("250 ", "250 ")
		require.Equal(t, "Subject: x\r\n\r\n.\r\n..dots\r\nlast\r\n", s.letters()[0].body)

		p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
		p.expect("250 ", "250 ", "354 ")
		p.say(strings.Repeat("\n", 51) + "\r\n.\r\nNOOP\r\n")
		p.expect("552 5.3.4 ", "250 ") // each LF counts as the two octets that it stands for

		p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nBDAT 5 LAST\r\ntext\nNOOP\r\n")
		p.expect("250 ", "250 ", "550 5.6.11 ", "250 ")
	})
}

// TestServerAcceptBareLFIsNotSmuggled: no leniency about LF makes an end of what is
// none.
func TestServerAcceptBareLFIsNotSmuggled(t *testing.T) {
	t.Parallel()
	for _, v := range eodVariants(t) {
		if v.Ends {
			continue // has a bare CR or a NUL: refused as ever
		}
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { smuggleLF(t, v) })
		})
	}
}

func smuggleLF(t *testing.T, v eodVariant) {
	octets := unhex(t, v.Hex)
	payload := "Subject: x\r\n\r\nfirst" + octets + evil
	refused := strings.ContainsRune(octets, 0) || strings.Contains(strings.ReplaceAll(octets+"M", "\r\n", ""), "\r")
	s := newSite(t, &smtp.Server{AcceptBareLF: true})
	for cut := range len(payload) {
		p := s.inMail()
		p.say("DATA\r\n")
		p.expect("354 ")
		p.say(payload[:cut])
		synctest.Wait()
		_, _ = io.WriteString(p, payload[cut:])
		if refused {
			p.expect("550 5.6.11 ")
			p.expectEnd()
		} else {
			p.expect("250 ")
		}
		_ = p.Close()
	}
	if refused {
		require.Empty(t, s.letters())
		return
	}
	require.Len(t, s.letters(), len(payload))
	for _, l := range s.letters() {
		require.Equal(t, "alice", l.tx.Envelope.From.Local())
		require.Contains(t, l.body, "MAIL FROM:<evil@example.com>\r\n")
		require.NotContains(t, strings.ReplaceAll(l.body, "\r\n", ""), "\n")
	}
}
