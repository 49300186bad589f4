package smtptest

import (
	"io"
	"net"
	"sync"
	"time"
)

// fault is what happens to connections.
type fault struct {
	active bool
	stall  bool  // else the connection is cut
	after  int64 // octets that the server may send before
}

// CutAfter lets connections that are made from now on break when the server has
// sent so many octets, of TLS if there is TLS: the client receives them, and then
// the end of the connection.
func (s *Server) CutAfter(octets int64) { s.setFault(fault{active: true, after: octets}) }

// StallAfter lets connections that are made from now on fall silent when the
// server has sent so many octets: what it sends after that does not arrive.
func (s *Server) StallAfter(octets int64) {
	s.setFault(fault{active: true, stall: true, after: octets})
}

// Heal lets connections that are made from now on be without a fault.
func (s *Server) Heal() { s.setFault(fault{}) }

func (s *Server) setFault(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// faultyListener gives connections the fault that is asked for.
type faultyListener struct {
	net.Listener
	server *Server
}

func (l *faultyListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.mu.Lock()
	defer l.server.mu.Unlock()
	if !l.server.fault.active {
		return nc, nil
	}
	return &faultyConn{Conn: nc, fault: l.server.fault}, nil
}

// faultyConn is the server's end of a connection with a fault.
type faultyConn struct {
	net.Conn
	mu    sync.Mutex
	fault fault
	cut   bool
}

func (c *faultyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return 0, net.ErrClosed
	}
	pass := p[:min(int64(len(p)), c.fault.after)]
	n, err := c.Conn.Write(pass)
	c.fault.after -= int64(n)
	switch {
	case err != nil || len(pass) == len(p):
		return n, err
	case c.fault.stall:
		return len(p), nil
	}
	c.cut = true
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	return n, net.ErrClosed
}

// Close lets the client receive what was sent before a cut: a connection that
// is closed while it still has something to read is reset, and loses that.
func (c *faultyConn) Close() error {
	c.mu.Lock()
	cut := c.cut
	c.mu.Unlock()
	if cut {
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, c.Conn)
	}
	return c.Conn.Close()
}
