package pop3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// delivery is a message on its way, between RETR or TOP and the final dot.
type delivery struct {
	ctx    context.Context // for the Store; nil before the first, and when it has ended
	end    context.CancelCauseFunc
	source io.ReadCloser
	size   int64 // octets that the store promised
	isTop  bool
	top    topReader // of the source
	out    outlet    // where the octets go
}

// retr answers RETR (RFC 1939 section 5).
func (s *session) retr(ctx context.Context, args []byte) reply {
	var c pop3wire.Retr
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	m, r := s.open(ctx, c.N)
	if m == nil {
		return r
	}
	s.scratch = appendNumbered(s.scratch[:0], "", m.Size, " octets")
	return reply{ok: true, made: s.scratch, body: (*session).deliver}
}

// top answers TOP (RFC 1939 section 7).
func (s *session) top(ctx context.Context, args []byte) reply {
	var c pop3wire.Top
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	m, r := s.open(ctx, c.N)
	if m == nil {
		return r
	}
	s.pending.isTop, s.pending.top = true, topReader{source: s.pending.source, lines: c.Lines}
	return reply{ok: true, text: "top of message follows", body: (*session).deliver}
}

// open opens message n for the body of the reply, or returns nil and the reply
// that refuses it. That a message cannot be given is not the client's fault: it
// may ask for any number of such, or it would never come to those behind them.
func (s *session) open(ctx context.Context, n int) (*Info, reply) {
	m, r := s.message(n)
	if m == nil {
		return nil, r
	}
	if m.UTF8 && !s.unicode {
		// RFC 6856 section 5.
		return nil, reply{code: CodeUTF8, text: "message needs the command UTF8 first", excused: true}
	}
	if s.pending == nil {
		s.pending = new(delivery)
	}
	d := s.pending
	if d.ctx == nil {
		// It outlives the opening, since the message may be read under it, and serves
		// for all messages of a session.
		d.ctx, d.end = context.WithCancelCause(ctx)
	}
	s.ask(d.end)
	source, err := s.drop.maildrop.Message(d.ctx, *m)
	if !s.answered() {
		d.ctx = nil
	}
	if err != nil {
		r = storeFailed(err, "message cannot be read now")
		r.excused = true
		return nil, r
	}
	d.source, d.size, d.isTop = source, m.Size, false
	return m, reply{}
}

// deliver writes the message that is pending. The +OK has been written and cannot
// be taken back: whatever fails from here on must cut the connection, so that
// the client sees no end of the message.
func (s *session) deliver() error {
	d := s.pending
	defer s.closeSource(d)

	err := d.copy(s.conn.Writer())
	if err == nil {
		err = d.out.dots.Close()
	}
	if err == nil {
		if !d.isTop {
			s.fetched++
		}
		s.octets += d.out.dots.Size()
		s.traceBody(d.out.dots.Size(), "octets")
		return nil
	}
	if s.conn.Err() == nil { // not the client's fault
		s.log(slog.LevelError, "message not delivered", "err", err)
	}
	return err
}

func (s *session) closeSource(d *delivery) {
	if err := d.source.Close(); err != nil {
		s.log(slog.LevelWarn, "message not closed cleanly", "err", err)
	}
	d.source, d.top.source = nil, nil
}

// copy writes a message, or the top of one. A source that is an io.WriterTo
// writes its own large pieces; any other is read into a pooled buffer.
func (d *delivery) copy(w *textwire.Writer) error {
	o := &d.out
	o.dots.Reset(w, textwire.Transparent)
	o.left = d.size
	var err error
	if d.isTop {
		_, err = o.ReadFrom(&d.top)
		if err == nil && d.top.ended {
			return nil
		}
	} else {
		_, err = io.Copy(o, d.source)
	}
	switch {
	case err != nil:
		return err
	case o.left != 0:
		return fmt.Errorf("pop3: message has %d of %d octets", d.size-o.left, d.size)
	case !o.dots.AtLineStart():
		return errNoLineEnd // the CRLF that would have to be added is not in its size
	}
	return nil
}

var (
	errOverrun   = errors.New("pop3: message is longer than its size")
	errNoLineEnd = errors.New("pop3: message does not end in CRLF")
)

// outlet passes a message's octets to the connection, stuffed, and no more than
// were promised. Octets that mail should not hold, such as NUL, pass as they
// are: the mail is stored already.
//
// It does not have the system send a file to the socket by itself, which for 10 MB
// takes a quarter of the processor time, and for 10 KB as much. That is for files
// with CRLF, to clients without TLS, and for messages in which no line begins with a
// dot. To look for such a line costs what is saved; and a note that there is none
// would have to be believed, of a message whose sender decides what follows if it
// is wrong.
type outlet struct {
	dots  textwire.DotWriter
	left  int64            // octets yet to come
	bound io.LimitedReader // for ReadFrom
}

// Write is for sources that are an io.WriterTo.
func (o *outlet) Write(p []byte) (int, error) {
	if int64(len(p)) > o.left {
		return 0, errOverrun
	}
	n, err := o.dots.Write(p)
	o.left -= int64(n)
	return n, err
}

// WriteLF is for sources that are an io.WriterTo and store lines that end in LF: it
// takes them as they are stored, and tells how many octets they are with CRLF.
func (o *outlet) WriteLF(p []byte) (int64, error) {
	n, err := o.dots.WriteLF(p)
	if o.left -= n; err == nil && o.left < 0 {
		err = errOverrun // no end of the message follows what is too much
	}
	return n, err
}

// ReadFrom is for all other sources. It asks for one octet more than is due, to
// see that there is none.
func (o *outlet) ReadFrom(r io.Reader) (int64, error) {
	o.bound = io.LimitedReader{R: r, N: o.left + 1}
	n, err := o.dots.ReadFrom(&o.bound)
	o.bound.R = nil
	if o.left -= n; err == nil && o.left < 0 {
		err = errOverrun
	}
	return n, err
}
