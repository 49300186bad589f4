package testpeer

import (
	"io"
	"net"
	"sync"
	"time"
)

// Fault is what happens to connections. The zero Fault is none.
type Fault struct {
	Active bool
	Stall  bool  // the server's octets get lost; else the connection is cut
	After  int64 // octets that the server may send before

	// Pause, if not 0, lets the server's octets through one each pause; there is
	// no cut then, nor a loss.
	Pause time.Duration
}

// Faults is the Fault of the connections to come. It is safe for concurrent use.
type Faults struct {
	mu  sync.Mutex
	now Fault
}

// Set has connections that are accepted from now on have this fault.
func (f *Faults) Set(now Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

// Wrap returns a listener whose connections have the fault that is set when they
// are accepted.
func (f *Faults) Wrap(ln net.Listener) net.Listener { return &faultyListener{ln, f} }

type faultyListener struct {
	net.Listener
	faults *Faults
}

func (l *faultyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.faults.mu.Lock()
	defer l.faults.mu.Unlock()
	if !l.faults.now.Active {
		return nc, nil
	}
	return &faultyConn{Conn: nc, fault: l.faults.now, closed: make(chan struct{})}, nil
}

// faultyConn is the server's end of a connection with a fault.
type faultyConn struct {
	net.Conn
	mu    sync.Mutex
	fault Fault
	cut   bool

	once   sync.Once
	closed chan struct{}
}

func (c *faultyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return 0, net.ErrClosed
	}
	pass := p[:min(int64(len(p)), c.fault.After)]
	n, err := c.Conn.Write(pass)
	c.fault.After -= int64(n)
	switch {
	case err != nil || len(pass) == len(p):
		return n, err
	case c.fault.Pause > 0:
		m, err := c.drip(p[n:])
		return n + m, err
	case c.fault.Stall:
		return len(p), nil
	}
	c.cut = true
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	return n, net.ErrClosed
}

func (c *faultyConn) drip(p []byte) (int, error) {
	for i := range p {
		select {
		case <-time.After(c.fault.Pause):
		case <-c.closed:
			return i, net.ErrClosed
		}
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// Close lets the client receive what was sent before a cut: a connection that
// is closed while it still has something to read is reset, and loses that.
func (c *faultyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	return c.Conn.Close()
}
