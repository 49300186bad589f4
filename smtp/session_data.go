package smtp

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// minDrain is how many octets at least of a message that was given up are read in
// search of its end.
const minDrain = 64 << 20

// mostDrained is how many octets are read in search of the end of what was given up.
func (s *session) mostDrained() int64 {
	return max(minDrain, limit(s.srv.MaxMessageBytes, defaultMessageBytes))
}

// data answers DATA: RFC 5321 section 4.1.1.4.
func (s *session) data([]byte) smtpwire.Reply {
	if s.phase == phaseChunks {
		// RFC 3030 section 2: not behind BDAT. The message is given up.
		s.phase = phaseFailed
		return replySequence
	}
	if s.phase == phaseRecipients && s.tx.Envelope.Body == BodyBinaryMIME {
		// RFC 3030 section 3.
		return replyBdatOnly
	}
	if r := s.askData(); r.Code != 0 {
		if s.tooIdle() { // a temporary refusal is no error, and can be asked for again
			return replyTooIdle
		}
		return r
	}
	s.then = (*session).receiveData
	return replySendMessage
}

// askData says why the message must not be sent. The zero Reply means that it may.
func (s *session) askData() smtpwire.Reply {
	switch {
	case s.phase == phaseRecipients:
	case s.phase == phaseMail && s.state.Protocol != auth.LMTP:
		// RFC 2920 section 3.1: a pipelined DATA comes even if all recipients were refused.
		return replyNoRecipients
	default:
		// RFC 2033 section 4.2.
		return replySequence
	}
	if hook := s.srv.Hooks.Data; hook != nil {
		err := hook(s.ask(), s.tx)
		s.answered()
		if err != nil {
			return s.refusal(err)
		}
	}
	return smtpwire.Reply{}
}

// incoming is a message on its way in: by DATA or by BDAT.
type incoming interface {
	io.Reader
	io.WriterTo

	// drain goes on to where the next command begins, whatever the message is. An
	// error means that this was not found within so many octets.
	drain(most int64) error

	size() int64    // octets delivered
	raw() int64     // octets read
	complete() bool // when drained, nothing more of the message will come
}

// dotted is a message that comes by DATA. Its end is the genuine CRLF.CRLF and nothing
// else.
type dotted struct {
	dot     textwire.DotReader
	lf      textwire.LFReader // over dot
	lenient bool              // read by lf: the server accepts bare LF
}

func (d *dotted) reset(r *textwire.Reader, lenient bool) {
	d.lenient = lenient
	if !lenient {
		d.dot.Reset(r, textwire.Strict)
		return
	}
	d.dot.Reset(r, textwire.Transparent)
	d.lf.Reset(&d.dot)
}

func (d *dotted) Read(p []byte) (int, error) {
	if d.lenient {
		return d.lf.Read(p)
	}
	return d.dot.Read(p)
}

func (d *dotted) WriteTo(w io.Writer) (int64, error) {
	if d.lenient {
		return d.lf.WriteTo(w)
	}
	return d.dot.WriteTo(w)
}

func (d *dotted) drain(most int64) error { return d.dot.Drain(most) }
func (d *dotted) size() int64            { return d.dot.Size() }
func (d *dotted) raw() int64             { return d.dot.Raw() }
func (d *dotted) complete() bool         { return true }

func (s *session) receiveData() smtpwire.Reply {
	d := &s.intake.dotted
	d.reset(s.conn.Reader(), s.srv.AcceptBareLF)
	s.beginBody(0)
	r := s.receive(d)
	d.lf.Release()
	return r
}

// beginBody has reading judged by progress until endBody. Replies that are held back
// leave now if octets of the body have yet to come.
func (s *session) beginBody(octets int64) {
	s.conn.SetTimeout(s.srv.DataTimeout)
	s.conn.BeginBody()
	if int64(s.conn.Reader().Buffered()) < octets {
		s.flush()
	}
}

func (s *session) endBody() {
	s.conn.EndBody()
	s.conn.SetTimeout(s.srv.Timeout)
}

// receive has the handler read the message, and says what became of it.
func (s *session) receive(src incoming) smtpwire.Reply {
	s.phase = phaseData
	tx := s.tx
	tx.body = body{src: src, left: s.srv.maxMessage(), clock: &s.handling, span: s.srv.handlerTimeout(), most: limit(s.srv.MaxHops, defaultHops)}
	tx.Body = &tx.body
	tx.began = time.Now()
	tx.results.open(s, tx)
	err := s.callHandler(tx)
	if tx.results.close() {
		s.log.ErrorContext(s.ctx, "result for a recipient that is not there", "id", tx.ID)
	}
	early, bodyErr := tx.body.close(err != nil, src.complete)
	r := s.verdict(src, tx, err, bodyErr, early)
	s.endBody()
	switch {
	case s.phase.within(phaseClosing | phaseGreeted): // or given up by RSET or EHLO
	case src.complete():
		s.reset()
	default:
		s.phase = phaseFailed
	}
	if s.conn.Tracing() {
		s.conn.Trace('C', append(strconv.AppendInt([]byte("(message: "), src.raw(), 10), " octets)"...))
	}
	return r
}

// errPanic is how a handler ends that panicked.
var errPanic = errors.New("smtp: panic in the handler")

// callHandler turns a panic into errPanic.
func (s *session) callHandler(tx *Transaction) (err error) {
	defer func() {
		s.handling.pause()
		if v := recover(); v != nil {
			s.logPanic(v)
			err = errPanic
		}
	}()
	return s.srv.Handler.ServeSMTP(s.handling.begin(s.ctx, s.srv.handlerTimeout()), tx)
}

// verdict makes the reply to a message. What is wrong with the body outranks what the
// handler says: a message is accepted only if it came whole.
func (s *session) verdict(src incoming, tx *Transaction, err, bodyErr error, early bool) smtpwire.Reply {
	if bodyErr == nil && !early {
		return s.conclude(src, tx, err)
	}
	var r smtpwire.Reply
	var own []smtpwire.Reply // of the recipients
	framing := isFraming(bodyErr)
	switch {
	case errors.Is(bodyErr, errAborted):
		s.logVerdict(src, tx, r, 0)
		return r
	case bodyErr != nil && !framing && !errors.Is(bodyErr, ErrTooLarge) && !errors.Is(bodyErr, ErrTooManyHops) && !errors.Is(bodyErr, errInterrupted):
		r = s.readFailed(bodyErr)
		s.logVerdict(src, tx, r, 0)
		return r
	case early:
		if r = s.refusal(err); r.Code != 421 {
			r, own = tx.results.refuse(r)
		}
	case framing:
		r = replyBadMessage
	case errors.Is(bodyErr, ErrTooLarge):
		r = replyTooLarge
	case errors.Is(bodyErr, ErrTooManyHops):
		// RFC 5321 section 6.3.
		r = replyLoop
	case err == nil:
		r = s.refusal(bodyErr)
	default:
		r = s.refusal(err)
	}
	if src.drain(s.mostDrained()) != nil || framing && src == &s.intake.dotted {
		// Who sends such octets, and means another end by them than the genuine one,
		// is not to be followed: the end is sought so that the reply is in step, and
		// nothing behind it is read.
		s.phase = phaseClosing
	}
	s.logVerdict(src, tx, r, 0)
	if s.state.Protocol == auth.LMTP && src.complete() {
		return s.toEach(r, own)
	}
	return r
}

func isFraming(err error) bool {
	_, ok := errors.AsType[*FramingError](err)
	return ok
}
