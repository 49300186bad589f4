package conn

import (
	"context"
	"net"
	"time"
)

// closeTimeout is how long closing may take to say goodbye in TLS.
const closeTimeout = time.Second

// Bind ties the connection to ctx until release is called: when ctx ends, all
// that reads or writes, now or later, returns context.Cause(ctx) at once, and
// the connection is of no more use except to be closed. Several contexts may
// be bound; the first to end counts. release does not wait.
func (c *Conn) Bind(ctx context.Context) (release func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	if ctx.Err() != nil {
		_ = c.link.abort(context.Cause(ctx))
		return func() {}
	}
	stop := context.AfterFunc(ctx, func() { _ = c.link.abort(context.Cause(ctx)) })
	return func() { stop() }
}

// Abort makes all that reads or writes, now or later, return err at once, or what
// an earlier Abort has given as the reason. The connection is of no more use
// except to be closed.
func (c *Conn) Abort(err error) { _ = c.link.abort(err) }

// Interrupt makes a read that waits for the peer return ErrInterrupted, and so
// all later ones that would have to wait; lines that are buffered are still
// read. A body is not interrupted, nor a handshake; what follows it is.
// Writing goes on.
func (c *Conn) Interrupt() {
	l := &c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = true
	if !l.undisturbed() && l.broken == nil {
		l.in.armed = time.Time{}
		_ = l.nc.SetReadDeadline(longAgo) // fails only if it is closed
	}
}

// Resume takes back an Interrupt that no read has met yet: one that came as the peer
// spoke, when it is not to be left alone any more.
func (c *Conn) Resume() {
	l := &c.link
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupted = false
}

// Close cuts the connection. What is gathered in the writer is lost; what the
// peer has sent is thrown away, so that it still gets what was written. With TLS
// it says goodbye first, unless a write has failed or that takes longer than a
// second. Later calls return what the first one did.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Conn) close() error {
	l := &c.link
	socket, secured := l.socket(), c.secured.Load()
	if l.canSpeak() {
		unread(socket)
	}
	if secured != nil && l.canSpeak() {
		cut := make(chan struct{})
		timer := time.AfterFunc(closeTimeout, func() {
			defer close(cut)
			_ = socket.Close() // the one below reports
		})
		_ = secured.tls.Close() // its error is about the goodbye
		if !timer.Stop() {
			<-cut
		}
	}
	_ = l.abort(net.ErrClosed)
	if err := socket.Close(); err != nil && secured == nil {
		return err
	}
	return nil
}
