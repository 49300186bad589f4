package smtptest

import (
	"context"
	"errors"
	"fmt"
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

// envelope is from sender@example.org to one recipient.
func envelope(t testing.TB, to string) smtp.Envelope {
	t.Helper()
	from, err := smtp.ParseAddress("sender@example.org")
	require.NoError(t, err)
	rcpt, err := smtp.ParseAddress(to)
	require.NoError(t, err)
	return smtp.Envelope{From: from, To: []smtp.Recipient{{Address: rcpt}}}
}

// TestServer goes through a session with each kind of server.
func TestServer(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Server){
		"loopback":          func(*Server) {},
		"loopback with TLS": func(s *Server) { s.ImplicitTLS = true },
		"memory":            func(s *Server) { s.Memory = true },
		"memory with TLS":   func(s *Server) { s.Memory, s.ImplicitTLS = true, true },
		"submission":        func(s *Server) { s.Config.Protocol = auth.Submission },
		"a handler of the test": func(s *Server) {
			s.Config.Handler = smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
				return s.ServeSMTP(ctx, tx)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewUnstartedServer(t)
			change(s)
			s.Start()
			c := s.Client("user")
			require.NotNil(t, c.ConnectionState().TLS)
			for i := range 2 {
				_, err := c.Send(t.Context(), envelope(t, fmt.Sprintf("rcpt%d@example.org", i)), strings.NewReader("Subject: x\r\n\r\n.dot\r\n"))
				require.NoError(t, err)
			}
			require.NoError(t, c.Quit(t.Context()))
			got := s.Messages()
			require.Len(t, got, 2)
			require.Equal(t, "Subject: x\r\n\r\n.dot\r\n", string(got[1].Data))
			require.Equal(t, "sender@example.org", got[1].Envelope.From.String())
			require.Equal(t, "rcpt1@example.org", got[1].Envelope.To[0].Address.String())
			require.Equal(t, "user", got[1].Conn.Identity.User)
			s.Forget()
			require.Empty(t, s.Messages())
		})
	}
}

func TestServer_Refuses(t *testing.T) {
	t.Parallel()
	s := NewUnstartedServer(t)
	s.Config.Hooks.Recipient = func(context.Context, *smtp.Transaction, smtp.Recipient) error {
		return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user"}
	}
	s.Start()
	_, err := s.Client("").Send(t.Context(), envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
	var reply *smtp.Error
	require.ErrorAs(t, err, &reply)
	require.Equal(t, smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user"}, *reply)
	require.Empty(t, s.Messages())
}

func TestServer_Passwords(t *testing.T) {
	t.Parallel()
	s := NewServer(t)
	s.SetPassword("user", "first")
	cfg := s.ClientConfig("user")
	c, err := smtp.Dial(t.Context(), s.Addr, cfg)
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))

	s.SetPassword("user", "second")
	_, err = smtp.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrCredentials)
	cfg.Auth = auth.Password("nobody", DefaultPassword)
	_, err = smtp.Dial(t.Context(), s.Addr, cfg)
	require.ErrorIs(t, err, auth.ErrCredentials)
	require.Nil(t, s.Client("").ConnectionState().Identity)
}

func TestServer_Wait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		go func() {
			for i := range 3 {
				time.Sleep(time.Minute)
				_, err := smtp.Send(t.Context(), s.Addr, s.ClientConfig(""), envelope(t, fmt.Sprintf("r%d@example.org", i)), strings.NewReader("x\r\n"))
				if err != nil {
					t.Error(err)
				}
			}
		}()
		start := time.Now()
		got, err := s.Wait(t.Context(), 2)
		require.NoError(t, err)
		require.Len(t, got, 2)
		require.Equal(t, 2*time.Minute, time.Since(start))
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Minute, cause)
		defer cancel()
		got, err = s.Wait(ctx, 4)
		require.ErrorIs(t, err, cause)
		require.Len(t, got, 3)
	})
}

// logged is a test that only keeps its log.
type logged struct {
	testing.TB
	lines []string
}

func (l *logged) Helper()                 {}
func (l *logged) Cleanup(f func())        { l.TB.Cleanup(f) }
func (l *logged) Logf(f string, a ...any) { l.lines = append(l.lines, fmt.Sprintf(f, a...)) }

func TestServer_LogTranscript(t *testing.T) {
	t.Parallel()
	log := &logged{TB: t}
	s := NewUnstartedServer(log)
	s.LogTranscript = true
	s.Start()
	_, err := smtp.Send(t.Context(), s.Addr, s.ClientConfig("user"), envelope(t, "rcpt@example.org"), strings.NewReader("private\r\n"))
	require.NoError(t, err)
	s.Close()
	require.Contains(t, log.lines, "C: AUTH PLAIN ***")
	require.Contains(t, log.lines, "C: RCPT TO:<rcpt@example.org>")
	require.NotContains(t, strings.Join(log.lines, "\n"), "private")
	require.Equal(t, strings.Join(log.lines, "\n")+"\n", s.Transcript())
}

func TestServer_Cut(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]bool{"loopback": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewUnstartedServer(t)
			s.Memory = memory
			s.Start()
			cfg := s.ClientConfig("")
			cfg.TLS = smtp.InsecureNoTLS
			s.CutAfter(5)
			result, err := smtp.Send(t.Context(), s.Addr, cfg, envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.Equal(t, smtp.Refused, result.Outcome)
			require.True(t, smtp.SafeToRetry(err))

			// Somewhere between the greeting and the end the answer to the data is cut.
			// What is cut before that may be the answer to a recipient, with the
			// message behind it on its way: then the server may not have it, and the
			// client cannot know either.
			unknown := false
			for n := int64(100); ; n += 20 {
				s.Forget()
				s.CutAfter(n)
				result, err = smtp.Send(t.Context(), s.Addr, cfg, envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
				if result.Outcome == smtp.Accepted {
					break
				}
				require.Equal(t, result.Outcome == smtp.Refused, smtp.SafeToRetry(err))
				if taken := s.Messages(); result.Outcome == smtp.Unknown {
					require.LessOrEqual(t, len(taken), 1)
					unknown = unknown || len(taken) == 1
				} else {
					require.Empty(t, taken)
				}
			}
			require.NoError(t, err)
			require.True(t, unknown)

			s.Heal()
			_, err = smtp.Send(t.Context(), s.Addr, cfg, envelope(t, "rcpt@example.org"), strings.NewReader("x\r\n"))
			require.NoError(t, err)
		})
	}
}

func TestServer_Stalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewMemoryServer(t)
		s.StallAfter(10)
		start := time.Now()
		_, err := smtp.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, clientTimeout, time.Since(start))
		s.Heal()
		c := s.Client("user")
		time.Sleep(time.Minute)
		require.NoError(t, c.Noop(t.Context()))
	})
}

func TestServer_IsClosed(t *testing.T) {
	t.Parallel()
	s := NewMemoryServer(t)
	c := s.Client("user")
	s.Close()
	require.Error(t, c.Noop(t.Context()))
	_, err := smtp.Dial(t.Context(), s.Addr, s.ClientConfig("user"))
	require.Error(t, err)
	s.Close()
}
