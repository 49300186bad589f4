package smtp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerEarlyTalker: who does not wait to be greeted is refused, where that is asked
// for.
func TestServerEarlyTalker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &smtp.Server{GreetPause: 5 * time.Second})
		p := s.dial()
		p.say("EHLO a\r\n")
		p.expect("554 spoke before the greeting")
		p.expectEnd()
		begin := time.Now()
		p = s.dial()
		p.expect("220 ")
		require.Equal(t, 5*time.Second, time.Since(begin))
		p.say("EHLO a\r\n")
		p.expect("250-")
		require.NoError(t, s.dial().Close())
		// Without the pause nobody is held to it.
		p = newSite(t, &smtp.Server{}).dial()
		p.say("EHLO a\r\n")
		p.expect("220 ", "250-")
	})
}

// TestServerMaxTransactions: a session comes to its end, at the default and at another
// limit.
func TestServerMaxTransactions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want int }{{0, 100_000}, {2, 2}} {
		p := newSite(t, &smtp.Server{MaxTransactions: tt.set, MaxIdleCommands: -1}).greeted()
		const most = 500
		for left := tt.want; left > 0; left -= most {
			n := min(left, most)
			p.say(strings.Repeat("MAIL FROM:<>\r\nRSET\r\n", n))
			for range 2 * n {
				if line, err := p.r.ReadSlice('\n'); err != nil || line[0] != '2' {
					t.Fatalf("%q %v", line, err)
				}
			}
		}
		p.say("MAIL FROM:<>\r\n")
		p.expect("421 4.7.0 too many transactions")
		p.expectEnd()
	}
}

// TestServerSessionTimeout: no session is for ever, however busy its client.
func TestServerSessionTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		set   time.Duration
		begin func(*site) *peer
		say   string
		want  string
		after time.Duration
	}{
		{"commands", 0, (*site).greeted, "NOOP\r\n", "421 4.4.2 session lasts too long", 2 * time.Hour},
		{"commands, shorter", time.Hour, (*site).greeted, "NOOP\r\n", "421 4.4.2 session lasts too long", time.Hour},
		{"in a transaction", time.Hour, (*site).inMail, "NOOP\r\n", "421 4.4.2 session lasts too long", time.Hour},
		{"in a message", time.Hour, (*site).inData, strings.Repeat("x", 10_000) + "\r\n", "", 2 * time.Hour},
		{"in chunks", time.Hour, (*site).inMail, "BDAT 600\r\n" + strings.Repeat("x", 600), "421 4.4.2 session lasts too long", time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, &smtp.Server{SessionTimeout: tt.set, MaxIdleCommands: -1})
				begin := time.Now()
				p := tt.begin(s)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						if _, err := io.WriteString(p, tt.say); err != nil {
							return
						}
						time.Sleep(time.Minute)
					}
				}()
				require.NoError(t, p.SetReadDeadline(time.Now().Add(24*time.Hour)))
				last := ""
				for {
					line, err := p.r.ReadString('\n')
					if err != nil {
						break
					}
					last = strings.TrimSuffix(line, "\r\n")
				}
				if tt.want != "" {
					require.Equal(t, tt.want, last)
				}
				require.InDelta(t, tt.after.Minutes(), time.Since(begin).Minutes(), 1)
				_ = p.Close()
				<-done
				require.Empty(t, s.letters())
			})
		})
	}
}

// TestServerPatience: hooks, verifiers and the handler have so much time each, and a new
// start after one that took it all. The time that the peer takes is not theirs.
func TestServerPatience(t *testing.T) {
	t.Parallel()
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	for _, tt := range []struct {
		name  string
		srv   *smtp.Server
		say   string
		want  string
		after time.Duration
	}{
		{"mail", &smtp.Server{Hooks: smtp.Hooks{Mail: func(ctx context.Context, _ *smtp.Transaction) error { return wait(ctx) }}}, "MAIL FROM:<>\r\n", "451 4.3.0 ", time.Minute},
		{"shorter", &smtp.Server{HookTimeout: time.Second, Hooks: smtp.Hooks{Mail: func(ctx context.Context, _ *smtp.Transaction) error { return wait(ctx) }}}, "MAIL FROM:<>\r\n", "451 4.3.0 ", time.Second},
		{"hello", &smtp.Server{Hooks: smtp.Hooks{Hello: func(ctx context.Context, cs auth.ConnectionState) error {
			if cs.Hello == "slow" {
				return wait(ctx)
			}
			return nil
		}}}, "EHLO slow\r\n", "451 ", time.Minute},
		{"verifier", &smtp.Server{Auth: &auth.Server{InsecureAllowCleartext: true, Passwords: auth.PasswordFunc(func(ctx context.Context, _, _ string) error { return wait(ctx) })}}, "AUTH PLAIN AHRpbQBndWVzcw==\r\n", "454 4.7.0 ", time.Minute},
		{"handler", &smtp.Server{Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			_, _ = io.Copy(io.Discard, tx.Body)
			return wait(ctx)
		})}, "MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n", "451 4.3.0 ", 5 * time.Minute},
		{"handler, shorter", &smtp.Server{HandlerTimeout: time.Second, Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			_, _ = io.ReadAll(tx.Body)
			return wait(ctx)
		})}, "MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n", "451 4.3.0 ", time.Second},
		{"handler that does not read", &smtp.Server{Handler: smtp.HandlerFunc(func(ctx context.Context, _ *smtp.Transaction) error { return wait(ctx) })}, "MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n", "451 4.3.0 ", 5 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newSite(t, tt.srv).greeted()
				for range 2 {
					begin := time.Now()
					p.say(tt.say)
					require.NoError(t, p.SetReadDeadline(time.Now().Add(time.Hour)))
					for line := ""; !strings.HasPrefix(line, tt.want); {
						var err error
						line, err = p.r.ReadString('\n')
						require.NoError(t, err)
					}
					require.Equal(t, tt.after, time.Since(begin))
					p.say("RSET\r\n")
					p.expect("250 ")
				}
			})
		})
	}
	t.Run("slow peer", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctxErr := make(chan error, 1)
			s := newSite(t, &smtp.Server{HandlerTimeout: time.Second, Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
				_, err := io.ReadAll(tx.Body)
				ctxErr <- ctx.Err()
				return err
			})})
			p := s.inData()
			for range 6 {
				time.Sleep(30 * time.Second)
				p.say("text\r\n")
			}
			p.say(".\r\n")
			p.expect("250 ")
			require.NoError(t, <-ctxErr)
		})
	})
}

// TestServerPatience_BetweenChunks: a hook that is asked while the handler waits for the
// next chunk has its own time, and leaves the handler its own.
func TestServerPatience_BetweenChunks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctxErr := make(chan error, 1)
		s := newSite(t, &smtp.Server{
			HookTimeout: 30 * time.Second, HandlerTimeout: time.Second,
			Hooks: smtp.Hooks{Verify: func(ctx context.Context, _ auth.ConnectionState, _ string) ([]smtp.Mailbox, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}},
			Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
				_, err := io.ReadAll(tx.Body)
				ctxErr <- ctx.Err()
				return err
			}),
		})
		p := s.inMail()
		p.say("BDAT 2\r\n\r\n")
		p.expect("250 ")
		begin := time.Now()
		p.say("VRFY bob\r\n")
		p.expect("451 4.3.0 ")
		require.Equal(t, 30*time.Second, time.Since(begin))
		p.say("BDAT 0 LAST\r\n")
		p.expect("250 ")
		require.NoError(t, <-ctxErr)
	})
}

// TestServerPatience_Again: the time of each answer begins with it, whatever time those
// before it took or left.
func TestServerPatience_Again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		takes := make(chan time.Duration, 1)
		s := newSite(t, &smtp.Server{HookTimeout: 30 * time.Second, Hooks: smtp.Hooks{Mail: func(ctx context.Context, _ *smtp.Transaction) error {
			select {
			case <-time.After(<-takes):
			case <-ctx.Done():
			}
			return ctx.Err()
		}}})
		p := s.greeted()
		for _, d := range []time.Duration{0, 20 * time.Second, 29 * time.Second, 31 * time.Second, 29 * time.Second, 0} {
			takes <- d
			begin := time.Now()
			p.say("MAIL FROM:<>\r\n")
			if d < 30*time.Second {
				p.expect("250 ")
			} else {
				p.expect("451 4.3.0 ")
			}
			require.Equal(t, min(d, 30*time.Second), time.Since(begin))
			p.say("RSET\r\n")
			p.expect("250 ")
			time.Sleep(d) // the timer strikes when nobody is asked
		}
	})
}

// TestServerErrorDelay: who makes mistakes is answered ever more slowly.
func TestServerErrorDelay(t *testing.T) {
	t.Parallel()
	guesses := &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}
	for _, tt := range []struct {
		name  string
		srv   *smtp.Server
		say   string
		after []int // seconds before each reply
	}{
		{"errors", &smtp.Server{}, "BOGUS\r\n", []int{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}},
		{"errors, longer", &smtp.Server{MaxErrors: 4, ErrorDelay: 5 * time.Second}, "BOGUS\r\n", []int{0, 5, 5, 5}},
		{"errors, none", &smtp.Server{MaxErrors: 4, ErrorDelay: -1}, "BOGUS\r\n", []int{0, 0, 0, 0}},
		{"errors that do not count", &smtp.Server{MaxErrors: -1}, "BOGUS\r\n", []int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"passwords", &smtp.Server{Auth: guesses, MaxAuthFailures: 7, MaxErrors: 100}, "AUTH PLAIN AHRpbQBndWVzcw==\r\n", []int{0, 1, 2, 4, 8, 8, 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newSite(t, tt.srv).greeted()
				for i, want := range tt.after {
					begin := time.Now()
					p.say(tt.say)
					p.hear()
					require.Equal(t, want, int(time.Since(begin).Seconds()), "reply %d", i)
				}
			})
		})
	}
	// Nobody waits for a server that is closed.
	s := startSite(t, &smtp.Server{MaxErrors: 2, ErrorDelay: time.Hour}, false)
	p := s.greeted()
	p.say("BOGUS\r\n")
	s.close()
}

// TestServerMaxHandshakes: handshakes that do not go on, however many, keep nobody from
// TLS, and are over after ten seconds.
func TestServerMaxHandshakes(t *testing.T) {
	t.Parallel()
	for _, implicit := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := startSite(t, withTLS(t, &smtp.Server{MaxHandshakes: 1}), implicit)
			defer s.close()
			open := func() *peer {
				if implicit {
					return s.dial()
				}
				p := s.greeted()
				p.say("STARTTLS\r\n")
				p.expect("220 ")
				return p
			}
			silent := make([]*peer, 20)
			for i := range silent {
				silent[i] = open()
				if i%2 == 0 {
					silent[i].say("\x16\x03\x01") // as TLS begins
				}
			}
			begin := time.Now()
			p := open()
			p.startTLS(s.tls)
			p.say("EHLO a\r\n")
			if implicit {
				p.expect("220 ")
			}
			p.expect("250-")
			require.Zero(t, time.Since(begin))
			for _, p := range silent {
				p.expectEnd()
			}
			require.Equal(t, 10*time.Second, time.Since(begin))
		})
	}
}

// TestServerMaxHandshakesImplicit: who begins with TLS waits for a place, for ten
// seconds, or until the server is closed; and where there is no limit for none.
func TestServerMaxHandshakesImplicit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, -1} {
		synctest.Test(t, func(t *testing.T) {
			s := startSite(t, withTLS(t, &smtp.Server{MaxHandshakes: limit}), true)
			s.dial()
			time.Sleep(time.Second)
			began := time.Now()
			waiting := s.dial()
			if limit < 0 {
				waiting.startTLS(s.tls)
				waiting.expect("220 ")
				require.Zero(t, time.Since(began))
				s.close()
				return
			}
			synctest.Wait()
			s.close()
			waiting.expectEnd()
			require.Zero(t, time.Since(began))
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, withTLS(t, &smtp.Server{MaxHandshakes: -1}))
		for range 3 {
			p := s.greeted()
			p.say("STARTTLS\r\n")
			p.expect("220 ")
		}
	})
}

// TestServerHTTP: a browser that was lured here is sent away, and what it posts is not
// tried as mail.
func TestServerHTTP(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "PATCH", "TRACE", "PRI"} {
		p := newSite(t, &smtp.Server{}).greeted()
		p.say(verb + " / HTTP/1.1\r\nMAIL FROM:<>\r\n")
		p.expect("554 5.5.1 this is an SMTP server")
		p.expectEnd()
	}
}

// TestServerStats: what happens is counted, and told to the trace.
func TestServerStats(t *testing.T) {
	t.Parallel()
	var told []string
	tell := func(what string) { told = append(told, what) }
	trace := &smtp.ServerTrace{
		Begin:     func(auth.ConnectionState) { tell("begin") },
		Handshake: func(_ auth.ConnectionState, err error) { tell("handshake"); require.NoError(t, err) },
		Command: func(cs auth.ConnectionState, verb string, code int, took time.Duration) {
			require.NotEmpty(t, cs.ID)
			require.GreaterOrEqual(t, took, time.Duration(0))
			tell(verb)
		},
		Message: func(tx *smtp.Transaction, end smtp.MessageEnd) {
			require.Equal(t, smtp.MessageEnd{Code: 250, Accepted: 1, Octets: 6, Took: end.Took}, end)
			tell("message")
		},
		End: func(cs auth.ConnectionState, _ time.Duration) { tell("end in " + string(cs.Phase)) },
	}
	s := startSite(t, withTLS(t, &smtp.Server{Trace: trace, Auth: &auth.Server{Passwords: passwords}, ErrorDelay: -1}), false)
	p := s.greeted()
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	p.startTLS(s.tls)
	p.say("EHLO a\r\n")
	p.expect("250-")
	p.say("AUTH PLAIN AHRpbQBndWVzcw==\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\nBOGUS\r\n")
	p.expect("535 ", "235 ", "500 ")
	p.say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\ntext\r\n.\r\n")
	p.expect("250 ", "250 ", "354 ", "250 ")
	p.say("NOOP\r\n")
	p.expect("250 ")
	stats := s.srv.Stats()
	require.EqualValues(t, 1, stats.Conns)
	p.say("QUIT\r\n")
	p.expect("221 ")
	p.expectEnd()
	s.close()
	require.Equal(t, smtp.ServerStats{
		Sessions: 1, Commands: 11, Permanent: 2, Handshakes: 1, Logins: 1, LoginsBad: 1, Accepted: 1, Recipients: 1, Octets: 6,
	}, s.srv.Stats())
	require.Equal(t, []string{
		"begin", "EHLO", "STARTTLS", "handshake", "EHLO", "AUTH", "AUTH", "unknown", "MAIL", "RCPT", "DATA", "message", "NOOP", "QUIT", "end in closing",
	}, told)
}

// TestServerStatsOfFailures: failures too.
func TestServerStatsOfFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var refused int
		s := startSite(t, &smtp.Server{
			MaxConns: 1, Trace: &smtp.ServerTrace{Refused: func(net.Addr) { refused++ }},
			Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return errors.New("no") }),
		}, false)
		p := s.inData()
		s.dial().expect("421 ")
		p.say(".\r\n")
		p.expect("451 ")
		time.Sleep(time.Hour)
		p.expect("421 ")
		s.close()
		require.Equal(t, smtp.ServerStats{Sessions: 1, Refused: 1, Commands: 4, Temporary: 2, Timeouts: 1, NotTaken: 1}, s.srv.Stats())
		require.Equal(t, 1, refused)
	})
}
