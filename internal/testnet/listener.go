package testnet

import (
	"context"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// backlog is how many connections may wait to be accepted.
const backlog = 1 << 10

// A Listener accepts what is dialed with its own methods.
type Listener struct {
	mu      sync.Mutex
	changed sync.Cond // of mu
	queue   []*Conn
	dialed  int
	closed  bool
}

var _ net.Listener = (*Listener)(nil)

// NewListener returns a Listener on 192.0.2.2:25.
func NewListener() *Listener {
	l := new(Listener)
	l.changed.L = &l.mu
	return l
}

// Addr returns the address that Pipe, too, gives a server.
func (l *Listener) Addr() net.Addr { return addr("192.0.2.2:25") }

// Accept waits for a connection and returns its server's end, a *Conn. After
// Close it fails with net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 {
		if l.closed {
			return nil, l.opError("accept", net.ErrClosed)
		}
		l.changed.Wait()
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

// Close makes Accept and Dial fail, and closes what was not accepted yet.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.opError("close", net.ErrClosed)
	}
	l.closed = true
	for _, c := range l.queue {
		c.Close()
	}
	l.queue = nil
	l.changed.Broadcast()
	return nil
}

// Dial connects from 192.0.2.1 and a port of its own, and returns the client's
// end, a *Conn, without waiting for Accept.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, l.opError("dial", err)
	}
	return l.dial("")
}

// DialFrom connects from an address, "host:port" in numbers.
func (l *Listener) DialFrom(from string) (net.Conn, error) {
	return l.dial(from)
}

func (l *Listener) dial(from string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.queue) == backlog {
		return nil, l.opError("dial", syscall.ECONNREFUSED)
	}
	if from == "" {
		from = "192.0.2.1:" + strconv.Itoa(50000+l.dialed%10000)
		l.dialed++
	}
	client, server := connect(addr(from), l.Addr())
	l.queue = append(l.queue, server)
	l.changed.Signal()
	return client, nil
}

// DialContext is Dial for those who have a net.Dialer to replace. It leads to
// the Listener whatever the address.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}
