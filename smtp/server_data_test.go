package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// handler makes a Server of a handler.
func handler(f smtp.HandlerFunc) *smtp.Server { return &smtp.Server{Handler: f} }

// TestServerVerdicts: what the handler returns decides the reply, unless the message
// did not come whole.
func TestServerVerdicts(t *testing.T) {
	t.Parallel()
	secret := errors.New("pq: password authentication failed for user mail")
	read := func(tx *smtp.Transaction) error {
		_, err := io.Copy(io.Discard, tx.Body)
		return err
	}
	const good, bad, large = "text\r\n.\r\n", "te\nxt\r\n.\r\n", "12345678901234567890\r\n.\r\n"
	for _, tt := range []struct {
		name, body string
		handle     smtp.HandlerFunc
		want       string
		open       bool // the session goes on
	}{
		{"accepted", good, func(_ context.Context, tx *smtp.Transaction) error { return read(tx) }, "250 2.0.0 accepted as ", true},
		{"accepted unread", good, func(context.Context, *smtp.Transaction) error { return nil }, "250 2.0.0 accepted as ", true},
		{"refused", good, func(_ context.Context, tx *smtp.Transaction) error {
			_ = read(tx)
			return &smtp.Error{Code: 554, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "spam"}
		}, "554 5.7.1 spam", true},
		{"refused unread", good, func(context.Context, *smtp.Transaction) error {
			return fmt.Errorf("wrapped: %w", &smtp.Error{Code: 554, Text: "spam"})
		}, "554 5.0.0 spam", true},
		{"refused with 421", good, func(context.Context, *smtp.Transaction) error {
			return &smtp.Error{Code: 421, Enhanced: smtp.EnhancedCode{4, 3, 2}, Text: "later"}
		}, "421 4.3.2 later", false},
		{"refused with a code that accepts", good, func(context.Context, *smtp.Transaction) error {
			return &smtp.Error{Code: 250, Text: "ok"}
		}, "451 4.3.0 ok", true},
		{"any other error", good, func(context.Context, *smtp.Transaction) error { return secret }, "451 4.3.0 local error, try again later", true},
		{"panic", good, func(context.Context, *smtp.Transaction) error { panic(secret) }, "421 4.3.0 internal error, try again later", false},
		{"panic after reading", good, func(_ context.Context, tx *smtp.Transaction) error {
			_ = read(tx)
			panic(secret)
		}, "421 4.3.0 ", false},
		{"framing, error passed on", bad, func(_ context.Context, tx *smtp.Transaction) error { return read(tx) }, "550 5.6.11 ", false},
		{"framing, error swallowed", bad, func(_ context.Context, tx *smtp.Transaction) error {
			_ = read(tx)
			return nil
		}, "550 5.6.11 ", false},
		{"framing, unread", bad, func(context.Context, *smtp.Transaction) error { return nil }, "550 5.6.11 ", false},
		{"framing, refused for another reason", bad, func(context.Context, *smtp.Transaction) error {
			return &smtp.Error{Code: 554, Text: "spam"}
		}, "554 5.0.0 spam", false},
		{"too large, error passed on", large, func(_ context.Context, tx *smtp.Transaction) error { return read(tx) }, "552 5.3.4 message too large", true},
		{"too large, error swallowed", large, func(_ context.Context, tx *smtp.Transaction) error {
			_ = read(tx)
			return nil
		}, "552 5.3.4 ", true},
		{"too large, unread", large, func(context.Context, *smtp.Transaction) error { return nil }, "552 5.3.4 ", true},
		{"too large, bare LF behind the limit", "1234567890123456789012345\n\r\n.\r\n", func(context.Context, *smtp.Transaction) error { return nil }, "552 5.3.4 ", true},
		{"the handler's disk is full", good, func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(fullDisk{}, tx.Body)
			return err
		}, "451 4.3.0 ", true},
		{"the handler's disk is full, and it does not care", good, func(_ context.Context, tx *smtp.Transaction) error {
			_, _ = io.Copy(fullDisk{}, tx.Body)
			return nil
		}, "451 4.3.0 ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "any other error":
				rfc.Covers(t, "rfc5321-4.1.1.4-7")
			case "refused with a code that accepts":
				rfc.Covers(t, "rfc5321-4.3.1-4")
			}
			var log bytes.Buffer
			srv := handler(tt.handle)
			srv.MaxMessageBytes = 20
			srv.Log = slog.New(slog.NewTextHandler(&log, nil))
			s := startSite(t, srv, false)
			p := s.inData()
			// What follows the message is a command, and never a part of it, nor is
			// the message ever a command.
			p.say(tt.body + "NOOP\r\n")
			p.expect(tt.want)
			if tt.open {
				p.expect("250 2.0.0 ok")
				p.say("MAIL FROM:<>\r\n")
				p.expect("250 2.1.0 ")
			} else {
				p.expectEnd()
			}
			s.close()
			require.Equal(t, strings.HasPrefix(tt.name, "panic") || tt.name == "any other error", strings.Contains(log.String(), secret.Error()))
		})
	}
}

type fullDisk struct{}

func (fullDisk) Write(p []byte) (int, error) { return len(p) / 2, errors.New("no space left") }

// TestServerBody: the handler gets the octets that were sent, however it reads, and
// cannot read on when it has returned.
func TestServerBody(t *testing.T) {
	t.Parallel()
	const body = ".dot\r\n\r\ntext \xff\x01\t\r\n.\r\nlast\r\n"
	stuffed := "." + strings.ReplaceAll(body, "\r\n.", "\r\n..") + ".\r\n"
	for name, read := range map[string]func(io.Reader) ([]byte, error){
		"Read": func(r io.Reader) (b []byte, err error) {
			p := make([]byte, 3)
			for {
				n, err := r.Read(p)
				b = append(b, p[:n]...)
				if err == io.EOF {
					return b, nil
				}
				if err != nil {
					return b, err
				}
			}
		},
		"WriteTo": func(r io.Reader) ([]byte, error) {
			var b bytes.Buffer
			n, err := r.(io.WriterTo).WriteTo(&b)
			if int(n) != b.Len() {
				return nil, errors.New("count is wrong")
			}
			return b.Bytes(), err
		},
		"both": func(r io.Reader) ([]byte, error) {
			p := make([]byte, 5)
			if _, err := io.ReadFull(r, p); err != nil {
				return nil, err
			}
			b := bytes.NewBuffer(p)
			_, err := r.(io.WriterTo).WriteTo(b)
			return b.Bytes(), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc6152-3-2", "rfc6152-3-3", "rfc6152-3-4")
			var got []byte
			var body2 io.Reader
			srv := handler(func(_ context.Context, tx *smtp.Transaction) (err error) {
				if got, err = read(tx.Body); err != nil {
					return err
				}
				if n, err := tx.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					return errors.New("no EOF again")
				}
				if n, err := tx.Body.(io.WriterTo).WriteTo(io.Discard); n != 0 || err != nil {
					return errors.New("no end again")
				}
				body2 = tx.Body
				return nil
			})
			srv.MaxMessageBytes = int64(len(body)) // exactly
			s := newSite(t, srv)
			p := s.inData()
			p.say(stuffed)
			p.expect("250 2.0.0 ")
			require.Equal(t, body, string(got))
			_, err := body2.Read(make([]byte, 1))
			require.EqualError(t, err, "smtp: body read after the handler returned")
			_, err = body2.(io.WriterTo).WriteTo(io.Discard)
			require.Error(t, err)
		})
	}
}

// TestServerBodyErrors: a handler is told why there is no more, and never by io.EOF.
func TestServerBodyErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		limit      int64
		want       func(t *testing.T, err error)
		read       string
	}{
		{"framing", "one\r\ntw\no\r\n.\r\n", 0, func(t *testing.T, err error) {
			var framing *smtp.FramingError
			require.ErrorAs(t, err, &framing)
			require.Equal(t, byte('\n'), framing.Octet)
			require.EqualValues(t, 7, framing.Offset)
		}, "one\r\ntw"},
		{"too large", "one\r\ntwo\r\n.\r\n", 7, func(t *testing.T, err error) {
			require.ErrorIs(t, err, smtp.ErrTooLarge)
		}, "one\r\ntw"},
		{"dots do not count", "one\r\n..\r\n.\r\n", 8, func(t *testing.T, err error) {
			require.NoError(t, err)
		}, "one\r\n.\r\n"},
	} {
		for _, by := range []string{"Read", "WriteTo"} {
			t.Run(tt.name+" by "+by, func(t *testing.T) {
				t.Parallel()
				done := make(chan struct{})
				srv := handler(func(_ context.Context, tx *smtp.Transaction) error {
					defer close(done)
					var b bytes.Buffer
					var err error
					if by == "Read" {
						_, err = io.Copy(&b, struct{ io.Reader }{tx.Body})
					} else {
						_, err = io.Copy(&b, tx.Body)
					}
					tt.want(t, err)
					require.Equal(t, tt.read, b.String())
					if err != nil {
						_, again := tx.Body.Read(make([]byte, 1))
						require.Equal(t, err, again)
						_, again = tx.Body.(io.WriterTo).WriteTo(io.Discard)
						require.Equal(t, err, again)
					}
					return err
				})
				srv.MaxMessageBytes = tt.limit
				p := newSite(t, srv).inData()
				p.say(tt.body)
				<-done
				p.hear()
			})
		}
	}
}

// shortWriter takes one octet less than it is given, and says nothing of it.
type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return max(0, len(p)-1), nil }

// TestServerBodyShortWrite: what a handler's writer has not taken is not taken for all
// of it.
func TestServerBodyShortWrite(t *testing.T) {
	t.Parallel()
	wrote := make(chan error, 2)
	s := newSite(t, handler(func(_ context.Context, tx *smtp.Transaction) error {
		_, err := tx.Body.(io.WriterTo).WriteTo(shortWriter{})
		wrote <- err
		_, err = io.Copy(io.Discard, tx.Body)
		wrote <- err
		return nil
	}))
	p := s.inData()
	p.say("text\r\n.\r\n")
	p.expect("4")
	require.ErrorIs(t, <-wrote, io.ErrShortWrite)
	require.Error(t, <-wrote, "the rest would be a part")
}

// TestServerBodyReadOn: a goroutine that reads on when its handler has given up gets
// nothing of what follows, and takes nothing from it.
func TestServerBodyReadOn(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(io.Reader) ([]byte, error){
		"read": io.ReadAll,
		"copy": func(r io.Reader) ([]byte, error) {
			var b bytes.Buffer
			_, err := r.(io.WriterTo).WriteTo(&b)
			return b.Bytes(), err
		},
	} {
		for message, codes := range map[string][]string{
			"DATA\r\nbegin\r\n|more\r\n.\r\nNOOP\r\n":    {"354 451 250"},
			"BDAT 13 LAST\r\nbegin\r\n|more\r\nNOOP\r\n": {"451 250"},
			// The first chunk may have been read by then, or not.
			"BDAT 7\r\nbegin\r\n|BDAT 6 LAST\r\nmore\r\nRSET\r\n": {"250 451 250", "451 503 250"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for range 10 {
					returned, done := make(chan struct{}), make(chan string, 1)
					p := newSite(t, handler(func(_ context.Context, tx *smtp.Transaction) error {
						defer close(returned)
						begun := make(chan struct{})
						go func() {
							close(begun)
							got, _ := read(tx.Body)
							done <- string(got)
						}()
						<-begun
						return errors.New("out of patience")
					})).inMail()
					first, second, _ := strings.Cut(message, "|")
					p.say(first)
					<-returned
					p.say(second)
					var got []string
					for range strings.Fields(codes[0]) {
						got = append(got, p.hear()[:3])
					}
					require.Contains(t, codes, strings.Join(got, " "))
					require.Contains(t, "begin\r\nmore\r\n", <-done)
				}
			})
		}
	}
}

// TestServerPeerGone: a message whose sender goes away is accepted by nobody.
func TestServerPeerGone(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*peer){
		"closed": func(p *peer) { _ = p.Close() },
		"half":   func(p *peer) { _ = p.Conn.(*testnet.Conn).CloseWrite() },
		"cut":    func(p *peer) { p.Conn.(*testnet.Conn).CutAfter(0) },
	} {
		for _, sent := range []string{"", "text", "text\r\n", "text\r\n.", "text\r\n.\r"} {
			t.Run(fmt.Sprintf("%s after %q", name, sent), func(t *testing.T) {
				t.Parallel()
				switch name {
				case "closed":
					rfc.Covers(t, "rfc5321-4.1.1.5-4")
				case "half":
					rfc.Covers(t, "rfc5321-4.1.1.10-4")
				}
				got := make(chan error, 1)
				s := newSite(t, handler(func(_ context.Context, tx *smtp.Transaction) error {
					_, err := io.Copy(io.Discard, tx.Body)
					got <- err
					return nil
				}))
				p := s.inData()
				p.say(sent)
				leave(p)
				require.Error(t, <-got)
				if name == "half" {
					p.expectEnd()
				}
			})
		}
	}
}

// TestServerCloseInMessage: Close ends the handler's reading with an error and its
// context, and nothing is accepted.
func TestServerCloseInMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type end struct{ err, ctx error }
		got := make(chan end, 1)
		s := startSite(t, handler(func(ctx context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			<-ctx.Done()
			got <- end{err, ctx.Err()}
			return nil
		}), false)
		p := s.inData()
		p.say("text\r\n")
		synctest.Wait()
		s.close()
		e := <-got
		require.Error(t, e.err)
		require.ErrorIs(t, e.ctx, context.Canceled)
		p.expectEnd()
		_ = p.Close()
	})
}

// TestServerCloseBehindMessage: when the server is closed while the handler keeps the
// message, the peer is not told that it was accepted.
func TestServerCloseBehindMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, handler(func(ctx context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			<-ctx.Done()
			return err
		}), false)
		p := s.inData()
		p.say("text\r\n.\r\n")
		synctest.Wait()
		s.close()
		p.expectEnd()
		_ = p.Close()
	})
}

// TestServerDrainLimit: a message without end is not read for ever once it is refused.
func TestServerDrainLimit(t *testing.T) {
	t.Parallel()
	srv := handler(func(context.Context, *smtp.Transaction) error { return nil })
	srv.MaxMessageBytes = 1000
	p := newSite(t, srv).inData()
	sent := make(chan int)
	go func() {
		chunk, n := strings.Repeat("x", 1<<20), 0
		for ; n < 200; n++ {
			if _, err := io.WriteString(p, chunk); err != nil {
				break
			}
		}
		sent <- n
	}()
	p.expect("552 5.3.4 ")
	p.expectEnd()
	require.Less(t, <-sent, 100)
}

// TestServerTransaction: what hooks and handlers see.
func TestServerTransaction(t *testing.T) {
	t.Parallel()
	var seen *smtp.Transaction
	srv := withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords}})
	srv.Hooks = smtp.Hooks{
		Connect: func(_ context.Context, cs auth.ConnectionState) error {
			require.Equal(t, smtp.PhaseConnected, cs.Phase)
			require.Equal(t, auth.SMTP, cs.Protocol)
			require.NotEmpty(t, cs.ID)
			require.Equal(t, "192.0.2.2:25", cs.LocalAddr.String())
			require.Contains(t, cs.RemoteAddr.String(), "192.0.2.1:")
			return nil
		},
		Hello: func(_ context.Context, cs auth.ConnectionState) error {
			require.Equal(t, "client.example.com", cs.Hello)
			return nil
		},
		Mail: func(_ context.Context, tx *smtp.Transaction) error {
			require.Nil(t, tx.Body)
			require.Equal(t, "alice@example.com", tx.Envelope.From.String())
			require.EqualValues(t, 100, tx.Envelope.Size)
			require.Equal(t, smtp.Body8BitMIME, tx.Envelope.Body)
			require.Empty(t, tx.Envelope.To)
			require.Equal(t, smtp.PhaseGreeted, tx.Conn.Phase)
			require.Equal(t, &auth.Identity{User: "tim", Name: "tim", Mechanism: "PLAIN"}, tx.Conn.Identity)
			require.True(t, tx.Conn.TLS.HandshakeComplete)
			tx.Value, seen = "mine", tx
			return nil
		},
		Recipient: func(_ context.Context, tx *smtp.Transaction, to smtp.Recipient) error {
			require.Same(t, seen, tx)
			require.NotContains(t, tx.Envelope.To, to)
			return nil
		},
	}
	s := newSite(t, srv)
	p := s.greeted()
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	p.startTLS(s.tls)
	p.say("EHLO client.example.com\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
	p.expect("250-", "235 ")
	p.say("MAIL FROM:<alice@example.com> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<\"b o b\"@elsewhere.example>\r\nDATA\r\ntext\r\n.\r\n")
	p.expect("250 ", "250 ", "250 ", "354 ")
	reply := p.hear()
	l := s.letters()[0]
	require.Same(t, seen, l.tx)
	require.Equal(t, "mine", l.tx.Value)
	require.Equal(t, "250 2.0.0 accepted as "+l.tx.ID, reply)
	require.Contains(t, l.tx.ID, l.tx.Conn.ID)
	require.Len(t, l.tx.Envelope.To, 2)
	require.Equal(t, "b o b", l.tx.Envelope.To[1].Address.Local())

	// The next transaction knows nothing of this one, and leaves it alone.
	p.say("MAIL FROM:<alice@example.com> SIZE=100 BODY=8BITMIME\r\nRCPT TO:<carol@example.org>\r\nDATA\r\n.\r\n")
	p.expect("250 ", "250 ", "354 ", "250 ")
	letters := s.letters()
	require.NotEqual(t, letters[0].tx.ID, letters[1].tx.ID)
	require.Len(t, letters[1].tx.Envelope.To, 1)
	require.Empty(t, letters[1].body)
	require.Equal(t, "bob@example.org", letters[0].tx.Envelope.To[0].Address.String())
}

// TestServerHookErrors: a hook's refusal goes to the peer, changes nothing else, and
// does not leak.
func TestServerHookErrors(t *testing.T) {
	t.Parallel()
	const secret = "dial tcp 10.0.0.3: connection refused"
	refuse := &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "no\r\nMAIL"}
	for _, tt := range []struct {
		name  string
		err   error
		want  string // behind the command; the greeting and HELO have no enhanced code
		bare  string
		first string
	}{
		{"an Error", refuse, "550-5.7.1 no\n550 5.7.1 MAIL", "550-no\n550 MAIL", "554-no\n554 MAIL"},
		{"another error", errors.New(secret), "451 4.3.0 local error, try again later", "451 local error, try again later", "421 local error, try again later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			on := ""
			srv := &smtp.Server{Hooks: smtp.Hooks{
				Hello: func(context.Context, auth.ConnectionState) error {
					if on == "EHLO" {
						return tt.err
					}
					return nil
				},
				Mail: func(context.Context, *smtp.Transaction) error {
					if on == "MAIL" {
						return tt.err
					}
					return nil
				},
				Recipient: func(context.Context, *smtp.Transaction, smtp.Recipient) error {
					if on == "RCPT" {
						return tt.err
					}
					return nil
				},
			}}
			s := newSite(t, srv)
			p := s.dial()
			p.expect("220 ")
			for _, step := range []struct{ verb, line, refused, ok string }{
				{"EHLO", "EHLO client.example.com\r\n", tt.bare, "250-"},
				{"MAIL", "MAIL FROM:<>\r\n", tt.want, "250 2.1.0 "},
				{"RCPT", "RCPT TO:<bob@example.org>\r\n", tt.want, "250 2.1.5 "},
			} {
				on = step.verb
				p.say(step.line)
				require.Equal(t, step.refused, p.hear())
				on = ""
				p.say(step.line)
				p.expect(step.ok)
			}
			s2 := newSite(t, &smtp.Server{Hooks: smtp.Hooks{Connect: func(context.Context, auth.ConnectionState) error { return tt.err }}})
			p = s2.dial()
			require.Equal(t, tt.first, p.hear())
			if tt.first[:3] == "421" {
				p.expectEnd()
			} else {
				p.say("QUIT\r\n")
				p.expect("221 ")
			}
		})
	}
}

// TestServerHookPanic: a panic of a hook is a 421, and the end of that session alone.
func TestServerHookPanic(t *testing.T) {
	t.Parallel()
	srv := &smtp.Server{Hooks: smtp.Hooks{Mail: func(context.Context, *smtp.Transaction) error { panic("mail") }}}
	s := newSite(t, srv)
	p, q := s.greeted(), s.greeted()
	p.say("MAIL FROM:<>\r\n")
	p.expect("421 4.3.0 ")
	p.expectEnd()
	q.say("NOOP\r\n")
	q.expect("250 ")
}
