package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// server is a Loop under test, with one listener.
type server struct {
	*Loop
	ln     *testnet.Listener
	served chan error // what Serve returned
}

func start(l *Loop) *server {
	s := &server{Loop: l, ln: testnet.NewListener(), served: make(chan error, 1)}
	go func() { s.served <- l.Serve(s.ln) }()
	synctest.Wait()
	return s
}

// dial returns a connection of which the server has taken notice.
func (s *server) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	nc, err := s.ln.DialFrom(from)
	require.NoError(t, err)
	synctest.Wait()
	return nc
}

// work is a Handle whose sessions are idle until the peer sends an octet, then
// busy for so long, and answer with an octet. They say goodbye with "bye".
func work(busy time.Duration) func(context.Context, *Session) {
	return func(ctx context.Context, s *Session) {
		b := make([]byte, 1)
		wake := func() { _ = s.Conn.SetReadDeadline(time.Unix(1, 0)) }
		for {
			if !s.Idle(wake) {
				break
			}
			if _, err := s.Conn.Read(b); err != nil {
				break
			}
			s.Busy()
			select {
			case <-time.After(busy):
			case <-ctx.Done():
				return
			}
			_, _ = s.Conn.Write(b)
		}
		_, _ = s.Conn.Write([]byte("bye"))
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{
			MaxConns: 5, MaxConnsPerAddr: 2, Handle: work(0),
			Refuse: func(nc net.Conn, why Reason) { _, _ = nc.Write([]byte(why.String())) },
		})
		taken := func(nc net.Conn) bool {
			_, err := nc.Write([]byte("x"))
			require.NoError(t, err)
			got := make([]byte, 1)
			_, err = nc.Read(got)
			require.NoError(t, err)
			return string(got) == "x"
		}
		refused := func(nc net.Conn, why Reason) {
			got, err := io.ReadAll(nc)
			require.NoError(t, err)
			require.Equal(t, why.String(), string(got))
		}
		first := s.dial(t, "192.0.2.1:1")
		require.True(t, taken(first))
		require.True(t, taken(s.dial(t, "192.0.2.1:2")))
		refused(s.dial(t, "192.0.2.1:3"), TooManyFromAddr)
		refused(s.dial(t, "[::ffff:192.0.2.1]:4"), TooManyFromAddr)

		require.True(t, taken(s.dial(t, "[2001:db8:0:1::1]:1")))
		require.True(t, taken(s.dial(t, "[2001:db8:0:1:ffff::2]:1")))
		refused(s.dial(t, "[2001:db8:0:1::3]:1"), TooManyFromAddr)

		other := s.dial(t, "[2001:db8:0:2::1]:1")
		require.True(t, taken(other))
		refused(s.dial(t, "198.51.100.7:1"), TooManyConns)

		// Whoever leaves makes room.
		require.NoError(t, first.Close())
		synctest.Wait()
		require.True(t, taken(s.dial(t, "192.0.2.1:5")))
		require.NoError(t, other.Close())
		require.NoError(t, s.Close())
		require.NoError(t, s.Shutdown(t.Context()))
		require.Empty(t, s.sessions.all())
		require.Zero(t, s.perAddr.Len())
		require.Zero(t, s.serving)
		require.Zero(t, s.refusing)
	})
}

func TestRefusingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		s := start(&Loop{MaxConns: 1, Handle: work(0), Refuse: func(nc net.Conn, _ Reason) {
			asked.Add(1)
			_, _ = nc.Read(make([]byte, 1)) // until the deadline
		}})
		start := time.Now()
		s.dial(t, "192.0.2.1:1")
		var last net.Conn
		for range maxRefusing + 1 {
			last = s.dial(t, "192.0.2.1:2")
		}
		require.EqualValues(t, maxRefusing, asked.Load())
		_, err := last.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.Zero(t, time.Since(start), "the one too many is cut at once")

		time.Sleep(refuseTimeout + 1)
		s.dial(t, "192.0.2.1:2")
		require.EqualValues(t, maxRefusing+1, asked.Load(), "the others had a second")
		require.NoError(t, s.Close())
		require.NoError(t, s.Shutdown(t.Context()))
		require.Less(t, time.Since(start), 2*refuseTimeout, "Close cuts the refused too")
	})
}

func TestRefuseNil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{MaxConns: 1, Handle: work(0)})
		s.dial(t, "192.0.2.1:1")
		_, err := s.dial(t, "192.0.2.1:2").Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		require.NoError(t, s.Shutdown(t.Context()))
	})
}

func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := start(&Loop{
			Log: slog.New(slog.NewTextHandler(&log, nil)),
			Handle: func(ctx context.Context, s *Session) {
				b := make([]byte, 1)
				_, _ = s.Conn.Read(b)
				if string(b) == "!" {
					panic("a bad octet")
				}
				_, _ = s.Conn.Write([]byte(s.ID))
			},
		})
		good, bad := s.dial(t, "192.0.2.1:1"), s.dial(t, "192.0.2.1:2")
		_, err := bad.Write([]byte("!"))
		require.NoError(t, err)
		_, err = bad.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err, "the connection is closed")
		_, err = good.Write([]byte("x"))
		require.NoError(t, err)
		id, err := io.ReadAll(good)
		require.NoError(t, err)
		require.NotEmpty(t, id)
		require.NoError(t, s.Shutdown(t.Context()))
		require.Contains(t, log.String(), "a bad octet")
		require.Contains(t, log.String(), "TestPanicIsContained", "there is a stack")
		require.Contains(t, log.String(), "peer=192.0.2.1:2")
		require.NotContains(t, log.String(), string(id))
	})
}

// faulty fails to accept now and then.
type faulty struct {
	net.Listener
	errs  []error
	times []time.Time
}

func (f *faulty) Accept() (net.Conn, error) {
	f.times = append(f.times, time.Now())
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		if err != nil {
			return nil, err
		}
	}
	return f.Listener.Accept()
}

func TestAcceptErrorsAreWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		full := &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
		ln := &faulty{Listener: testnet.NewListener()}
		for range 10 {
			ln.errs = append(ln.errs, full)
		}
		ln.errs = append(ln.errs, nil, full)
		_, err := ln.Listener.(*testnet.Listener).DialFrom("192.0.2.1:1")
		require.NoError(t, err)
		l := &Loop{Handle: work(0), Log: slog.New(slog.NewTextHandler(&log, nil))}
		served := make(chan error)
		go func() { served <- l.Serve(ln) }()
		time.Sleep(time.Minute)
		require.NoError(t, l.Shutdown(t.Context()))
		require.Equal(t, ErrClosed, <-served)
		var waits []time.Duration
		for i := range ln.times[1:] {
			waits = append(waits, ln.times[i+1].Sub(ln.times[i]))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{
			5 * ms, 10 * ms, 20 * ms, 40 * ms, 80 * ms, 160 * ms, 320 * ms, 640 * ms, 1000 * ms, 1000 * ms,
			0, 5 * ms, // a success in between begins anew
		}, waits)
		require.Contains(t, log.String(), "too many open files")
	})
}

func TestAcceptFailsForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the card is out")
		ln := &faulty{Listener: testnet.NewListener(), errs: []error{nil, broken}}
		peer, err := ln.Listener.(*testnet.Listener).DialFrom("192.0.2.1:1")
		require.NoError(t, err)
		l := &Loop{Handle: work(0)}
		require.Equal(t, broken, l.Serve(ln))

		// The session goes on.
		_, err = peer.Write([]byte("x"))
		require.NoError(t, err)
		got := make([]byte, 1)
		_, err = peer.Read(got)
		require.NoError(t, err)
		require.Equal(t, "x", string(got))
		require.NoError(t, l.Shutdown(t.Context()))
	})
}

func TestSeveralListeners(t *testing.T) {
	t.Parallel()
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		a, b := testnet.NewListener(), testnet.NewListener()
		l := &Loop{
			MaxConns: 2,
			BaseContext: func(ln net.Listener) context.Context {
				return context.WithValue(context.Background(), key{}, ln == net.Listener(a))
			},
			Handle: func(ctx context.Context, s *Session) {
				text := "b"
				if ctx.Value(key{}).(bool) {
					text = "a"
				}
				_, _ = s.Conn.Write([]byte(text))
				_, _ = s.Conn.Read(make([]byte, 1))
			},
		}
		served := make(chan error, 2)
		for _, ln := range []*testnet.Listener{a, b} {
			go func() { served <- l.Serve(ln) }()
			nc, err := ln.DialFrom("192.0.2.1:1")
			require.NoError(t, err)
			got := make([]byte, 1)
			_, err = nc.Read(got)
			require.NoError(t, err)
			require.Equal(t, map[*testnet.Listener]string{a: "a", b: "b"}[ln], string(got))
		}
		nc, err := a.DialFrom("192.0.2.1:1")
		require.NoError(t, err)
		_, err = nc.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err, "they are counted together")
		require.NoError(t, l.Close())
		require.Equal(t, ErrClosed, <-served)
		require.Equal(t, ErrClosed, <-served)
		require.NoError(t, l.Shutdown(t.Context()))
	})
}

func TestContextEndsWithTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var kept context.Context
		s := start(&Loop{Handle: func(ctx context.Context, _ *Session) {
			kept = ctx
			if ctx.Err() != nil {
				t.Error("ended too early")
			}
		}})
		s.dial(t, "192.0.2.1:1")
		require.NoError(t, s.Shutdown(t.Context()))
		require.Equal(t, context.Canceled, kept.Err())
		require.Equal(t, context.Canceled, context.Cause(kept))
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z0-9]{6}-[a-z0-9]+$`)
	seen := map[string]bool{}
	for range 3 {
		var i ids
		for range 1000 {
			id := i.next()
			require.Regexp(t, form, id)
			require.False(t, seen[id])
			seen[id] = true
		}
	}
}

type fakeAddr string

func (fakeAddr) Network() string  { return "fake" }
func (a fakeAddr) String() string { return string(a) }

func TestAddrOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 25}, "192.0.2.1/32"},
		{&net.TCPAddr{IP: net.IP{192, 0, 2, 1}, Port: 25}, "192.0.2.1/32"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6")}, "2001:db8:1:2::/64"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1:2"), Zone: "eth0"}, "fe80::/64"},
		{&net.TCPAddr{}, ""},
		{&net.UnixAddr{Name: "@", Net: "unix"}, ""},
		{fakeAddr("198.51.100.1:99"), "198.51.100.1/32"},
		{fakeAddr("[::ffff:198.51.100.1]:99"), "198.51.100.1/32"},
		{fakeAddr("[fe80::1%eth0]:99"), "fe80::/64"},
		{fakeAddr("somewhere"), ""},
		{nil, ""},
	} {
		got := addrOf(row.addr)
		if row.want == "" {
			require.False(t, got.IsValid(), "%v", row.addr)
			continue
		}
		require.Equal(t, netip.MustParsePrefix(row.want), got, "%v", row.addr)
	}
}

func TestReasonString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "too many connections", TooManyConns.String())
	require.Equal(t, "too many connections from this address", TooManyFromAddr.String())
	require.Equal(t, "unknown reason", Reason(0).String())
}

// TestIdleAllocatesNothing since it is called for each command.
func TestIdleAllocatesNothing(t *testing.T) {
	s := &Session{loop: new(Loop)}
	wake := func() {}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		_ = s.Idle(wake)
		s.Busy()
	}))
}
