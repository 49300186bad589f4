package smtp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// toThree connects and gets as far as three recipients.
func (s *site) toThree(hello, params string) *peer {
	s.t.Helper()
	p := s.dial()
	p.expect("220 ")
	p.say(hello + " client.example.com\r\nMAIL FROM:<>" + params + "\r\n")
	p.expect("250-", "250 ")
	for _, to := range []string{"a", "b", "c"} {
		p.say("RCPT TO:<" + to + "@example.org>\r\n")
		p.expect("250 2.1.5 ")
	}
	return p
}

func lmtpServer(h smtp.HandlerFunc) *smtp.Server {
	return &smtp.Server{
		Protocol: auth.LMTP, Handler: h,
		Local: func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
	}
}

// TestServerResults: what a handler says of each recipient, in each protocol.
func TestServerResults(t *testing.T) {
	t.Parallel()
	full := &smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 2, 2}, Text: "over quota"}
	none := smtp.Reject("no")
	const ok = "250 2.0.0 accepted as "
	read := func(tx *smtp.Transaction) { _, _ = io.Copy(io.Discard, tx.Body) }
	for _, tt := range []struct {
		name             string
		handle           smtp.HandlerFunc
		lmtp, prdr, smtp []string
	}{
		{
			"one result for all", func(_ context.Context, tx *smtp.Transaction) error { read(tx); return nil },
			[]string{ok, ok, ok},
			[]string{"353 ", ok, ok, ok, ok},
			[]string{ok},
		},
		{
			"one refusal for all", func(_ context.Context, tx *smtp.Transaction) error { read(tx); return none },
			[]string{"550 5.7.1 no", "550 5.7.1 no", "550 5.7.1 no"},
			[]string{"353 ", "550 5.7.1 no", "550 ", "550 ", "550 5.7.1 no"},
			[]string{"550 5.7.1 no"},
		},
		{
			"each its own", func(_ context.Context, tx *smtp.Transaction) error {
				read(tx)
				tx.SetResult(0, nil)
				tx.SetResult(1, none)
				tx.SetResult(2, full)
				return errors.New("not told")
			},
			[]string{ok, "550 5.7.1 no", "452 4.2.2 over quota"},
			[]string{"353 ", ok, "550 5.7.1 no", "452 4.2.2 over quota", ok},
			[]string{"452 4.2.2 over quota"}, // nothing is lost: it comes again
		},
		{
			"some, and the others by default", func(_ context.Context, tx *smtp.Transaction) error {
				read(tx)
				tx.SetResult(2, errors.New("secret"))
				return nil
			},
			[]string{ok, ok, "451 4.3.0 local error"},
			[]string{"353 ", ok, ok, "451 4.3.0 local error", ok},
			[]string{"451 4.3.0 local error"},
		},
		{
			"known before the message has come", func(_ context.Context, tx *smtp.Transaction) error {
				tx.SetResult(0, none)
				read(tx)
				tx.SetResult(0, nil) // the last one counts
				return none
			},
			[]string{ok, "550 ", "550 "},
			[]string{"353 ", ok, "550 ", "550 ", ok},
			[]string{"550 5.7.1 no"},
		},
		{
			"misused", func(_ context.Context, tx *smtp.Transaction) error {
				tx.SetResult(-1, none)
				tx.SetResult(3, none)
				tx.SetResult(math.MaxInt, none)
				return nil
			},
			[]string{ok, ok, ok},
			[]string{"353 ", ok, ok, ok, ok},
			[]string{ok},
		},
		{
			"at once, by many", func(_ context.Context, tx *smtp.Transaction) error {
				read(tx)
				var wg sync.WaitGroup
				for i := range tx.Envelope.To {
					wg.Go(func() { tx.SetResult(i, nil) })
				}
				wg.Wait()
				return none
			},
			[]string{ok, ok, ok},
			[]string{"353 ", ok, ok, ok, ok},
			[]string{ok},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, message := range []string{"DATA\r\ntext\r\n.\r\n", "BDAT 4\r\ntextBDAT 2 LAST\r\n\r\n"} {
				before := "354 "
				if message[0] == 'B' {
					before = "250 2.0.0 chunk ok"
				}
				p := newSite(t, lmtpServer(tt.handle)).toThree("LHLO", "")
				p.say(message + "NOOP\r\n")
				p.expect(before)
				p.expect(append(tt.lmtp, "250 2.0.0 ok")...)
				p = newSite(t, &smtp.Server{Handler: tt.handle}).toThree("EHLO", " PRDR")
				p.say(message + "NOOP\r\n")
				p.expect(before)
				p.expect(append(tt.prdr, "250 2.0.0 ok")...)
				p = newSite(t, &smtp.Server{Handler: tt.handle}).toThree("EHLO", "")
				p.say(message + "NOOP\r\n")
				p.expect(before)
				p.expect(append(tt.smtp, "250 2.0.0 ok")...)
			}
		})
	}
}

// TestServerResultsUnread: what a handler says of recipients counts also when it refuses
// the message unread, save that nobody has it.
func TestServerResultsUnread(t *testing.T) {
	t.Parallel()
	h := func(_ context.Context, tx *smtp.Transaction) error {
		tx.SetResult(0, smtp.Reject("no"))
		tx.SetResult(1, &smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 2, 2}, Text: "over quota"})
		tx.SetResult(2, nil)
		return smtp.Reject("none of them")
	}
	for _, message := range []string{"DATA\r\ntext\r\n.\r\n", "BDAT 6 LAST\r\ntext\r\n"} {
		p := newSite(t, lmtpServer(h)).toThree("LHLO", "")
		p.say(message + "NOOP\r\n")
		if message[0] == 'D' {
			p.expect("354 ")
		}
		p.expect("550 5.7.1 no", "452 4.2.2 over quota", "550 5.7.1 none of them", "250 2.0.0 ok")
		for _, params := range []string{"", " PRDR"} {
			p = newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(h)}).toThree("EHLO", params)
			p.say(message + "NOOP\r\n")
			if message[0] == 'D' {
				p.expect("354 ")
			}
			p.expect("452 4.2.2 over quota", "250 2.0.0 ok") // so that it comes again
		}
	}
	p := newSite(t, lmtpServer(h)).toThree("LHLO", "")
	p.say("BDAT 6\r\ntext\r\nRSET\r\n")
	p.expect("452 4.2.2 over quota", "250 2.0.0 ok")
	p = newSite(t, lmtpServer(func(ctx context.Context, tx *smtp.Transaction) error {
		_ = h(ctx, tx)
		panic("unread")
	})).toThree("LHLO", "")
	p.say("DATA\r\ntext\r\n.\r\n")
	p.expect("354 ", "421 4.3.0 ", "421 4.3.0 ", "421 4.3.0 ")
	p.expectEnd()
}

// TestServerResultsAtOnce: a result is told when it is known, and not only when the
// handler returns.
func TestServerResultsAtOnce(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2033-5-6")
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		wait := func(ctx context.Context) {
			select {
			case <-next:
			case <-ctx.Done():
			}
		}
		h := func(ctx context.Context, tx *smtp.Transaction) error {
			if _, err := io.Copy(io.Discard, tx.Body); err != nil {
				return err
			}
			tx.SetResult(1, smtp.Reject("b"))
			tx.SetResult(0, nil)
			wait(ctx)
			tx.SetResult(0, smtp.Reject("too late"))
			tx.SetResult(2, smtp.Reject("c"))
			wait(ctx)
			return nil
		}
		p := newSite(t, lmtpServer(h)).toThree("LHLO", "")
		p.say("DATA\r\n.\r\nNOOP\r\n")
		p.expect("354 ", "250 ", "550 5.7.1 b")
		next <- struct{}{}
		p.expect("550 5.7.1 c")
		next <- struct{}{}
		p.expect("250 2.0.0 ok")
	})
}

// TestServerResultsPanic: what was told stays, and the rest is not accepted.
func TestServerResultsPanic(t *testing.T) {
	t.Parallel()
	p := newSite(t, lmtpServer(func(_ context.Context, tx *smtp.Transaction) error {
		_, _ = io.Copy(io.Discard, tx.Body)
		tx.SetResult(0, nil)
		panic("for the second recipient")
	})).toThree("LHLO", "")
	p.say("DATA\r\n.\r\nNOOP\r\n")
	p.expect("354 ", "250 2.0.0 accepted", "421 4.3.0 ")
	p.expectEnd()
}

// TestServerResultsLate: a result that comes when all is over does nothing, however the
// message ended.
func TestServerResultsLate(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{"250 ": nil, "550 ": smtp.Reject("unread")} {
		var kept *smtp.Transaction
		p := newSite(t, lmtpServer(func(_ context.Context, tx *smtp.Transaction) error { kept = tx; return err })).toThree("LHLO", "")
		p.say("DATA\r\n.\r\n")
		p.expect("354 ", want, want, want)
		kept.SetResult(0, nil)
		kept.SetResult(0, smtp.Reject("late"))
		p.say("NOOP\r\n")
		p.expect("250 2.0.0 ok")
	}
	new(smtp.Transaction).SetResult(0, nil)
}

// TestServerResultsLeft: a goroutine that the handler left behind disturbs nobody, not
// even while the server judges the message. The race detector looks on.
func TestServerResultsLeft(t *testing.T) {
	t.Parallel()
	var left sync.WaitGroup
	p := newSite(t, lmtpServer(func(_ context.Context, tx *smtp.Transaction) error {
		left.Go(func() {
			for i := range 1000 {
				tx.SetResult(i%4, nil)
			}
		})
		return nil
	})).toThree("LHLO", "")
	p.say("DATA\r\n.\r\nNOOP\r\n")
	p.expect("354 ", "250 2.0.0 accepted", "250 2.0.0 accepted", "250 2.0.0 accepted", "250 2.0.0 ok")
	left.Wait()
}

// TestServerResultsCounted: a message that is refused, as it is not for all of its
// recipients, is nowhere told as accepted.
func TestServerResultsCounted(t *testing.T) {
	t.Parallel()
	ends := make(chan smtp.MessageEnd, 1)
	var log strings.Builder
	s := newSite(t, &smtp.Server{
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			tx.SetResult(1, smtp.Reject("no"))
			return nil
		}),
		Log:   slog.New(slog.NewTextHandler(&log, nil)),
		Trace: &smtp.ServerTrace{Message: func(_ *smtp.Transaction, end smtp.MessageEnd) { ends <- end }},
	})
	p := s.toThree("EHLO", "")
	p.say("DATA\r\n.\r\nQUIT\r\n")
	p.expect("354 ", "550 5.7.1 no", "221 ")
	p.expectEnd()
	end := <-ends
	require.Equal(t, 550, end.Code)
	require.Zero(t, end.Accepted)
	require.NoError(t, s.srv.Shutdown(t.Context()))
	stats := s.srv.Stats()
	require.Equal(t, []int64{0, 0, 0, 1}, []int64{stats.Accepted, stats.Recipients, stats.Octets, stats.NotTaken})
	require.Contains(t, log.String(), "message refused")
	require.NotContains(t, log.String(), "message accepted")
}

// TestServerPRDRSingle: a single recipient has the one reply that there always is.
func TestServerPRDRSingle(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		tx.SetResult(0, smtp.Reject("no"))
		return nil
	})}).greeted()
	p.say("MAIL FROM:<> PRDR\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\nNOOP\r\n")
	p.expect("250 ", "250 ", "354 ", "550 5.7.1 no", "250 2.0.0 ok")
}

// TestServerLMTPInStep: however the message fails, there is a reply for each recipient
// at its end, and one for each chunk before it.
func TestServerLMTPInStep(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, say string
		want      []string
	}{
		{"bare LF by BDAT", "BDAT 2 LAST\r\n\n\n", []string{"550 5.6.11 ", "550 5.6.11 ", "550 5.6.11 "}},
		{"chunks after a failed one", "BDAT 2\r\n\n\nBDAT 1\r\nxBDAT 1 LAST\r\nx", []string{"550 5.6.11 ", "503 ", "503 ", "503 ", "503 "}},
		{"too large by BDAT", "BDAT 20 LAST\r\n" + strings.Repeat("x", 20), []string{"552 ", "552 ", "552 "}},
		{"too large by DATA", "DATA\r\n" + strings.Repeat("x", 20) + "\r\n.\r\n", []string{"354 ", "552 ", "552 ", "552 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := lmtpServer(nil)
			srv.Handler = nil
			srv.MaxMessageBytes = 10
			p := newSite(t, srv).toThree("LHLO", "")
			p.say(tt.say + "NOOP\r\n")
			p.expect(append(tt.want, "250 2.0.0 ok")...)
		})
	}
}

// TestServerLMTPOwnRecipients: there is a reply for each RCPT that was accepted, whatever
// hooks and handler make of the envelope, and however the message ends.
func TestServerLMTPOwnRecipients(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"short", "longer than ten octets"} {
		srv := lmtpServer(func(_ context.Context, tx *smtp.Transaction) error {
			tx.Envelope.To = tx.Envelope.To[:1]
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		})
		srv.MaxMessageBytes = 10
		srv.Hooks.Data = func(_ context.Context, tx *smtp.Transaction) error {
			tx.Envelope.To = append(tx.Envelope.To, tx.Envelope.To[0])
			return nil
		}
		want := "250 2.0.0 accepted"
		if len(message) > 10 {
			want = "552 5.3.4 "
		}
		p := newSite(t, srv).toThree("LHLO", "")
		p.say("DATA\r\n" + message + "\r\n.\r\nNOOP\r\n")
		p.expect("354 ", want, want, want, "250 2.0.0 ok")
	}
}

// TestServerLMTPWithoutRecipients: DATA fails with 503, a chunk too, and the last chunk
// is answered as often as there are recipients.
func TestServerLMTPWithoutRecipients(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2033-4.2-1")
	srv := lmtpServer(nil)
	srv.Handler = nil
	p := newSite(t, srv).dial()
	p.say("LHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\nDATA\r\nBDAT 4\r\nRSETBDAT 4 LAST\r\nRSETNOOP\r\n")
	p.expect("220 mx.example.org LMTP", "250-", "250 ", "550 ", "503 5.5.1 ", "503 5.5.1 ", "250 2.0.0 ok")
}

// TestServerLMTPRefusesAll: a client and a server agree on the replies to a message that
// is for nobody, and go on with the next.
func TestServerLMTPRefusesAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := lmtpServer(nil)
		srv.Handler = nil
		s := newSite(t, srv)
		c, err := smtp.Dial(t.Context(), "mx.example.org", &smtp.ClientConfig{Protocol: auth.LMTP, TLS: smtp.InsecureNoTLS, Dialer: s})
		require.NoError(t, err)
		start := time.Now()
		for _, size := range []int{1, 1 << 20} {
			for _, tt := range []struct {
				to   string
				want smtp.Outcome
			}{{"nobody@elsewhere.example", smtp.Refused}, {"bob@example.org", smtp.Accepted}} {
				to, err := smtp.ParseAddress(tt.to)
				require.NoError(t, err)
				body := strings.NewReader(strings.Repeat("x\r\n", size))
				result, err := c.Send(t.Context(), smtp.Envelope{To: []smtp.Recipient{{Address: to}}}, body)
				require.Equal(t, tt.want, result.Outcome, "%v", err)
			}
		}
		require.Zero(t, time.Since(start))
		require.NoError(t, c.Quit(t.Context()))
	})
}

// TestServerLMTPPort: LMTP has no port of its own, and is never on that of SMTP.
func TestServerLMTPPort(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2033-1-1", "rfc2033-5-1")
	h := smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil })
	srv := &smtp.Server{Protocol: auth.LMTP, Hostname: "mx.example.org", Handler: h}
	require.EqualError(t, srv.ListenAndServe(), "smtp: LMTP server without an Addr")
	require.NoError(t, srv.Close())
	require.EqualError(t, srv.Serve(testnet.NewListener()), "smtp: LMTP on port 25")
}

// TestServerEarlyRefusal: a handler that refuses before it has read the message is
// heard, whatever the rest of the message is, and nothing of that is a command.
func TestServerEarlyRefusal(t *testing.T) {
	t.Parallel()
	refuse := smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
		_, _ = tx.Body.Read(make([]byte, 2))
		return smtp.Reject("spam")
	})
	p := newSite(t, &smtp.Server{Handler: refuse, MaxMessageBytes: 10}).inData()
	p.say("text\r\n" + strings.Repeat("RSET\r\n", 100) + ".\r\nNOOP\r\n")
	p.expect("550 5.7.1 spam", "250 2.0.0 ok")
	p = newSite(t, &smtp.Server{Handler: refuse}).inData()
	p.say("text\r\n\n.\nRSET\r\n.\r\nNOOP\r\n")
	p.expect("550 5.7.1 spam")
	p.expectEnd()
	// A client that goes away instead is not accepted.
	p = newSite(t, &smtp.Server{Handler: refuse}).inData()
	p.say("text\r\n")
	require.NoError(t, p.Close())
}

// TestServerRelays: what the next server says of a message is told to the peer. What it
// says of the relay is not: a password that has changed loses nobody's mail.
func TestServerRelays(t *testing.T) {
	t.Parallel()
	next := newSite(t, withTLS(t, &smtp.Server{
		Hostname: "next.example.org", Protocol: auth.Submission, Auth: &auth.Server{Passwords: passwords},
		Hooks: smtp.Hooks{Recipient: func(context.Context, *smtp.Transaction, smtp.Recipient) error { return smtp.Reject("not him") }},
	}))
	for password, want := range map[string]string{"tanstaaftanstaaf": "550 5.7.1 not him", "changed": "451 4.3.0 local error"} {
		cfg := &smtp.ClientConfig{TLSConfig: next.tls, Dialer: next, Auth: auth.Password("tim", password)}
		p := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			_, err := smtp.Send(ctx, "next.example.org", cfg, tx.Envelope, tx.Body)
			return err
		})}).inData()
		p.say("text\r\n.\r\n")
		p.expect(want)
	}
}

// TestServerRelaysForAll: what the next server says of one recipient is told of all, and so
// none of them has the message.
func TestServerRelaysForAll(t *testing.T) {
	t.Parallel()
	next := newSite(t, &smtp.Server{Hooks: smtp.Hooks{Recipient: func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
		if to.Address.Local() == "bob" {
			return smtp.Defer("not him, not now")
		}
		return nil
	}}})
	cfg := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: next, RequireAllRecipients: true}
	p := newSite(t, &smtp.Server{Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
		_, err := smtp.Send(ctx, "next.example.org", cfg, tx.Envelope, tx.Body)
		return err
	})}).inMail()
	p.say("RCPT TO:<carol@example.org>\r\nDATA\r\ntext\r\n.\r\n")
	p.expect("250 2.1.5 ", "354 ", "451 4.7.1 not him, not now")
	require.Empty(t, next.letters())
}

// DialContext connects to the site, whatever the address.
func (s *site) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return s.ln.Dial(ctx) }

// TestServerDataHook: it is asked when all recipients are known, before the message.
func TestServerDataHook(t *testing.T) {
	t.Parallel()
	var hook func(tx *smtp.Transaction) error
	s := newSite(t, &smtp.Server{Hooks: smtp.Hooks{
		Mail: func(_ context.Context, tx *smtp.Transaction) error { tx.Value = "from mail"; return nil },
		Data: func(_ context.Context, tx *smtp.Transaction) error { return hook(tx) },
	}})
	p := s.greeted()
	hook = func(tx *smtp.Transaction) error {
		require.Len(t, tx.Envelope.To, 2)
		require.Nil(t, tx.Body)
		require.Equal(t, "from mail", tx.Value)
		tx.Value = "from data"
		return nil
	}
	p.say("MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\n")
	p.expect("250 ", "250 ", "250 ", "354 ", "250 ")
	require.Equal(t, "from data", s.letters()[0].tx.Value)
	for err, want := range map[error]string{
		smtp.Reject("not you"):                      "550 5.7.1 not you",
		smtp.Defer("come back"):                     "451 4.7.1 come back",
		errors.New("secret"):                        "451 4.3.0 local error",
		&smtp.Error{Code: 421, Text: "now go away"}: "421 4.0.0 now go away",
	} {
		p := s.greeted()
		hook = func(*smtp.Transaction) error { return err }
		p.say("MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n")
		p.expect("250 ", "250 ", want)
	}
	require.Len(t, s.letters(), 1)
}

type connKey struct{}

// TestServerConnContext: what is known of a connection is there for all that it does.
func TestServerConnContext(t *testing.T) {
	t.Parallel()
	seen := make(chan any, 10)
	see := func(ctx context.Context) error { seen <- ctx.Value(connKey{}); return nil }
	s := newSite(t, &smtp.Server{
		ConnContext: func(ctx context.Context, cs auth.ConnectionState) context.Context {
			return context.WithValue(ctx, connKey{}, cs.ID)
		},
		Hooks: smtp.Hooks{
			Connect:   func(ctx context.Context, _ auth.ConnectionState) error { return see(ctx) },
			Hello:     func(ctx context.Context, _ auth.ConnectionState) error { return see(ctx) },
			Mail:      func(ctx context.Context, _ *smtp.Transaction) error { return see(ctx) },
			Recipient: func(ctx context.Context, _ *smtp.Transaction, _ smtp.Recipient) error { return see(ctx) },
			Data:      func(ctx context.Context, _ *smtp.Transaction) error { return see(ctx) },
		},
		Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error { seen <- tx.Conn.ID; return see(ctx) }),
	})
	p := s.inData()
	p.say(".\r\n")
	p.expect("250 ")
	close(seen)
	first := <-seen
	require.NotEmpty(t, first)
	n := 1
	for v := range seen {
		require.Equal(t, first, v)
		n++
	}
	require.Equal(t, 7, n)
}
