package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// sendSmall sends a body, which leaves in one write, and reads the answer.
func (s *sending) sendSmall(ctx context.Context, body io.Reader) (*Result, error) {
	c := s.c
	c.conn.SetTimeout(c.cfg.timeout())
	t := s.newTransfer(nil)
	defer t.abandon()
	if err := t.copy(ctx, body); err != nil {
		return s.failed(StepBody, Refused, c.fail(err))
	}
	if err := t.end(); err != nil {
		if t.unfit(err) {
			return s.failed(StepBody, Refused, c.fail(err))
		}
		return s.halfEnded(err, c.readReply(grace) == nil)
	}
	if err := c.readReply(c.cfg.dataTimeout()); err != nil {
		return s.failed(StepEnd, Unknown, err)
	}
	return s.answered()
}

// sendLarge sends a body while it listens: a server that answers before the end
// is not sent the rest. The cause given to cancel ends ctx, and with it all
// reading and writing.
func (s *sending) sendLarge(ctx context.Context, cancel context.CancelCauseFunc, body io.Reader) (*Result, error) {
	c := s.c
	c.conn.SetTimeout(forever) // the pace minds the time
	pace := newPace(&c.cfg, cancel)
	watch := c.newWatch(cancel)
	t := s.newTransfer(pace)
	defer func() {
		t.abandon()
		<-watch.done
		pace.stop()
	}()

	err := t.copy(ctx, body)
	if t.lost {
		// What the server said before it stopped listening explains it best.
		pace.wait(grace)
		<-watch.done
	}
	switch early := !watch.end(err == nil); {
	case early:
		<-watch.done
		return s.answeredEarly(watch.err, err)
	case err != nil:
		return s.failed(StepBody, Refused, c.fail(err))
	}

	if err := t.end(); err != nil {
		if t.unfit(err) {
			return s.failed(StepBody, Refused, c.fail(err))
		}
		pace.wait(grace)
		<-watch.done
		return s.halfEnded(err, watch.err == nil)
	}
	pace.wait(c.cfg.dataTimeout())
	<-watch.done
	if watch.err != nil {
		return s.failed(StepEnd, Unknown, watch.err)
	}
	return s.answered()
}

// answered judges the server's answer to the end of the data.
func (s *sending) answered() (*Result, error) {
	refusal, fatal := s.c.judge("the end of the data", 2)
	s.c.needReset = false
	closing := (*Error)(nil)
	if errors.As(fatal, &closing) {
		refusal = closing
	}
	switch {
	case refusal != nil:
		s.result.Reply = s.c.reply.value()
		return s.failed(StepEnd, Refused, refusal)
	case fatal != nil:
		return s.failed(StepEnd, Unknown, fatal)
	}
	s.result.Reply, s.result.Outcome = s.c.reply.value(), Accepted
	refused := s.worst()
	for i := range s.result.Recipients {
		if r := &s.result.Recipients[i]; r.Err == nil {
			r.Outcome = Accepted
		}
	}
	if refused != nil {
		return s.result, &SendError{Step: StepRcpt, Outcome: Accepted, Err: refused}
	}
	return s.result, nil
}

// answeredEarly tells about an answer, or an end of the connection, that came
// before the end of the data was sent, and so cannot mean that the message was
// accepted. The errors are those of reading the answer, nil if there is one, and
// of sending the body, nil if that was not disturbed.
func (s *sending) answeredEarly(readErr, sendErr error) (*Result, error) {
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
	return s.failed(StepBody, Refused, c.fail(err))
}

// halfEnded tells about an end of the data that could not be written in full
// because of err, so that nobody knows whether it got through, unless the server
// has answered.
func (s *sending) halfEnded(err error, answered bool) (*Result, error) {
	if !answered {
		return s.failed(StepEnd, Unknown, s.c.fail(err))
	}
	defer s.c.fail(err)
	return s.answered()
}

// transfer is a body on its way.
type transfer struct {
	c        *Client
	sevenBit error // what an octet above 127 means; nil if there may be some
	pace     *pace // nil for a small body
	failure  error // of writing, not of reading the body
	lost     bool  // it is the connection's
	closed   bool  // nothing is left to do
}

func (s *sending) newTransfer(pace *pace) *transfer {
	mode := textwire.Strict
	if s.c.cfg.NormalizeLineEnds {
		mode = textwire.Normalize
	}
	s.c.dot.Reset(s.c.conn.Writer(), mode)
	return &transfer{c: s.c, sevenBit: s.sevenBit, pace: pace}
}

// copy sends all of body but the end of the data. It fails if ctx has ended
// meanwhile, even if the connection has not been told yet.
func (t *transfer) copy(ctx context.Context, body io.Reader) error {
	_, err := io.Copy(chunkWriter{t}, body)
	t.closed = true
	switch {
	case t.failure != nil:
		return t.failure
	case err != nil:
		return fmt.Errorf("reading the body: %w", err)
	}
	return context.Cause(ctx)
}

// abandon breaks the connection if copy did not come back, as when the body
// panicked. What is not written yet, never will be.
func (t *transfer) abandon() {
	if !t.closed {
		t.c.fail(errAbandoned)
	}
}

// Write sends a part of the body, in pieces that the pace can follow.
func (t *transfer) Write(p []byte) (total int, err error) {
	if t.sevenBit != nil && t.failure == nil && index8Bit(p) >= 0 {
		t.failure = t.sevenBit
	}
	for len(p) > 0 && t.failure == nil {
		n, err := t.writePiece(p[:min(len(p), pieceSize)])
		total, p = total+n, p[n:]
		t.failure = err
		t.lost = err != nil && !t.unfit(err)
	}
	return total, t.failure
}

func (t *transfer) writePiece(p []byte) (int, error) {
	// Stuffing makes of p twice as much at most. What fits into the buffer waits
	// for nobody.
	waits := t.c.conn.Writer().Buffered()+2*len(p) >= textwire.BufferSize
	if t.pace != nil && waits {
		t.pace.begin()
		defer t.pace.end(len(p))
	}
	return t.c.dot.Write(p)
}

// unfit reports whether an error of the dot writer is about the body. Then the
// end of the data is not sent, nor a part of it.
func (t *transfer) unfit(err error) bool {
	framing := (*FramingError)(nil)
	return errors.As(err, &framing)
}

// end sends the end of the data. A body that ends in a CR is unfit for it.
func (t *transfer) end() error {
	if t.c.conn.Tracing() {
		t.c.trace('C', fmt.Appendf(nil, "(%d octets)", t.c.dot.Size()))
		t.c.trace('C', []byte("."))
	}
	if t.pace != nil {
		t.pace.begin()
		defer t.pace.end(0)
	}
	if err := t.c.dot.Close(); err != nil {
		return err
	}
	return t.c.conn.Flush()
}
