package smtp_test

import (
	"context"
	"crypto/tls"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerSTARTTLSInjection: whatever is sent behind STARTTLS in plain text, with it
// or later, is never answered inside TLS, and never acted upon.
func TestServerSTARTTLSInjection(t *testing.T) {
	t.Parallel()
	for _, injected := range []string{
		"N", "\r\n", "\n", "\r", "\x00", " ", ".\r\n", "NOOP\r\n", "noop\n", "RSET\r\nNOOP\r\n", "QUIT\r\n", "HELP\r\n", "VRFY bob\r\n", "BOGUS\r\n",
		"EHLO evil.example\r\nMAIL FROM:<evil@example.com>\r\n", "HELO evil.example\r\n",
		"MAIL FROM:<evil@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nevil\r\n.\r\n", "RCPT TO:<bob@example.org>\r\n", "DATA\r\n", "BDAT 4 LAST\r\nevil",
		"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", "AUTH LOGIN\r\ndGlt\r\n", "STARTTLS\r\n", "STARTTLS\r\nNOOP\r\n", "GET / HTTP/1.1\r\n\r\n",
		"\x16", "\x15\x03\x01\x00\x02\x02\x28", "PROXY TCP4 192.0.2.9 192.0.2.2 1 25\r\n", "XCLIENT ADDR=192.0.2.9\r\n",
	} {
		for _, later := range []bool{false, true} {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}})
					srv.Hooks.Mail = func(context.Context, *smtp.Transaction) error {
						t.Error("a transaction began")
						return nil
					}
					s := newSite(t, srv)
					p := s.greeted()
					if later {
						// It comes when the server waits for the handshake already.
						p.say("STARTTLS\r\n")
						p.expect("220 ")
						synctest.Wait()
						_, _ = io.WriteString(p, injected)
						require.Error(t, tls.Client(p, s.tls).Handshake())
					} else {
						p.say("STARTTLS\r\n" + injected)
						p.expect("554 5.5.1 plain text behind STARTTLS")
						p.expectEnd()
					}
					_ = p.Close()
				})
			})
		}
	}
}

// TestServerForgetsBeforeTLS: name, transaction and identity are those of nobody once
// TLS has begun.
func TestServerForgetsBeforeTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3207-6-3")
	srv := withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}, Protocol: auth.Submission})
	var tx *smtp.Transaction
	srv.Hooks.Mail = func(_ context.Context, t *smtp.Transaction) error {
		tx = t
		return nil
	}
	s := newSite(t, srv)
	p := s.greeted()
	p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\nMAIL FROM:<>\r\nRSET\r\nSTARTTLS\r\n")
	p.expect("235 ", "250 2.1.0 ", "250 ", "220 ")
	require.NotNil(t, tx.Conn.Identity)
	p.startTLS(s.tls)
	p.say("MAIL FROM:<>\r\nHELO other.example.com\r\nMAIL FROM:<>\r\nEHLO other.example.com\r\nAUTH PLAIN AHRlc3QAMTIzNA==\r\nMAIL FROM:<>\r\n")
	p.expect("503 5.5.1 send EHLO or HELO first", "250 ", "530 5.7.0 ", "250-", "235 ", "250 2.1.0 ")
	require.Equal(t, "test", tx.Conn.Identity.User)
	require.Equal(t, "other.example.com", tx.Conn.Hello)
}

// TestServerImplicitTLS: RFC 8314 section 3.3.
func TestServerImplicitTLS(t *testing.T) {
	t.Parallel()
	srv := withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords}})
	srv.MaxConns = 1
	s := startSite(t, srv, true)
	defer s.close()
	p := s.dial()
	p.startTLS(s.tls)
	p.expect("220 ")
	p.say("EHLO client.example.com\r\n")
	keywords := p.hear()
	require.NotContains(t, keywords, "STARTTLS")
	require.Contains(t, keywords, "AUTH PLAIN LOGIN")
	p.say("STARTTLS\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
	p.expect("503 5.5.1 TLS is active already", "250 ", "250 ", "354 ", "250 ")
	require.NotNil(t, s.letters()[0].tx.Conn.TLS)

	q := s.dial() // beyond the limit there is no word in plain text
	q.expectEnd()
}

// TestServerRequireTLS: RFC 3207 section 4 says which commands are left.
func TestServerRequireTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3207-4-2", "rfc3207-4-3", "rfc3207-6-1")
	s := newSite(t, withTLS(t, &smtp.Server{RequireTLS: true, Auth: &auth.Server{Passwords: passwords}}))
	p := s.dial()
	p.expect("220 ")
	p.say("NOOP\r\nHELO a\r\nEHLO a\r\nMAIL FROM:<>\r\nAUTH PLAIN\r\nVRFY bob\r\nRSET\r\nSTARTTLS\r\n")
	p.expect("250 2.0.0 ", "530 send STARTTLS first", "250-", "530 5.7.0 ", "530 5.7.0 ", "530 5.7.0 ", "530 5.7.0 ", "220 ")
	p.startTLS(s.tls)
	p.say("EHLO a\r\nMAIL FROM:<>\r\n")
	p.expect("250-", "250 2.1.0 ")
	p = s.dial()
	p.expect("220 ")
	p.say("QUIT\r\n")
	p.expect("221 ")
}

// TestServerPlainTextOnTLSPort: a client that does not speak TLS gets no greeting.
func TestServerPlainTextOnTLSPort(t *testing.T) {
	t.Parallel()
	s := startSite(t, withTLS(t, &smtp.Server{}), true)
	defer s.close()
	p := s.dial()
	p.say("EHLO client.example.com\r\n")
	b, _ := io.ReadAll(p)
	require.NotContains(t, string(b), "220")
}

// TestServerResumedSession: a TLS session that is resumed carries nobody's rights along,
// within a server or to another one that has the same configuration.
func TestServerResumedSession(t *testing.T) {
	t.Parallel()
	submission := withTLS(t, &smtp.Server{Protocol: auth.Submission, Auth: &auth.Server{Passwords: passwords}})
	mx := &smtp.Server{TLSConfig: submission.TLSConfig}
	first, second := newSite(t, submission), newSite(t, mx)
	cfg := first.tls.Clone()
	cfg.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	cfg.MaxVersion = tls.VersionTLS12 // the ticket comes with the handshake
	inTLS := func(s *site) (*peer, bool) {
		p := s.greeted()
		p.say("STARTTLS\r\n")
		p.expect("220 ")
		p.startTLS(cfg)
		p.say("EHLO client.example.com\r\n")
		p.expect("250-")
		return p, p.Conn.(*tls.Conn).ConnectionState().DidResume
	}
	p, resumed := inTLS(first)
	require.False(t, resumed)
	p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\nMAIL FROM:<>\r\n")
	p.expect("235 ", "250 ")
	p, resumed = inTLS(first)
	require.True(t, resumed)
	p.say("MAIL FROM:<>\r\n")
	p.expect("530 5.7.0 ")
	p, resumed = inTLS(second)
	require.True(t, resumed)
	p.say("MAIL FROM:<>\r\nRCPT TO:<someone@elsewhere.example>\r\n")
	p.expect("250 ", "550 5.7.1 ")
}
