package smtp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Errors of the network and of the context keep their identity.
func TestClient_Cancel(t *testing.T) {
	t.Parallel()
	cause := errors.New("no more")
	synctest.Test(t, func(t *testing.T) {
		c, _ := ready(t, ClientConfig{})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		start := time.Now()
		err := c.Noop(ctx)
		require.ErrorIs(t, err, cause)
		require.Equal(t, time.Second, time.Since(start))
		require.True(t, SafeToRetry(err))
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
		require.ErrorIs(t, c.Noop(ctx), cause, "the context comes first")
	})
}

// A context that ends when the reply is there already does no harm to its operation; the
// next one is told that the connection is broken, and not that it was cancelled itself.
func TestClient_CancelledTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		s := newSink(far)
		ctx, cancel := context.WithCancel(t.Context())
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Transcript: onLine{"S: 250 ok", func() {
			cancel()
			synctest.Wait() // until the connection knows
		}}})
		require.NoError(t, err)
		require.NoError(t, c.Noop(ctx))
		err = c.Noop(t.Context())
		require.ErrorIs(t, err, ErrBroken)
		require.NotErrorIs(t, err, context.Canceled)
		<-s.done
	})
}

// onLine is a transcript that does something when a line begins so.
type onLine struct {
	begin string
	do    func()
}

func (o onLine) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte(o.begin)) {
		o.do()
	}
	return len(line), nil
}

// An operation that waits for another one can be given up without harm to either.
func TestClient_Concurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, far := ready(t, ClientConfig{})
		first, second := make(chan error), make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { first <- c.Noop(t.Context()) }()
		synctest.Wait()
		go func() { second <- c.Noop(ctx) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-second, context.Canceled)
		go func() { second <- c.Noop(t.Context()) }()
		synctest.Wait()
		buf := make([]byte, 100)
		n, _ := far.Read(buf)
		require.Equal(t, "NOOP\r\n", string(buf[:n]), "one at a time")
		io.WriteString(far, "250 ok\r\n")
		require.NoError(t, <-first)
		synctest.Wait()
		n, _ = far.Read(buf)
		require.Equal(t, "NOOP\r\n", string(buf[:n]))
		c.Close()
		err := <-second
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, c.Noop(t.Context()), ErrClientClosed)
		require.NoError(t, c.Close())
	})
}
