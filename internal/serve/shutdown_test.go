package serve

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

func TestShutdownSendsTheIdleAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{Handle: work(0)})
		a, b := s.dial(t, "192.0.2.1:1"), s.dial(t, "192.0.2.1:2")
		start := time.Now()
		require.NoError(t, s.Shutdown(t.Context()))
		require.Zero(t, time.Since(start))
		require.Equal(t, ErrClosed, <-s.served)
		for _, nc := range []net.Conn{a, b} {
			got, err := io.ReadAll(nc)
			require.NoError(t, err)
			require.Equal(t, "bye", string(got))
		}
		_, err := s.ln.DialFrom("192.0.2.1:3")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Equal(t, ErrClosed, s.Serve(testnet.NewListener()), "there is no second life")
		require.NoError(t, s.Shutdown(t.Context()))
	})
}

func TestShutdownWaitsForTheBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{Handle: work(time.Minute)})
		idle, busy := s.dial(t, "192.0.2.1:1"), s.dial(t, "192.0.2.1:2")
		_, err := busy.Write([]byte("x"))
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		gone := make(chan time.Duration)
		go func() {
			_, _ = io.ReadAll(idle)
			gone <- time.Since(start)
		}()
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		require.Zero(t, <-gone, "the idle one does not wait for the busy one")
		require.NoError(t, <-done)
		require.Equal(t, time.Minute, time.Since(start))
		got, err := io.ReadAll(busy)
		require.NoError(t, err)
		require.Equal(t, "xbye", string(got))
	})
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := make(chan error, 1)
		s := start(&Loop{Handle: func(ctx context.Context, s *Session) {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			time.Sleep(time.Hour) // a handler that does not heed
		}})
		nc := s.dial(t, "192.0.2.1:1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		require.Equal(t, context.DeadlineExceeded, s.Shutdown(ctx))
		require.Equal(t, time.Minute, time.Since(start))
		require.Equal(t, ErrClosed, <-cause)
		_, err := nc.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)

		require.NoError(t, s.Shutdown(t.Context()), "now it waits for what is left")
		require.Equal(t, time.Minute+time.Hour, time.Since(start))
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{Handle: work(time.Hour)})
		idle, busy := s.dial(t, "192.0.2.1:1"), s.dial(t, "192.0.2.1:2")
		_, err := busy.Write([]byte("x"))
		require.NoError(t, err)
		synctest.Wait()
		start := time.Now()
		require.NoError(t, s.Close())
		require.NoError(t, s.Shutdown(t.Context()))
		require.Zero(t, time.Since(start))
		require.Equal(t, ErrClosed, <-s.served)
		for _, nc := range []net.Conn{idle, busy} {
			got, err := io.ReadAll(nc)
			require.NoError(t, err)
			require.Empty(t, got)
		}
		require.NoError(t, s.Close())
	})
}

// TestCloseWithTLS has a peer that does not read, so that the goodbye of TLS
// would take its five seconds.
func TestCloseWithTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		inner := testnet.NewListener()
		l := &Loop{Handle: func(ctx context.Context, s *Session) {
			_ = s.Conn.(*tls.Conn).HandshakeContext(ctx)
			<-ctx.Done()
		}}
		served := make(chan error, 1)
		go func() { served <- l.Serve(tls.NewListener(inner, serverConfig)) }()
		nc, err := inner.DialFrom("192.0.2.1:1")
		require.NoError(t, err)
		client := tls.Client(nc, clientConfig)
		require.NoError(t, client.HandshakeContext(t.Context()))
		synctest.Wait()
		for _, s := range l.sessions.all() {
			s.Conn.(*tls.Conn).NetConn().(*testnet.Conn).SetWriteBuffer(1)
		}
		start := time.Now()
		require.NoError(t, l.Close())
		require.NoError(t, l.Shutdown(t.Context()))
		require.Zero(t, time.Since(start))
		require.Equal(t, ErrClosed, <-served)
	})
}

func TestCloseByAHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := new(Loop)
		l.Handle = func(context.Context, *Session) { _ = l.Close() }
		s := start(l)
		s.dial(t, "192.0.2.1:1")
		require.Equal(t, ErrClosed, <-s.served)
		require.NoError(t, s.Shutdown(t.Context()))
	})
}

func TestZeroLoopCanBeShutDown(t *testing.T) {
	t.Parallel()
	var l Loop
	require.NoError(t, l.Shutdown(t.Context()))
	require.NoError(t, l.Close())
	ln := testnet.NewListener()
	require.Equal(t, ErrClosed, l.Serve(ln))
	_, err := ln.DialFrom("192.0.2.1:1")
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "Serve closes the listener all the same")
}

// TestSessionNeverMissesShutdown lets sessions turn idle and busy while
// Shutdown begins: none may wait on. Outside of a bubble, for real races.
func TestSessionNeverMissesShutdown(t *testing.T) {
	t.Parallel()
	for range 200 {
		var running sync.WaitGroup
		l := &Loop{Handle: func(_ context.Context, s *Session) {
			running.Done()
			woken := make(chan struct{}, 1)
			wake := func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			}
			for turn := 0; s.Idle(wake); turn++ {
				if turn == 100 {
					<-woken // for ever, if the wake was lost
				}
				s.Busy()
			}
			if !s.Draining() {
				t.Error("sent away without a reason")
			}
		}}
		ln := testnet.NewListener()
		served := make(chan error, 1)
		go func() { served <- l.Serve(ln) }()
		const n = 4
		running.Add(n)
		for range n {
			_, err := ln.DialFrom("192.0.2.1:1")
			require.NoError(t, err)
		}
		running.Wait()
		require.NoError(t, l.Shutdown(t.Context()))
		require.Equal(t, ErrClosed, <-served)
	}
}

func TestWakeIsNotCalledWhileBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var woken atomic.Int32
		release := make(chan struct{})
		s := start(&Loop{Handle: func(_ context.Context, s *Session) {
			if !s.Idle(func() { woken.Add(1) }) {
				t.Error("not shut down yet")
			}
			s.Busy()
			<-release
			if s.Idle(func() { woken.Add(1) }) {
				t.Error("shut down by now")
			}
		}})
		s.dial(t, "192.0.2.1:1")
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		synctest.Wait()
		close(release)
		require.NoError(t, <-done)
		require.Zero(t, woken.Load())
	})
}

func TestShutdownEndsTheWaitAfterAnAcceptError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ln := &faulty{Listener: testnet.NewListener()}
		for range 20 {
			ln.errs = append(ln.errs, syscall.EMFILE)
		}
		l := &Loop{Handle: work(0), Log: slog.New(slog.DiscardHandler)}
		served := make(chan error)
		go func() { served <- l.Serve(ln) }()
		time.Sleep(2500 * time.Millisecond)
		start := time.Now()
		require.NoError(t, l.Close())
		require.Equal(t, ErrClosed, <-served)
		require.Zero(t, time.Since(start))
	})
}
