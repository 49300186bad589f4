package smtp_test

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// TestServerShutdown: idle sessions are told at once, a busy one ends its transaction
// and is told then, and there are no new ones.
func TestServerShutdown(t *testing.T) {
	t.Parallel()
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

// TestServerClosedBefore: a server that was closed does not serve.
func TestServerClosedBefore(t *testing.T) {
	t.Parallel()
	s := startSite(t, &smtp.Server{}, false)
	s.dial().expect("220 ")
	s.close()
	require.ErrorIs(t, s.srv.Serve(s.ln), smtp.ErrServerClosed)
}
