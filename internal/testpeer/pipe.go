package testpeer

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBuffer is how many octets may be on their way in one direction.
const pipeBuffer = 64 << 10

// addr is the address of an end in memory.
type addr string

func (addr) Network() string  { return "memory" }
func (a addr) String() string { return string(a) }

// Listener is a net.Listener in memory.
type Listener struct {
	addr   addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewListener returns a listener with this address, which is reached by Dial only.
func NewListener(address string) *Listener {
	return &Listener{addr: addr(address), conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept waits for a Dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the address that NewListener was given.
func (l *Listener) Addr() net.Addr { return l.addr }

// Dial connects, and waits until the connection is accepted.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	client, server := NewPipe(string(l.addr))
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// end is one end of a connection in memory. It waits on condition variables
// alone, which a testing/synctest bubble knows.
type end struct {
	in, out       *half
	local, remote net.Addr
}

// NewPipe returns the ends of a connection to a listener with this address.
func NewPipe(address string) (client, server net.Conn) {
	return Pipe(addr("client.test:1024"), addr(address))
}

// Pipe returns the ends of a connection from one address to another.
func Pipe(from, to net.Addr) (client, server net.Conn) {
	there, back := newHalf(), newHalf()
	return &end{back, there, from, to}, &end{there, back, to, from}
}

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }
func (e *end) LocalAddr() net.Addr         { return e.local }
func (e *end) RemoteAddr() net.Addr        { return e.remote }

// Close lets the other end read what was written before.
func (e *end) Close() error {
	e.in.change(func() { e.in.abandoned, e.in.buf = true, nil })
	return e.CloseWrite()
}

func (e *end) CloseWrite() error {
	e.out.change(func() { e.out.ended = true })
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	_ = e.SetReadDeadline(t)
	return e.SetWriteDeadline(t)
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.setDeadline(&e.in.readUntil, t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.setDeadline(&e.out.writeUntil, t)
	return nil
}

// half is one direction of a connection.
type half struct {
	mu      sync.Mutex
	changed *sync.Cond
	buf     []byte

	ended     bool // by its writer
	abandoned bool // by its reader

	readUntil, writeUntil until
}

// until is a deadline. The zero time is none.
type until struct {
	time  time.Time
	timer *time.Timer // wakes those who wait, at that time
}

func (u *until) passed() bool { return !u.time.IsZero() && !time.Now().Before(u.time) }

func newHalf() *half {
	h := new(half)
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
	h.changed.Broadcast()
}

func (h *half) setDeadline(u *until, t time.Time) {
	h.change(func() {
		if u.timer != nil {
			u.timer.Stop()
		}
		*u = until{time: t}
		if wait := time.Until(t); !t.IsZero() && wait > 0 {
			u.timer = time.AfterFunc(wait, func() { h.change(func() {}) })
		}
	})
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.abandoned:
			return 0, net.ErrClosed
		case h.readUntil.passed():
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0 || len(p) == 0:
			n := copy(p, h.buf)
			h.buf = append(h.buf[:0], h.buf[n:]...)
			h.changed.Broadcast()
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.ended || h.abandoned:
			return n, net.ErrClosed
		case h.writeUntil.passed():
			return n, os.ErrDeadlineExceeded
		case len(p) == 0:
			return n, nil
		}
		if room := min(pipeBuffer-len(h.buf), len(p)); room > 0 {
			h.buf = append(h.buf, p[:room]...)
			p = p[room:]
			n += room
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}
