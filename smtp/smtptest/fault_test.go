package smtptest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// suffered is what a client makes of a fault.
type suffered struct {
	outcome smtp.Outcome
	step    smtp.Step // "" if all went well
	arrived int       // messages
	after   time.Duration
	check   func(t *testing.T, err error)
}

func replied(code int) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		var reply *smtp.Error
		require.ErrorAs(t, err, &reply)
		require.Equal(t, code, reply.Code)
	}
}

func outOfStep(t *testing.T, err error) {
	t.Helper()
	var protocol *smtp.ProtocolError
	require.ErrorAs(t, err, &protocol)
}

func is(want error) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		require.ErrorIs(t, err, want)
	}
}

func lacks(keyword string) func(*testing.T, error) {
	return func(t *testing.T, err error) {
		t.Helper()
		var missing *smtp.ExtensionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, keyword, missing.Keyword)
	}
}

// TestServer_Misbehave meets each fault with the client of package smtp, which has
// to find the right words for it.
func TestServer_Misbehave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault Fault
		want  suffered
	}{
		"none of them":          {Fault{At: AtOther, Mute: true, Then: Close}, suffered{smtp.Accepted, "", 1, 0, nil}},
		"dropped at connect":    {Fault{At: AtConnect, Mute: true, Then: Close}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, is(io.ErrUnexpectedEOF)}},
		"not a server":          {Fault{At: AtConnect, Say: "SSH-2.0-OpenSSH_9.9\r\n"}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, outOfStep}},
		"endless greeting":      {Fault{At: AtConnect, Say: "220-hi\r\n", Endless: true}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, outOfStep}},
		"no service":            {Fault{At: AtConnect, Say: "554 5.3.2 go away\r\n"}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, replied(554)}},
		"no EHLO":               {Fault{At: AtEHLO, Say: "502 5.5.1 what\r\n", Times: 1}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, replied(502)}},
		"STARTTLS stripped":     {Fault{At: AtEHLO, Without: []string{"STARTTLS"}}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, lacks("STARTTLS")}},
		"STARTTLS refused":      {Fault{At: AtSTARTTLS, Say: "454 4.7.0 not now\r\n"}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, replied(454)}},
		"answers injected":      {Fault{At: AtSTARTTLS, Say: "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, nil}},
		"garbage for TLS":       {Fault{At: AtTLS, Say: "220 hello\r\n", Then: Close}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, nil}},
		"handshake stalled":     {Fault{At: AtTLS, Mute: true, Then: Stall}, suffered{smtp.Refused, smtp.StepConnect, 0, clientTimeout, is(os.ErrDeadlineExceeded)}},
		"AUTH stripped":         {Fault{At: AtEHLO, Skip: 1, Without: []string{"AUTH"}}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, lacks("AUTH")}},
		"password refused":      {Fault{At: AtAUTH, Say: "535 5.7.8 no\r\n"}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, is(auth.ErrCredentials)}},
		"dropped at AUTH":       {Fault{At: AtAUTH, Mute: true, Then: Close}, suffered{smtp.Refused, smtp.StepConnect, 0, 0, is(io.ErrUnexpectedEOF)}},
		"TLS half closed":       {Fault{At: AtMAIL, Mute: true, Then: HalfClose}, suffered{smtp.Refused, smtp.StepMail, 0, 0, is(io.ErrUnexpectedEOF)}},
		"reset":                 {Fault{At: AtMAIL, Mute: true, Then: Reset}, suffered{smtp.Refused, smtp.StepMail, 0, 0, nil}},
		"silence at MAIL":       {Fault{At: AtMAIL, Mute: true, Then: Stall}, suffered{smtp.Refused, smtp.StepMail, 0, clientTimeout, is(os.ErrDeadlineExceeded)}},
		"one reply too few":     {Fault{At: AtMAIL, Mute: true}, suffered{smtp.Refused, smtp.StepRcpt, 0, 0, outOfStep}},
		"slow drip":             {Fault{At: AtMAIL, Drip: time.Second}, suffered{smtp.Refused, smtp.StepMail, 0, clientTimeout, is(os.ErrDeadlineExceeded)}},
		"late, but not too":     {Fault{At: AtMAIL, Delay: clientTimeout - time.Second}, suffered{smtp.Accepted, "", 1, clientTimeout - time.Second, nil}},
		"cut amid a reply":      {Fault{At: AtMAIL, Cut: 5, Then: Close}, suffered{smtp.Refused, smtp.StepMail, 0, 0, is(io.ErrUnexpectedEOF)}},
		"two codes":             {Fault{At: AtMAIL, Say: "250-a\r\n550 b\r\n"}, suffered{smtp.Refused, smtp.StepMail, 0, 0, outOfStep}},
		"too many replies":      {Fault{At: AtMAIL, Say: "250 a\r\n250 b\r\n250 c\r\n250 d\r\n"}, suffered{smtp.Refused, smtp.StepData, 0, 0, outOfStep}},
		"sender refused":        {Fault{At: AtMAIL, Say: "550 5.7.1 not you\r\n"}, suffered{smtp.Refused, smtp.StepMail, 0, 0, replied(550)}},
		"recipient refused":     {Fault{At: AtRCPT, Say: "452 4.2.2 full\r\n"}, suffered{smtp.Refused, smtp.StepRcpt, 0, 0, replied(452)}},
		"421 at RCPT":           {Fault{At: AtRCPT, Say: "421 4.3.2 bye\r\n", Then: Close}, suffered{smtp.Refused, smtp.StepRcpt, 0, 0, replied(421)}},
		"250 to DATA":           {Fault{At: AtDATA, Say: "250 ok\r\n"}, suffered{smtp.Refused, smtp.StepData, 0, 0, outOfStep}},
		"dropped amid the body": {Fault{At: AtBody, Mute: true, Then: Close}, suffered{smtp.Unknown, smtp.StepEnd, 0, 0, is(io.ErrUnexpectedEOF)}},
		"content refused":       {Fault{At: AtEnd, Say: "554 5.6.0 spam\r\n"}, suffered{smtp.Refused, smtp.StepEnd, 0, 0, replied(554)}},
		"last reply lost":       {Fault{At: AtEnd, Mute: true, Then: Close}, suffered{smtp.Unknown, smtp.StepEnd, 1, 0, is(io.ErrUnexpectedEOF)}},
		"last reply endless":    {Fault{At: AtEnd, Say: "250-x\r\n", Endless: true}, suffered{smtp.Unknown, smtp.StepEnd, 1, 0, outOfStep}},
		"421 at the seventh":    {Fault{At: AtAny, Skip: 6, Say: "421 4.3.2 bye\r\n", Then: Close}, suffered{smtp.Refused, smtp.StepRcpt, 0, 0, replied(421)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := NewUnstartedServer(t)
				s.Memory = true
				s.Start()
				// With CHUNKING all would be in the first flight, and nobody could know
				// more of it than that.
				s.Misbehave(tt.fault, Fault{At: AtEHLO, Without: []string{"CHUNKING"}})
				cfg := s.ClientConfig("user")
				start := time.Now()
				result, err := smtp.Send(t.Context(), s.Addr, cfg, envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
				require.Equal(t, tt.want.outcome, result.Outcome, "%v", err)
				require.Len(t, s.Messages(), tt.want.arrived)
				if tt.want.step == "" {
					require.NoError(t, err)
				} else {
					var failure *smtp.SendError
					require.ErrorAs(t, err, &failure)
					require.Equal(t, tt.want.step, failure.Step, "%v", err)
				}
				if tt.want.check != nil {
					tt.want.check(t, err)
				}
				took := time.Since(start)
				require.GreaterOrEqual(t, took, tt.want.after)
				require.LessOrEqual(t, took, tt.want.after+6*time.Second, "%v", err) // of which closing takes some

				s.Heal()
				s.Forget()
				_, err = smtp.Send(t.Context(), s.Addr, cfg, envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
				require.NoError(t, err)
				require.Len(t, s.Messages(), 1)
			})
		})
	}
}

// Several faults, each for its time; and one that comes unasked.
func TestServer_MisbehaveInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		s.Misbehave(
			Fault{At: AtMAIL, Times: 1, Say: "451 4.3.0 later\r\n"},
			Fault{At: AtRCPT, Skip: 1, Times: 1, Say: "450 4.2.1 later\r\n"},
			Fault{At: AtIdle, Delay: time.Minute, Say: "421 4.4.2 too long\r\n", Then: Close},
		)
		c := s.Client("")
		send := func() error {
			_, err := c.Send(t.Context(), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
			return err
		}
		replied(451)(t, send())
		replied(450)(t, send())
		require.NoError(t, send())
		time.Sleep(59 * time.Second)
		require.NoError(t, send())
		require.Len(t, s.Messages(), 2)
		time.Sleep(2 * time.Minute)
		replied(421)(t, send())
		require.ErrorIs(t, send(), smtp.ErrBroken)
	})
}

// Over a real socket the words that come before the end of the connection
// arrive, and a reset is one.
func TestServer_MisbehaveOnLoopback(t *testing.T) {
	t.Parallel()
	for _, implicit := range []bool{false, true} {
		s := NewUnstartedServer(t)
		s.ImplicitTLS = implicit
		s.Start()
		for range 20 {
			s.Misbehave(Fault{At: AtMAIL, Say: "421 4.3.2 bye\r\n", Then: Close})
			_, err := smtp.Send(t.Context(), s.Addr, s.ClientConfig("user"), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
			replied(421)(t, err)
		}
		s.Misbehave(Fault{At: AtEnd, Mute: true, Then: Reset})
		result, err := smtp.Send(t.Context(), s.Addr, s.ClientConfig("user"), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
		require.Error(t, err)
		require.Equal(t, smtp.Unknown, result.Outcome)
		require.Len(t, s.Messages(), 1)
	}
}

func TestServer_ShowCertificate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		kind Certificate
		ok   bool
	}{
		"good":          {CertGood, true},
		"wrong name":    {CertWrongName, false},
		"addresses":     {CertAddressOnly, false},
		"expired":       {CertExpired, false},
		"not yet valid": {CertNotYetValid, false},
		"self-signed":   {CertSelfSigned, false},
		"untrusted":     {CertUntrusted, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := NewMemoryServer(t)
				s.ShowCertificate(tt.kind)
				c, err := smtp.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
				if tt.ok {
					require.NoError(t, err)
					require.NoError(t, c.Quit(t.Context()))
					return
				}
				var invalid *tls.CertificateVerificationError
				require.ErrorAs(t, err, &invalid)
				s.ShowCertificate(CertGood)
				require.NotNil(t, s.Client("user"))
			})
		})
	}
}

// The configurations of NewTLS go together, and with a listener they make a
// server of the test's own.
func TestListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := NewTLS(t, CertGood, "mx.example.org", "192.0.2.1")
		leaf, err := x509.ParseCertificate(server.Certificates[0].Certificate[0])
		require.NoError(t, err)
		require.NoError(t, leaf.VerifyHostname("192.0.2.1"))
		ln := NewListener("mx.example.org:25")
		srv := &smtp.Server{Hostname: "mx.example.org", TLSConfig: server, Handler: smtp.HandlerFunc(nil)}
		done := make(chan error)
		go func() { done <- srv.Serve(ln) }()
		c, err := smtp.Dial(t.Context(), "mx.example.org:25", &smtp.ClientConfig{Dialer: ln, TLSConfig: client})
		require.NoError(t, err)
		require.Equal(t, "mx.example.org:25", c.ConnectionState().RemoteAddr.String())
		require.NoError(t, c.Quit(t.Context()))
		require.NoError(t, srv.Shutdown(t.Context()))
		if err := <-done; !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// TestServer_MisbehaveEach: a message with an answer for each recipient passes all of
// them, as one with a single answer passes that.
func TestServer_MisbehaveEach(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		protocol auth.Protocol
		without  string
		answers  int
	}{
		"LMTP, BDAT": {auth.LMTP, "HELP", 3},
		"LMTP, DATA": {auth.LMTP, "CHUNKING", 3},
		"PRDR, BDAT": {auth.SMTP, "HELP", 1}, // that refuses all without a 353
		"PRDR, DATA": {auth.SMTP, "CHUNKING", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := NewUnstartedServer(t)
				s.Memory, s.Config.Protocol = true, tt.protocol
				s.Start()
				later := strings.Repeat("450 4.3.0 later\r\n", tt.answers)
				s.Misbehave(Fault{At: AtEHLO, Without: []string{tt.without}}, Fault{At: AtEnd, Times: 1, Say: later})
				cfg := s.ClientConfig("")
				cfg.Protocol, cfg.PRDR = tt.protocol, true
				c, err := smtp.Dial(t.Context(), s.Addr, cfg)
				require.NoError(t, err)
				env := envelope(t, "b@example.org")
				env.To = append(env.To, env.To[0], env.To[0])
				_, err = c.Send(t.Context(), env, strings.NewReader("x\r\n"))
				replied(450)(t, err)
				for range 2 {
					_, err = c.Send(t.Context(), env, strings.NewReader("x\r\n"))
					require.NoError(t, err)
				}
				require.NoError(t, c.Quit(t.Context()))
				require.Len(t, s.Messages(), 2)
			})
		})
	}
}

// TestServer_BodyInChunks: a message that comes in several chunks begins once.
func TestServer_BodyInChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		s.Misbehave(Fault{At: AtBody, Skip: 1, Mute: true, Then: Close})
		c := s.Client("")
		from, err := smtp.ParseAddress("a@x.test")
		require.NoError(t, err)
		env := smtp.Envelope{To: []smtp.Recipient{{Address: from}}}
		body := strings.Repeat("0123456789\r\n", 200_000) // some chunks of a megabyte
		_, err = c.Send(t.Context(), env, strings.NewReader(body))
		require.NoError(t, err)
		_, err = c.Send(t.Context(), env, strings.NewReader(body))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, s.Messages(), 1)
	})
}
