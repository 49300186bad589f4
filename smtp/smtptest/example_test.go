package smtptest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// welcome is what a test might be about.
func welcome(ctx context.Context, addr string, cfg *smtp.ClientConfig, user string) error {
	env, err := smtp.NewEnvelope("office@example.org", user)
	if err != nil {
		return err
	}
	_, err = smtp.Send(ctx, addr, cfg, env, strings.NewReader("Subject: welcome\r\n\r\nHello!\r\n"))
	return err
}

// A test of a program that sends mail, to a server that works and to one that
// hangs up.
func ExampleServer() {
	var t *testing.T // as a test function is given it

	s := smtptest.NewServer(t)
	if err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"); err != nil {
		t.Error(err)
	}
	messages := s.Messages()
	if len(messages) != 1 || messages[0].Envelope.To[0].Address.String() != "new@example.net" {
		t.Errorf("sent %v", messages)
	}

	s.CutAfter(500)
	if err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"); err == nil {
		t.Error("welcome does not notice that the server is gone")
	}
}

// TestExamples does what the examples show.
func TestExamples(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		require.NoError(t, welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"))
		messages := s.Messages()
		require.Len(t, messages, 1)
		require.Equal(t, "new@example.net", messages[0].Envelope.To[0].Address.String())
		s.CutAfter(500)
		require.Error(t, welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net"))
		s.Heal()
		for again, fault := range map[bool]smtptest.Fault{
			true:  {At: smtptest.AtAUTH, Mute: true, Then: smtptest.Close},
			false: {At: smtptest.AtEnd, Mute: true, Then: smtptest.Close},
		} {
			s.Misbehave(fault)
			err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net")
			require.Error(t, err)
			require.Equal(t, again, smtp.SafeToRetry(err))
		}
	})
}

// A program that has to know whether to send once more, and the four ways for a
// server to disappoint it.
func ExampleServer_Misbehave() {
	var t *testing.T // as a test function is given it

	s := smtptest.NewServer(t)
	for _, tt := range []struct {
		fault smtptest.Fault
		again bool
	}{
		{smtptest.Fault{At: smtptest.AtRCPT, Say: "450 4.2.1 later\r\n"}, true},
		{smtptest.Fault{At: smtptest.AtRCPT, Say: "550 5.1.1 who\r\n"}, false},
		{smtptest.Fault{At: smtptest.AtAUTH, Mute: true, Then: smtptest.Close}, true},
		{smtptest.Fault{At: smtptest.AtEnd, Mute: true, Then: smtptest.Close}, false}, // it may have arrived
	} {
		s.Misbehave(tt.fault)
		err := welcome(t.Context(), s.Addr, s.ClientConfig("office"), "new@example.net")
		if smtp.SafeToRetry(err) != tt.again {
			t.Errorf("%v: to be sent again: %v", err, !tt.again)
		}
	}
}

// A test with a dialogue to the letter: a program that is told to come back must not
// lose what it had to say.
func ExampleScript() {
	var t *testing.T // as a test function is given it

	s := smtptest.NewScript(t, `
S: 220 mx.example.org ready
C: EHLO client.example.org
S: 250 mx.example.org
C: MAIL FROM:<office@example.org>
S: 450 4.7.1 come back in five minutes
C: QUIT
S: 221 bye
`)
	cfg := s.ClientConfig()
	cfg.TLS = smtp.InsecureNoTLS
	if err := welcome(t.Context(), "mx.example.org", cfg, "new@example.net"); !smtp.SafeToRetry(err) {
		t.Errorf("welcome: %v", err)
	}
}

// A server of one's own, in a bubble of testing/synctest, where an hour passes in no
// time.
func ExampleNewListener() {
	var t *testing.T // as a test function is given it

	synctest.Test(t, func(t *testing.T) {
		server, client := smtptest.NewTLS(t, smtptest.CertGood, "mx.example.org")
		ln := smtptest.NewListener("mx.example.org:25")
		srv := &smtp.Server{
			Hostname:  "mx.example.org",
			TLSConfig: server,
			Local:     func(context.Context, smtp.Address) bool { return true },
			Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error {
				time.Sleep(time.Hour)
				return nil
			}),
		}
		go srv.Serve(ln)
		defer srv.Close()
		cfg := &smtp.ClientConfig{Dialer: ln, TLSConfig: client}
		if err := welcome(t.Context(), "mx.example.org:25", cfg, "new@example.org"); err == nil {
			t.Error("the client has waited for an hour")
		}
	})
}
