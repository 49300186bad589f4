package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// commandsForBody is a message that reads as a session.
const commandsForBody = "RSET\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\n..\r\nNOOP\r\nSTARTTLS\r\nQUIT\r\n"

// TestServerDesync: whatever goes wrong with a message, none of it is read as a
// command. There is one reply to it, and what stands behind its genuine end is
// answered, or the connection is closed. The message is cut in two at each octet.
func TestServerDesync(t *testing.T) {
	t.Parallel()
	refusal := &smtp.Error{Code: 554, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "no"}
	read := func(n int64) smtp.HandlerFunc {
		return func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.CopyN(io.Discard, tx.Body, n)
			return errors.Join(err, refusal)
		}
	}
	for _, tt := range []struct {
		name   string
		most   int64  // of octets
		begin  string // of the message
		handle smtp.HandlerFunc
		want   string
		open   bool
	}{
		{"too large", 20, "", func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}, "552 5.3.4 ", true},
		{"too large, unread", 20, "", func(context.Context, *smtp.Transaction) error { return nil }, "552 5.3.4 ", true},
		{"refused, unread", 0, "", read(0), "554 5.7.1 ", true},
		{"refused, read in part", 0, "", read(10), "554 5.7.1 ", true},
		{"refused, read", 0, "", func(_ context.Context, tx *smtp.Transaction) error {
			_, _ = io.Copy(io.Discard, tx.Body)
			return refusal
		}, "554 5.7.1 ", true},
		{"failed", 0, "", func(context.Context, *smtp.Transaction) error { return errors.New("no disk") }, "451 4.3.0 ", true},
		{"disk full", 0, "", func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(fullDisk{}, tx.Body)
			return err
		}, "451 4.3.0 ", true},
		{"panic", 0, "", func(context.Context, *smtp.Transaction) error { panic("no") }, "421 4.3.0 ", false},
		{"told to go", 0, "", func(context.Context, *smtp.Transaction) error { return &smtp.Error{Code: 421, Text: "later"} }, "421 4.0.0 later", false},
		{"bare LF", 0, "a\nb\r\n", func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}, "550 5.6.11 ", false},
		{"bare CR, unread", 0, "a\rb\r\n", func(context.Context, *smtp.Transaction) error { return refusal }, "554 5.7.1 ", false},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", tt.name, secure), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					srv := &smtp.Server{MaxMessageBytes: tt.most, Handler: tt.handle, Log: slog.New(slog.DiscardHandler)}
					srv.Hooks.Mail = func(_ context.Context, tx *smtp.Transaction) error {
						if tx.Envelope.From.Local() == "evil" {
							t.Error("a line of the message was read as a command")
						}
						return nil
					}
					if secure {
						withTLS(t, srv)
					}
					s := newSite(t, srv)
					message := tt.begin + commandsForBody + ".\r\nRSET\r\n"
					for cut := range len(message) {
						p := s.greeted()
						if secure {
							p.say("STARTTLS\r\n")
							p.expect("220 ")
							p.startTLS(s.tls)
							p.say("EHLO client.example.com\r\n")
							p.expect("250-")
						}
						p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n")
						p.expect("250 ", "250 ", "354 ")
						p.say(message[:cut])
						synctest.Wait()
						_, _ = io.WriteString(p, message[cut:])
						p.expect(tt.want)
						if tt.open {
							p.expect("250 2.0.0 ok")
							p.say("DATA\r\nQUIT\r\n")
							p.expect("503 ", "221 ")
						}
						p.expectEnd()
						_ = p.Close()
					}
				})
			})
		}
	}
}

// TestServerDesyncTimeout: a sender that comes back with the rest of its message when
// the server has given up speaks to nobody.
func TestServerDesyncTimeout(t *testing.T) {
	t.Parallel()
	for _, handle := range []smtp.HandlerFunc{
		func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		},
		func(context.Context, *smtp.Transaction) error { return nil },
		func(_ context.Context, tx *smtp.Transaction) error {
			_, _ = io.Copy(io.Discard, tx.Body)
			return &smtp.Error{Code: 554, Text: "no"}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			srv := &smtp.Server{Handler: handle}
			srv.Hooks.Mail = func(_ context.Context, tx *smtp.Transaction) error {
				require.Equal(t, "alice", tx.Envelope.From.Local())
				return nil
			}
			s := newSite(t, srv)
			for cut := range len(commandsForBody) {
				p := s.inData()
				p.say(commandsForBody[:cut])
				time.Sleep(6 * time.Minute)
				_, _ = io.WriteString(p, commandsForBody[cut:]+".\r\nMAIL FROM:<evil@example.com>\r\n")
				p.expect("421 4.4.2 timeout")
				p.expectEnd()
				_ = p.Close()
			}
		})
	}
}

// TestServerSecondHop: what a server that takes bare LF hands on, behind a field of its
// own, is in order: the next server, which takes none, finds one message and no other.
func TestServerSecondHop(t *testing.T) {
	t.Parallel()
	for _, v := range eodVariants(t) {
		t.Run(v.ID, func(t *testing.T) {
			t.Parallel()
			octets := "Subject: x\r\n\r\nfirst" + unhex(t, v.Hex+v.Body)
			if !v.Ends {
				octets += evil
			}
			next := newSite(t, &smtp.Server{})
			first := newSite(t, &smtp.Server{AcceptBareLF: true, Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
				nc, err := next.ln.Dial(ctx)
				if err != nil {
					return err
				}
				c, err := smtp.NewClient(ctx, nc, "mx.example.org", &smtp.ClientConfig{TLS: smtp.InsecureNoTLS})
				if err != nil {
					return err
				}
				defer c.Close()
				field := tx.AppendReceived(nil, time.Now())
				_, err = c.Send(ctx, tx.Envelope, io.MultiReader(strings.NewReader(string(field)), tx.Body))
				return err
			})})
			p := first.inData()
			p.say(octets)
			accepted := strings.HasPrefix(p.hear(), "250 ")
			_ = p.Close()
			got := next.letters()
			require.Equal(t, accepted, len(got) == 1)
			for _, l := range got {
				require.Equal(t, "alice", l.tx.Envelope.From.Local())
				require.True(t, strings.HasPrefix(l.body, "Received: from client.example.com "))
			}
		})
	}
}
