package pop3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Body is a message, or the top of one, as it arrives: octet for octet as the
// server has it, with the dots un-stuffed, and with no limit to its lines. Its
// length is bounded by ClientConfig.MaxMessage.
//
// Read returns io.EOF after the server's final dot and nowhere else. A message cut
// short is io.ErrUnexpectedEOF or the error of the connection: what was read of
// it must not be taken for the message, and never be a reason to delete it.
//
// The server goes on sending until the end, so that a body must be read or closed.
// Close, or the next command, reads what is left and throws it away, up to
// ClientConfig.MaxDrain and for no longer than ClientConfig.Timeout; if more is to
// come the connection is given up.
type Body struct {
	c       *Client
	release func() // nil in a Fetch, whose context governs all bodies
	err     error  // what Read says, once it is not to read any more
	ending  *ending
}

var (
	_ io.ReadCloser = (*Body)(nil)
	_ io.WriterTo   = (*Body)(nil)
)

// Retr asks for message n. ctx governs the Body too: when it ends, so does the
// connection.
func (c *Client) Retr(ctx context.Context, n int) (*Body, error) {
	if n < 1 {
		return nil, badNumber(pop3wire.RETR, n)
	}
	b, err := c.open(ctx, pop3wire.RETR, pop3wire.Retr{N: n})
	if err == nil {
		b.watch(c.size(n))
	}
	return b, err
}

// Top asks for the header of message n and the first lines of its body. Servers
// may not have the command: the capability TOP tells. ctx is as in Retr.
func (c *Client) Top(ctx context.Context, n, lines int) (*Body, error) {
	if n < 1 {
		return nil, badNumber(pop3wire.TOP, n)
	}
	if lines < 0 {
		return nil, fmt.Errorf("pop3: TOP: bad number of lines %d", lines)
	}
	return c.open(ctx, pop3wire.TOP, pop3wire.Top{N: n, Lines: lines})
}

func (c *Client) open(ctx context.Context, v pop3wire.Verb, cmd pop3wire.Command) (*Body, error) {
	release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.exchange(v, cmd); err != nil {
		release()
		return nil, err
	}
	b := &Body{c: c, release: release}
	c.beginBody(b)
	return b, nil
}

// beginBody makes b the body that the server is sending.
func (c *Client) beginBody(b *Body) {
	c.conn.BeginBody()
	c.dots.Reset(c.conn.Reader(), textwire.Transparent)
	c.body = b
}

// Read reads from the message.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	var (
		n   int
		err error
	)
	if b.ending != nil {
		n, err = b.ending.Read(p)
	} else {
		n, err = b.c.dots.Read(p)
	}
	if over := b.c.dots.Size() - b.c.cfg.MaxMessage; over > 0 {
		n, err = max(0, n-int(over)), errTooLong
	}
	if err != nil {
		b.end(err)
	}
	return n, err
}

// WriteTo writes the rest of the message to w without a copy. When w fails the
// body can still be closed, but what w refused is lost.
func (b *Body) WriteTo(w io.Writer) (int64, error) {
	if b.err != nil {
		if b.err == io.EOF {
			return 0, nil
		}
		return 0, b.err
	}
	if b.ending != nil {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	out := sink{w: w, room: b.c.cfg.MaxMessage - b.c.dots.Size()}
	n, err := b.c.dots.WriteTo(&out)
	switch {
	case out.err == errTooLong:
		b.end(out.err)
		return n, out.err
	case out.err != nil:
		return n, out.err
	case err != nil:
		b.end(err)
	default:
		b.end(io.EOF)
	}
	return n, err
}

// sink tells the errors of a writer from those of the connection, and bounds what
// is written.
type sink struct {
	w    io.Writer
	room int64
	err  error
}

func (s *sink) Write(p []byte) (n int, err error) {
	fits := p[:min(int64(len(p)), s.room)]
	n, s.err = s.w.Write(fits)
	s.room -= int64(n)
	switch {
	case s.err == nil && n < len(fits):
		s.err = io.ErrShortWrite
	case s.err == nil && n < len(p):
		s.err = errTooLong
	}
	return n, s.err
}

// Close leaves the message. After it has been read to its end, or has failed,
// that does nothing. Else the rest is thrown away: the error is not nil if
// the connection had to be given up for it. Only the first call counts.
func (b *Body) Close() error {
	if b.err != nil {
		return nil
	}
	return b.leave(b.c.cfg.MaxDrain)
}

// leave throws away up to limit octets of what is left of the message.
func (b *Body) leave(limit int64) error {
	c := b.c
	stop := c.hurry()
	drain := c.dots.Drain
	if b.ending != nil {
		drain = b.ending.drain
	}
	err := drain(limit)
	stop()
	if err == nil {
		b.end(io.EOF)
		b.err = errBodyClosed
		return nil
	}
	if errors.Is(err, textwire.ErrBodyTooLong) {
		err = errUnread
	}
	b.end(err)
	b.err = errBodyClosed
	return c.usable()
}

// hurry gives the connection up when the timeout has passed before stop is
// called: nobody waits for long for what is thrown away.
func (c *Client) hurry() (stop func()) {
	timer := time.AfterFunc(c.cfg.Timeout, func() { _ = c.fail(errUnread) })
	return func() { timer.Stop() }
}

// end notes that the body is over: at its end, which is io.EOF, or by an error
// of the connection.
func (b *Body) end(err error) {
	b.err = err
	b.c.body = nil
	b.c.conn.EndBody()
	if err != io.EOF {
		_ = b.c.fail(fmt.Errorf("pop3: body: %w", err))
	}
	b.unbind()
}

// unbind ends the rule of the body's context over the connection.
func (b *Body) unbind() {
	if b.release != nil {
		b.release()
		b.release = nil
	}
}
