package smtp

import (
	"context"
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/internal/textwire"
)

const (
	// smallBody is the size in octets up to which a body leaves in one write, so
	// that there is nothing to watch meanwhile.
	smallBody = 16 << 10

	// pieceSize is how much of a body is written at a time.
	pieceSize = 32 << 10
)

// errAbandoned is why a connection is broken over a body that panicked.
var errAbandoned = errors.New("body abandoned")

// transmitData sends a message by DATA. It reports whether there is an answer to
// wait for.
func (s *sending) transmitData(ctx context.Context, group []byte) (pending bool) {
	if step, err := s.open(group); err != nil {
		s.failed(step, Refused, err)
		return false
	}
	if s.c.conn.Reader().Buffered() > 0 {
		// What answers to the data was said before there was any.
		s.answeredEarly(s.c.readReply(s.c.cfg.timeout()), nil)
		return false
	}
	if s.cancel == nil {
		return s.transmitSmall(ctx)
	}
	return s.transmitLarge(ctx)
}

// transmitSmall sends a body that leaves in one write.
func (s *sending) transmitSmall(ctx context.Context) (pending bool) {
	c := s.c
	c.conn.SetWriteTimeout(c.cfg.timeout())
	t := s.newTransfer()
	defer t.abandon()
	if err := t.copy(ctx); err != nil {
		s.failed(StepBody, Refused, c.fail(err))
		return false
	}
	if err := t.end(); err != nil {
		switch {
		case t.unfit(err):
			s.failed(StepBody, Refused, c.fail(err))
		case t.certain():
			s.failed(StepBody, Refused, c.explain(err))
		default:
			s.halfEnded(err, c.readReply(grace) == nil)
		}
		return false
	}
	return true
}

// transmitLarge sends a body while it listens: a server that answers before the
// end is not sent the rest. The cause given to s.cancel ends ctx, and with it all
// reading and writing.
func (s *sending) transmitLarge(ctx context.Context) (pending bool) {
	c := s.c
	c.conn.SetWriteTimeout(forever) // the pace minds the time
	s.pace = newPace(c.cfg, s.cancel)
	s.watch = c.newWatch(s.cancel)
	t := s.newTransfer()
	defer func() {
		t.abandon()
		if !pending {
			<-s.watch.done
		}
	}()

	err := t.copy(ctx)
	if t.lost {
		// What the server said before it stopped listening explains it best.
		s.pace.wait(grace)
		<-s.watch.done
	}
	switch early := !s.watch.end(err == nil); {
	case early:
		<-s.watch.done
		s.answeredEarly(s.watch.err, err)
		return false
	case err != nil:
		s.failed(StepBody, Refused, c.fail(err))
		return false
	}

	if err := t.end(); err != nil {
		s.pace.wait(grace)
		switch {
		case t.unfit(err):
			s.failed(StepBody, Refused, c.fail(err))
		case t.certain():
			<-s.watch.done
			s.answeredEarly(s.watch.err, err)
		default:
			<-s.watch.done
			s.halfEnded(err, s.watch.err == nil)
		}
		return false
	}
	s.pace.wait(c.cfg.dataTimeout())
	return true
}

// settleData waits for the answer to the end of the data.
func (s *sending) settleData() {
	var err error
	if s.watch != nil {
		<-s.watch.done
		err = s.watch.err
	} else {
		err = s.c.readReply(s.c.cfg.dataTimeout())
	}
	if err != nil {
		s.failed(StepEnd, Unknown, err)
		return
	}
	s.answered()
}

// answeredEarly tells about an answer, or an end of the connection, that came
// before the end of the data was sent, and so cannot mean that the message was
// accepted. The errors are those of reading the answer, nil if there is one, and
// of sending the body, nil if that was not disturbed.
func (s *sending) answeredEarly(readErr, sendErr error) {
	c := s.c
	err := readErr
	switch {
	case errors.Is(readErr, errStalled) && sendErr != nil:
		err = sendErr // the wait for an explanation was in vain
	case readErr != nil:
	case c.reply.code >= 400:
		err = c.reply.refusal()
	default:
		err = &ProtocolError{Reason: fmt.Sprintf("reply %d amid the data", c.reply.code)}
	}
	s.failed(StepBody, Refused, c.fail(err))
}

// halfEnded tells about an end of the data that may have left in full although
// writing it failed with err, so that nobody knows whether it got through, unless
// the server has answered.
func (s *sending) halfEnded(err error, answered bool) {
	if !answered {
		s.failed(StepEnd, Unknown, s.c.fail(err))
		return
	}
	s.answered()
	s.c.fail(err)
}

// transfer is a body on its way by DATA.
type transfer struct {
	s       *sending
	fromMem int   // octets of the body to come that are checked already
	failure error // of writing, not of reading the body
	lost    bool  // it is the connection's
	closed  bool  // nothing is left to do
}

func (s *sending) newTransfer() *transfer {
	mode := textwire.Strict
	if s.c.cfg.NormalizeLineEnds {
		mode = textwire.Normalize
	}
	s.c.dot.Reset(s.c.conn.Writer(), mode)
	return &transfer{s: s, fromMem: len(s.source.head)}
}

// copy sends all of the body but the end of the data. It fails if ctx has ended
// meanwhile, even if the connection has not been told yet.
func (t *transfer) copy(ctx context.Context) error {
	err := t.s.source.copyTo(t)
	t.closed = true
	switch {
	case t.failure != nil:
		return t.failure
	case err != nil:
		return err
	}
	return context.Cause(ctx)
}

// abandon breaks the connection if copy did not come back, as when the body
// panicked. What is not written yet, never will be.
func (t *transfer) abandon() {
	if !t.closed {
		t.s.c.fail(errAbandoned)
	}
}

// Write sends a part of the body, in pieces that the pace can follow.
func (t *transfer) Write(p []byte) (total int, err error) {
	if t.fromMem > 0 {
		t.fromMem -= len(p)
	} else if t.failure == nil {
		t.failure = t.s.recheck(p)
	}
	for len(p) > 0 && t.failure == nil {
		n, err := t.writePiece(p[:min(len(p), pieceSize)])
		total, p = total+n, p[n:]
		t.failure = err
		t.lost = err != nil && !t.unfit(err)
	}
	return total, t.failure
}

// recheck looks at a part of the body that may not be what it was, or was not
// looked at before.
func (s *sending) recheck(p []byte) error {
	check := s.source.check
	if check == nil {
		return nil
	}
	if _, err := check.Write(p); err != nil {
		return err
	}
	if check.eightBit >= 0 {
		return s.sevenBit
	}
	return nil
}

func (t *transfer) writePiece(p []byte) (int, error) {
	c, pace := t.s.c, t.s.pace
	// Stuffing makes of p twice as much at most. What fits into the buffer waits
	// for nobody.
	waits := c.conn.Writer().Buffered()+2*len(p) >= textwire.BufferSize
	if pace != nil && waits {
		pace.begin()
		defer pace.end(len(p))
	}
	return c.dot.Write(p)
}

// unfit reports whether an error of the dot writer is about the body. Then the
// end of the data is not sent, nor a part of it.
func (t *transfer) unfit(err error) bool {
	framing := (*FramingError)(nil)
	return errors.As(err, &framing)
}

// certain reports, after an error of writing the end of the data, whether that
// has certainly not left in full.
func (t *transfer) certain() bool { return t.s.c.conn.Writer().Unsent() }

// end sends the end of the data. A body that ends in a CR is unfit for it.
func (t *transfer) end() error {
	c, pace := t.s.c, t.s.pace
	if c.conn.Tracing() {
		c.trace('C', fmt.Appendf(nil, "(%d octets)", c.dot.Size()))
		c.trace('C', []byte("."))
	}
	if pace != nil {
		pace.begin()
		defer pace.end(0)
	}
	if err := c.dot.Close(); err != nil {
		return err
	}
	if err := c.conn.Flush(); err != nil {
		return err
	}
	// The end of the data ends the transaction, whatever the answer (RFC 5321
	// section 4.1.1.4).
	t.s.closed()
	return nil
}
