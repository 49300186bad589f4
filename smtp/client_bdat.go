package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// How many chunks of a message may be without an answer: of those that were
// gathered, and of those that need not be and are larger.
const (
	maxPiecesUnderWay = 32
	maxChunksUnderWay = 3
)

// errStopped ends the sending of a message that the server has refused already.
var errStopped = errors.New("smtp: refused meanwhile")

// chunking is a message on its way by BDAT (RFC 3030). One goroutine writes, and
// where that may have to wait for the server another one reads the replies.
type chunking struct {
	begun chan bool     // each chunk, when it begins: whether it is the last; nil if nobody listens meanwhile
	room  chan struct{} // filled by the chunks without an answer
	heard chan struct{} // closed when all replies are read, or never will be

	earlier <-chan struct{} // closed when all that was sent before has its answers; nil if it has

	ending atomic.Bool // the last octet may be on its way
	stop   atomic.Bool // there is no sense in sending more

	// What became of sending.
	amid    bool  // a chunk
	sendErr error // nil if the last octet was written
	lost    bool  // it is the connection's
	unsure  bool  // the last octet may have been written all the same

	// What was heard. While somebody listens it is his until heard is closed.
	opened  bool  // the envelope has been answered to
	step    Step  // where err happened
	err     error // why not all was heard, and the connection is broken
	refusal error // of a chunk that was not the last
	final   bool  // the last reply read is the answer to the last chunk
}

// transmitChunks sends a message by BDAT. It reports whether the rest is for
// settle.
func (s *sending) transmitChunks(ctx context.Context, group []byte) (pending bool) {
	b := s.chunks
	if !s.offers("PIPELINING") || s.c.cfg.RequireAllRecipients || s.c.cfg.Protocol == auth.LMTP {
		// A chunk that is the last cannot be taken back. By LMTP it has no reply when
		// nobody was accepted (RFC 2033 section 4.3), and one from servers that do not
		// know: nobody could tell how long to wait for it.
		step, err := s.openEnvelope(group, false)
		if err == nil {
			step, err = s.refusal()
		}
		if err != nil {
			s.failed(step, Refused, err)
			return false
		}
		group, b.opened = nil, true
	}
	if s.cancel == nil && s.transmitFlight(group) {
		return true
	}
	if s.cancel == nil { // a small body behind a large envelope
		s.unbind()
		ctx = s.bind(ctx)
	}
	s.pace = newPace(s.c.cfg, s.cancel)
	s.c.conn.SetWriteTimeout(forever) // the pace minds the time
	s.listen()
	defer func() {
		if !pending {
			s.giveUp(errAbandoned) // the body has panicked
		}
		if close(b.begun); !pending {
			<-b.heard // what is behind reads too
		}
	}()
	b.sendErr = s.sendChunks(ctx, group)
	return true
}

// transmitFlight sends the envelope and a small body in one write, unless the
// envelope is too large for that. Nobody listens meanwhile, as the network takes
// all of it.
func (s *sending) transmitFlight(group []byte) bool {
	c, b, chunk := s.c, s.chunks, s.source.chunk
	end := window + len(s.source.head) + copy(chunk[window+len(s.source.head):], s.lastCRLF())
	size := int64(end - window)
	command := appendBDAT(make([]byte, 0, 32), size, true)
	begin := window - len(group) - len(command)
	if begin < 0 {
		return false
	}
	copy(chunk[begin:], group)
	copy(chunk[window-len(command):], command)
	c.traceLines(group)
	s.traceChunk(size, true)
	c.conn.SetWriteTimeout(c.cfg.timeout())
	b.ending.Store(true)
	if b.sendErr = c.flush(chunk[begin:end]); b.sendErr != nil {
		b.lost, b.unsure = true, !c.conn.Writer().Unsent()
	}
	return true
}

// lastCRLF is what a body lacks that ends amid a line.
func (s *sending) lastCRLF() []byte {
	if s.source.facts.openEnded && !s.binary {
		return crlf
	}
	return nil
}

func appendBDAT(dst []byte, size int64, last bool) []byte {
	dst, _ = (&smtpwire.Bdat{Size: size, Last: last}).Append(dst) // fails for negative sizes only
	return dst
}

func (s *sending) traceChunk(size int64, last bool) {
	if c := s.c; c.conn.Tracing() {
		line := appendBDAT(nil, size, last)
		c.trace('C', line[:len(line)-len(crlf)])
		c.trace('C', fmt.Appendf(nil, "(%d octets)", size))
	}
}

// listen begins to read the replies.
func (s *sending) listen() {
	b := s.chunks
	most := maxPiecesUnderWay
	if s.source.facts.known {
		most = maxChunksUnderWay
	}
	b.begun, b.room, b.heard = make(chan bool, most), make(chan struct{}, most), make(chan struct{})
	b.earlier = s.before
	go func() {
		defer close(b.heard)
		s.hearEnvelope()
		for last := range b.begun {
			s.hearChunk(last)
			<-b.room
		}
	}()
}

// hearEnvelope reads the replies to the envelope, unless that has been done.
func (s *sending) hearEnvelope() {
	b := s.chunks
	s.await()
	if b.opened {
		return
	}
	if b.step, b.err = s.readEnvelope(); b.err != nil {
		b.stop.Store(true)
		return
	}
	b.opened = true
	if _, refused := s.refusal(); refused != nil {
		b.stop.Store(true)
	}
}

// hearChunk reads the reply to a chunk.
func (s *sending) hearChunk(last bool) {
	c, b := s.c, s.chunks
	if b.err != nil {
		return
	}
	timeout := c.cfg.dataTimeout()
	if b.begun != nil {
		timeout = forever // the pace minds the time
	}
	if b.err = s.readReply(timeout); b.err == nil {
		switch early := last && !b.ending.Load(); {
		case early && c.reply.code < 400:
			b.err = c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d amid the data", c.reply.code)})
		case last:
			b.final = true
		default:
			var refusal *Error
			if refusal, b.err = c.judge("BDAT", 2); refusal != nil && b.refusal == nil {
				b.refusal = refusal
			}
		}
	}
	if b.err != nil {
		b.step = StepBody
	}
	if b.err != nil || b.refusal != nil {
		b.stop.Store(true)
	}
}

// settleChunks waits until all is heard, and judges it.
func (s *sending) settleChunks() {
	c, b := s.c, s.chunks
	switch {
	case b.begun == nil && b.lost:
		s.unwritten()
		return
	case b.begun == nil:
		s.hearEnvelope()
		s.hearChunk(true)
	default:
		wait := c.cfg.dataTimeout()
		if b.lost {
			wait = grace // what the server said before it stopped listening explains it best
		}
		s.pace.wait(wait)
		<-b.heard
	}
	switch ended := b.sendErr == nil || b.unsure; {
	case b.err != nil:
		s.unheard(ended)
	case s.envelopeRefused(ended):
	case !ended:
		s.unended()
	case b.refusal != nil:
		s.partRefused()
	default:
		s.answered()
	}
}

// unwritten tells about a message that should have left in one write, and has not, or not
// for certain.
func (s *sending) unwritten() {
	c, b := s.c, s.chunks
	s.await()
	switch gone := c.broken.farewell(); {
	case gone != nil:
		s.failed(StepMail, Refused, gone)
	case b.unsure:
		s.failed(StepEnd, Unknown, c.fail(b.sendErr))
	default:
		s.failed(StepBody, Refused, c.explain(b.sendErr))
	}
}

// readReply reads a reply to what is sent. Behind a 421 it waits a moment for whether that
// is the server's last word, for the sake of what has left as a whole and has no answer: a
// server that leaves has taken nothing of it (RFC 5321 section 3.8). By LMTP nothing leaves
// so early.
func (s *sending) readReply(timeout time.Duration) error {
	c := s.c
	err := c.readReply(timeout)
	if err == nil && s.chunks != nil && c.cfg.Protocol != auth.LMTP && c.reply.code == 421 && c.silent() {
		c.broken.leave(c.reply.refusal())
	}
	return err
}

// silent reports whether the server says nothing more. It is the last that is read.
func (c *Client) silent() bool {
	_, err := c.readLine(grace, maxReplyLine)
	network := (*net.OpError)(nil) // a reset, where it had not read what we sent
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network)
}

// unheard tells about a message whose replies could not all be read.
func (s *sending) unheard(ended bool) {
	c, b := s.c, s.chunks
	cause := b.err
	if b.sendErr != nil && b.sendErr != errStopped && (!b.lost || errors.Is(b.err, errStalled)) {
		cause = b.sendErr // it is what broke the connection
	}
	// A server that goes on behind its 421, or does not forget on RSET, may have taken
	// what was sent.
	switch gone := c.broken.farewell(); {
	case b.opened && s.envelopeRefused(false):
	case s.refused != nil:
		s.failed(StepMail, Refused, s.refused)
	case b.refusal != nil:
		s.failed(StepBody, Refused, b.refusal)
	case gone != nil:
		s.failed(b.step, Refused, gone)
	case ended:
		s.failed(StepEnd, Unknown, cause)
	case b.sendErr == errStopped:
		s.failed(b.step, Refused, cause)
	default:
		s.failed(StepBody, Refused, cause)
	}
}

// envelopeRefused tells about a message that was refused before its first chunk,
// if it was. What a server answers to its chunks then does not matter, but that
// it may be gone, or have lost its wits.
func (s *sending) envelopeRefused(ended bool) bool {
	c, b := s.c, s.chunks
	step, refused := s.refusal()
	if refused == nil {
		return false
	}
	if b.final && c.reply.code == 421 {
		c.fail(c.reply.refusal())
	}
	if b.final && ended && c.reply.code/100 == 2 && s.accepted > 0 {
		s.failed(StepEnd, Unknown, c.fail(errNoSender))
		return true
	}
	s.failed(step, Refused, refused)
	return true
}

// unended tells about a message the end of which was not sent. Between two chunks
// that does no harm: RSET makes an end of it before the next message.
func (s *sending) unended() {
	c, b := s.c, s.chunks
	err := b.sendErr
	switch {
	case b.refusal != nil:
		err = b.refusal
	case b.lost && b.final && c.reply.code >= 400:
		err = c.reply.refusal()
	}
	if b.lost {
		c.fail(err)
	}
	s.failed(StepBody, Refused, err)
}

// partRefused tells about a message that was sent to its end, although a part of
// it was refused meanwhile (RFC 3030 section 2).
func (s *sending) partRefused() {
	c, b := s.c, s.chunks
	switch {
	case c.reply.code/100 == 2:
		s.failed(StepEnd, Unknown, c.fail(&ProtocolError{Reason: "message accepted of which a part was refused"}))
		return
	case c.reply.code < 400, c.reply.code == 421, c.cfg.Protocol == auth.LMTP: // or how many replies there are, nobody knows
		c.fail(b.refusal)
	}
	s.failed(StepBody, Refused, b.refusal)
}
