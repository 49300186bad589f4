package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/internal/elastic"
)

// ErrClosed is the Closed of a Loop that has none.
var ErrClosed = errors.New("serve: closed")

// Reason says why a connection is refused.
type Reason uint8

const (
	TooManyConns    Reason = iota + 1 // the server has as many as it may
	TooManyFromAddr                   // the peer's address has as many as it may
)

func (r Reason) String() string {
	switch r {
	case TooManyConns:
		return "too many connections"
	case TooManyFromAddr:
		return "too many connections from this address"
	}
	return "unknown reason"
}

const (
	// refuseTimeout is how long saying no may take.
	refuseTimeout = time.Second

	// maxRefusing is how many connections are told no at a time. More are
	// closed without a word.
	maxRefusing = 64

	// The waits after errors of Accept double from the first to the last.
	minAcceptDelay = 5 * time.Millisecond
	maxAcceptDelay = time.Second
)

// Loop serves connections of any number of listeners. Its exported fields must
// not be changed once Serve was called. Its methods may be called at any time by
// any goroutine.
type Loop struct {
	// MaxConns is the number of sessions at a time; zero means no limit.
	MaxConns int

	// MaxConnsPerAddr is the number of sessions at a time of one address; zero
	// means no limit.
	MaxConnsPerAddr int

	// Proxies are not limited by address: their sessions are counted by what they
	// Announce.
	Proxies []netip.Prefix

	// Handle runs a session, in a goroutine of its own. The context ends when
	// Handle returns, or with the cause Closed by Close. The connection is
	// closed when Handle returns. A panic is contained and logged.
	Handle func(ctx context.Context, s *Session)

	// Refuse, if not nil, tells a peer why it is refused, before the connection
	// is closed. All it writes and reads has to be done within a second.
	Refuse func(nc net.Conn, why Reason)

	// Closed is what Serve returns after Shutdown or Close, and the cause with which
	// Close cancels the contexts of sessions; nil means ErrClosed.
	Closed error

	// BaseContext, if not nil, returns what the contexts of a listener's
	// sessions are made from.
	BaseContext func(ln net.Listener) context.Context

	// Log is told of panics and of errors of Accept; nil means slog.Default.
	Log *slog.Logger

	draining atomic.Bool // set before the sessions are looked at for the last time

	mu        sync.Mutex
	listeners map[*net.Listener]struct{}
	sessions  roster // refused ones too
	serving   int    // sessions that are not refused
	refusing  int    // sessions that are
	perAddr   elastic.Map[netip.Prefix, int]
	ids       ids
	stop      chan struct{} // closed when draining begins; nil until it is needed
	empty     chan struct{} // closed when draining and no session is left; as stop
}

// Serve accepts connections of ln until Shutdown or Close, and then returns
// Closed; or until Accept fails for good, and then returns its error. Errors
// that pass, as the lack of file descriptors, are waited out. Serve closes ln.
// The sessions may go on after it returned.
func (l *Loop) Serve(ln net.Listener) error {
	stop, ok := l.enter(&ln)
	defer func() { _ = ln.Close() }() // closed already if Shutdown or Close did it
	if !ok {
		return l.closed()
	}
	defer l.leave(&ln)
	base := context.Background()
	if l.BaseContext != nil {
		base = l.BaseContext(ln)
	}
	delay := time.Duration(0)
	for {
		nc, err := ln.Accept()
		switch {
		case err == nil:
			delay = 0
			l.admit(base, nc)
		case l.draining.Load():
			return l.closed()
		case !passes(err):
			return err
		default:
			delay = min(max(2*delay, minAcceptDelay), maxAcceptDelay)
			l.log().Warn("accept failed", "err", err, "wait", delay)
			if !pause(delay, stop) {
				return l.closed()
			}
		}
	}
}

// enter takes a listener in, unless the loop is at its end.
func (l *Loop) enter(ln *net.Listener) (stop <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prepare()
	if l.draining.Load() {
		return nil, false
	}
	l.listeners[ln] = struct{}{}
	return l.stop, true
}

func (l *Loop) leave(ln *net.Listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.listeners, ln)
}

// prepare makes what the zero Loop lacks. The caller holds mu.
func (l *Loop) prepare() {
	if l.stop == nil {
		l.listeners = make(map[*net.Listener]struct{})
		l.stop, l.empty = make(chan struct{}), make(chan struct{})
	}
}

// passes says whether Accept may well succeed a little later.
func passes(err error) bool {
	var temporary interface{ Temporary() bool }
	return errors.As(err, &temporary) && temporary.Temporary()
}

// pause waits, unless it is told to stop.
func pause(d time.Duration, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// admit starts a session for nc, or refuses it.
func (l *Loop) admit(base context.Context, nc net.Conn) {
	s := &Session{Conn: nc, loop: l}
	if !Within(nc.RemoteAddr(), l.Proxies) {
		s.addr = addrOf(nc.RemoteAddr())
	}
	l.mu.Lock()
	why := l.judge(s)
	if l.draining.Load() || why != 0 && (l.Refuse == nil || l.refusing >= maxRefusing) {
		l.mu.Unlock()
		cut(nc)
		return
	}
	ctx, cancel := context.WithCancelCause(base)
	s.cancel, s.why, s.ID, s.heir = cancel, why, l.ids.next(), base.Done() != nil
	l.sessions.add(s)
	if why != 0 {
		l.refusing++
	} else {
		l.serving++
		l.count(s)
	}
	l.mu.Unlock()
	go s.run(ctx)
}

// judge says why s has to be refused; zero if it has not. The caller holds mu.
func (l *Loop) judge(s *Session) Reason {
	if l.MaxConns > 0 && l.serving >= l.MaxConns {
		return TooManyConns
	}
	return l.judgeAddr(s)
}

func (l *Loop) judgeAddr(s *Session) Reason {
	if l.MaxConnsPerAddr > 0 && s.addr.IsValid() && l.perAddr.Get(s.addr) >= l.MaxConnsPerAddr {
		return TooManyFromAddr
	}
	return 0
}

// count and uncount add a session to its address, and take it away. The caller holds mu.
func (l *Loop) count(s *Session) {
	if s.addr.IsValid() {
		l.perAddr.Set(s.addr, l.perAddr.Get(s.addr)+1)
	}
}

func (l *Loop) uncount(s *Session) {
	if !s.addr.IsValid() {
		return
	}
	if n := l.perAddr.Get(s.addr); n > 1 {
		l.perAddr.Set(s.addr, n-1)
	} else {
		l.perAddr.Delete(s.addr)
	}
}

// remove forgets a session that is over.
func (l *Loop) remove(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions.remove(s)
	if s.why != 0 {
		l.refusing--
	} else {
		l.serving--
		l.uncount(s)
	}
	if l.draining.Load() && l.sessions.len == 0 {
		close(l.empty)
	}
}

func (l *Loop) closed() error { return cmp.Or(l.Closed, ErrClosed) }

func (l *Loop) log() *slog.Logger {
	if l.Log != nil {
		return l.Log
	}
	return slog.Default()
}
