package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// safeBuffer is a buffer for many goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// TestServerKeepsSecrets: no password, no answer to a challenge, and nothing of a
// message reaches the log at any level, or the transcript.
func TestServerKeepsSecrets(t *testing.T) {
	t.Parallel()
	var log, transcript safeBuffer
	s := startSite(t, &smtp.Server{
		Auth:       &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
		Log:        slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})),
		Transcript: func(auth.ConnectionState) io.Writer { return &transcript },
		ErrorDelay: -1,
	}, false)
	p := s.greeted()
	p.say("AUTH PLAIN AHRpbQBTRUNSRVQx\r\n")
	p.expect("535 ")
	p.say("AUTH LOGIN\r\nU0VDUkVUMg==\r\nU0VDUkVUMw==\r\n")
	p.expect("334 ", "334 ", "535 ")
	p.say("AUTH LOGIN\r\n!SECRET4\r\nSECRET5\r\nDATA SECRET6\x01\r\n")
	p.expect("334 ", "501 ", "500 ", "503 ")
	p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSECRET7\r\n.\r\nQUIT\r\n")
	p.expect("235 ", "250 ", "250 ", "354 ", "250 ", "221 ")
	p.expectEnd()
	s.close()
	for _, secret := range []string{"SECRET1", "AHRpbQ", "SECRET2", "U0VD", "SECRET3", "SECRET4", "SECRET5", "SECRET7", "tanstaaftanstaaf"} {
		require.NotContains(t, log.String(), secret)
		require.NotContains(t, transcript.String(), secret)
	}
	id := s.letters()[0].tx.ID
	require.Equal(t, strings.Join([]string{
		"S: 220 mx.example.org ESMTP",
		"C: EHLO client.example.com",
		"S: 250-mx.example.org", "S: 250-PIPELINING", "S: 250-8BITMIME", "S: 250-ENHANCEDSTATUSCODES", "S: 250-SIZE 10485760", "S: 250-HELP", "S: 250-AUTH PLAIN LOGIN", "S: 250-CHUNKING", "S: 250-PRDR", "S: 250 LIMITS MAILMAX=100000 RCPTMAX=1000",
		"C: AUTH PLAIN ***", "S: 535 5.7.8 credentials not valid",
		"C: AUTH LOGIN", "S: 334 ***", "C: ***", "S: 334 ***", "C: ***", "S: 535 5.7.8 credentials not valid",
		"C: AUTH LOGIN", "S: 334 ***", "C: ***", "S: 501 5.5.2 bad base64",
		"C: (not a command: 7 octets)", "S: 500 5.5.2 command not recognized",
		`C: DATA SECRET6\x01`, "S: 503 5.5.1 bad sequence of commands",
		"C: AUTH PLAIN ***", "S: 235 2.7.0 authenticated",
		"C: MAIL FROM:<alice@example.com>", "S: 250 2.1.0 sender ok",
		"C: RCPT TO:<bob@example.org>", "S: 250 2.1.5 recipient ok",
		"C: DATA", "S: 354 send message, end with CRLF.CRLF",
		"C: (message: 12 octets)", "S: 250 2.0.0 accepted as " + id,
		"C: QUIT", "S: 221 2.0.0 closing connection", "",
	}, "\n"), transcript.String())
	for _, want := range []string{
		`msg="session begins" conn=` + s.letters()[0].tx.Conn.ID + ` proto=SMTP peer=192.0.2.1`, `msg=command`, `verb=AUTH code=535`,
		`msg=authenticated`, `user=tim`, `msg="message accepted"`, `id=` + id, `octets=9`, `recipients=1`, `msg="session ends"`, `transactions=1`,
	} {
		require.Contains(t, log.String(), want)
	}
	require.NotContains(t, log.String(), "alice@")
	require.NotContains(t, log.String(), "bob@")
}

// TestServerVerifierDown: a verifier that cannot say is not one that says no.
func TestServerVerifierDown(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := startSite(t, &smtp.Server{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Auth: &auth.Server{InsecureAllowCleartext: true, Passwords: auth.PasswordFunc(func(context.Context, string, string) error {
			return errors.New("directory is down")
		})},
	}, false)
	p := s.greeted()
	p.say("AUTH PLAIN AHRpbQBndWVzcw==\r\n")
	p.expect("454 4.7.0 authentication not available, try again later")
	s.close()
	require.Contains(t, log.String(), "directory is down")
}

// TestServerVerifierPanics: also a panic of a verifier ends that session alone.
func TestServerVerifierPanics(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{Auth: &auth.Server{InsecureAllowCleartext: true, Passwords: auth.PasswordFunc(func(context.Context, string, string) error {
		panic("verifier")
	})}}).greeted()
	p.say("AUTH PLAIN AHRpbQBndWVzcw==\r\n")
	p.expect("421 4.3.0 ")
	p.expectEnd()
}

// TestServerLogForgetsUser: who authenticated before STARTTLS is forgotten by it, in the
// log too. Mail of nobody used to be logged as that user's.
func TestServerLogForgetsUser(t *testing.T) {
	t.Parallel()
	var log safeBuffer
	s := startSite(t, withTLS(t, &smtp.Server{
		Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
		Log:  slog.New(slog.NewTextHandler(&log, nil)),
	}), false)
	p := s.greeted()
	p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
	p.expect("235 ")
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	p.startTLS(s.tls)
	p.say("EHLO client.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\nQUIT\r\n")
	p.expect("250-", "250 ", "250 ", "354 ", "250 ", "221 ")
	p.expectEnd()
	s.close()
	_, behind, found := strings.Cut(log.String(), "msg=authenticated")
	require.True(t, found)
	_, behind, _ = strings.Cut(behind, "\n")
	require.Contains(t, behind, `msg="message accepted" conn=`)
	require.NotContains(t, behind, "user=")
}

// TestServerLogsPriority: RFC 6710 section 4.1 has the priority logged that was asked for,
// whatever became of it; a message for which none was has none.
func TestServerLogsPriority(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6710-4.1-3")
	var log safeBuffer
	s := startSite(t, &smtp.Server{
		Offer: smtp.Offers{Priority: true}, Log: slog.New(slog.NewTextHandler(&log, nil)),
	}, false)
	p := s.greeted()
	for _, tt := range []struct{ param, want string }{
		{" MT-PRIORITY=3", " accepted=1 priority=3\n"}, // and is 0 for who may not relay
		{"", " accepted=1\n"},
		{" MT-PRIORITY=-9", " accepted=1 priority=-9\n"},
	} {
		p.say("MAIL FROM:<>" + tt.param + "\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
		p.expect("250 ", "250 ", "354 ", "250 ")
		require.True(t, strings.HasSuffix(log.String(), tt.want), "%s", log.String())
	}
	_ = p.Close()
	s.close()
}
