package testnet

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// DefaultBuffer is how many octets are let under way in one direction before a
// Write has to wait.
const DefaultBuffer = 64 << 10

// ErrCut is what the side that was cut off by CutAfter gets.
var ErrCut = errors.New("testnet: connection was cut")

// A Conn is one end of a connection.
type Conn struct {
	in, out       *pipe
	local, remote net.Addr

	mu  sync.Mutex
	err error // why this end is of no more use
}

var _ net.Conn = (*Conn)(nil)

// Pipe returns the two ends of a connection. Their addresses are documentation
// addresses (RFC 5737), which count as neither loopback nor private: a is
// 192.0.2.1:50000, b is 192.0.2.2:25.
func Pipe() (a, b *Conn) {
	return connect(addr("192.0.2.1:50000"), addr("192.0.2.2:25"))
}

func connect(from, to net.Addr) (a, b *Conn) {
	there, back := newPipe(), newPipe()
	return &Conn{in: back, out: there, local: from, remote: to}, &Conn{in: there, out: back, local: to, remote: from}
}

// addr returns the TCP address of a test's own "host:port".
func addr(s string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s))
}

// Read reads what the other end wrote. After that it gives io.EOF if the other
// end was closed or cut off.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	return n, c.opError("read", err)
}

// Write writes p, waiting while the other end does not read. It fails with
// io.ErrClosedPipe once the other end is closed.
func (c *Conn) Write(p []byte) (int, error) {
	n, cut, err := c.out.Write(p)
	if cut {
		c.shut(ErrCut)
		if n < len(p) {
			err = ErrCut
		}
	}
	return n, c.opError("write", err)
}

// opError makes of err what package net does.
func (c *Conn) opError(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		err = c.err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

// Close closes both directions. The other end still can read what was written,
// and then gets io.EOF; its writes fail. All that waits at this end fails with
// net.ErrClosed, as does every call of Close but the first.
func (c *Conn) Close() error {
	return c.opError("close", c.shut(net.ErrClosed))
}

// shut ends all use of this end for the reason err. It returns the reason for
// which that was done before, if it was.
func (c *Conn) shut(err error) error {
	c.mu.Lock()
	before := c.err
	if before == nil || err == net.ErrClosed {
		c.err = err
	}
	c.mu.Unlock()
	c.in.change(func() { c.in.broken, c.in.buf = true, nil })
	c.out.change(func() { c.out.eof = true })
	if before == ErrCut {
		return nil
	}
	return before
}

// CloseWrite closes the direction from this end to the other.
func (c *Conn) CloseWrite() error {
	c.out.change(func() { c.out.eof = true })
	return nil
}

// LocalAddr returns this end's address.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's address.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines. One that has passed wakes at once what waits.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets the time at which reads begin to fail with
// os.ErrDeadlineExceeded. The zero time means never.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.read, t)
	return c.opError("set", c.reason())
}

// SetWriteDeadline is SetReadDeadline for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.write, t)
	return c.opError("set", c.reason())
}

// reason returns why this end is of no more use, or nil.
func (c *Conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// SetWriteBuffer bounds what is under way from this end to n octets, at least
// one.
func (c *Conn) SetWriteBuffer(n int) {
	c.out.change(func() { c.out.limit = max(n, 1) })
}

// SplitWrites lets each Read at the other end get at most n octets of what this
// end writes; 0 lets it get any number again.
func (c *Conn) SplitWrites(n int) {
	c.out.change(func() { c.out.split = n })
}

// CutAfter lets n more octets from this end through and then cuts the
// connection: the other end reads them, gets io.EOF and can write no more; this
// end gets ErrCut. A negative n takes the cut back if it has not come yet.
func (c *Conn) CutAfter(n int) {
	c.out.change(func() { c.out.cut = max(n, -1) })
	if n == 0 {
		c.shut(ErrCut)
	}
}
