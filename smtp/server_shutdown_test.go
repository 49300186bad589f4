package smtp_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestServerShutdown: idle sessions are told at once, a busy one ends its transaction
// and is told then, and there are no new ones.
func TestServerShutdown(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-3.8-2")
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, &smtp.Server{}, false)
		connected, greeted, mail, data := s.dial(), s.greeted(), s.inMail(), s.inData()
		connected.expect("220 ")
		synctest.Wait()
		begin := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- s.srv.Shutdown(context.Background()) }()
		for _, p := range []*peer{connected, greeted} {
			p.expect("421 4.3.2 service shutting down")
			p.expectEnd()
		}
		require.Zero(t, time.Since(begin))
		require.ErrorIs(t, <-s.done, smtp.ErrServerClosed)
		_, err := s.ln.Dial(context.Background())
		require.Error(t, err)
		require.ErrorIs(t, s.srv.Serve(s.ln), smtp.ErrServerClosed)

		time.Sleep(time.Minute)
		data.say("text\r\n.\r\n")
		data.expect("250 2.0.0 ", "421 4.3.2 ")
		data.expectEnd()
		mail.say("DATA\r\ntext\r\n.\r\nMAIL FROM:<>\r\n")
		mail.expect("354 ", "250 2.0.0 ", "421 4.3.2 ")
		mail.expectEnd()
		require.NoError(t, <-ended)
		require.Equal(t, time.Minute, time.Since(begin))
		require.Len(t, s.letters(), 2)
	})
}

// TestServerShutdownInAuth: who has been given a challenge has nothing to lose.
func TestServerShutdownInAuth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := startSite(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}}, false)
		p := s.greeted()
		p.say("AUTH LOGIN\r\n")
		p.expect("334 ")
		synctest.Wait()
		begin := time.Now()
		require.NoError(t, s.srv.Shutdown(context.Background()))
		require.Zero(t, time.Since(begin))
		p.expect("421 4.3.2 service shutting down")
		p.expectEnd()
		require.ErrorIs(t, <-s.done, smtp.ErrServerClosed)
	})
}

// TestServerShutdownEnds: when there is no more time, what is left is cut.
func TestServerShutdownEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan error, 1)
		s := startSite(t, handler(func(ctx context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			told <- err
			return nil
		}), false)
		p := s.inData()
		p.say("text\r\n")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.ErrorIs(t, s.srv.Shutdown(ctx), context.DeadlineExceeded)
		require.Error(t, <-told)
		p.expectEnd()
		require.NoError(t, s.srv.Shutdown(context.Background()))
		require.ErrorIs(t, <-s.done, smtp.ErrServerClosed)
	})
}

// TestServerBaseContext: what a listener's context holds, hooks and handlers see.
func TestServerBaseContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	for _, secure := range []bool{false, true} {
		var listener net.Listener
		srv := withTLS(t, &smtp.Server{BaseContext: func(ln net.Listener) context.Context {
			listener = ln
			return context.WithValue(context.Background(), key{}, "base")
		}})
		seen := make(chan any, 1)
		srv.Hooks.Connect = func(ctx context.Context, _ auth.ConnectionState) error {
			seen <- ctx.Value(key{})
			return nil
		}
		s := startSite(t, srv, secure)
		p := s.dial()
		if secure {
			p.startTLS(s.tls)
		}
		p.expect("220 ")
		require.Equal(t, "base", <-seen)
		require.Same(t, s.ln, listener)
		s.close()
	}
}

// TestServerClosedBefore: a server that was closed does not serve.
func TestServerClosedBefore(t *testing.T) {
	t.Parallel()
	s := startSite(t, &smtp.Server{}, false)
	s.dial().expect("220 ")
	s.close()
	require.ErrorIs(t, s.srv.Serve(s.ln), smtp.ErrServerClosed)
}
