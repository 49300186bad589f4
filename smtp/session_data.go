package smtp

import (
	"errors"
	"log/slog"
	"os"
	"strconv"

	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// minDrain is how many octets at least of a message that was given up are read in
// search of its end.
const minDrain = 64 << 20

// data answers DATA: RFC 5321 section 4.1.1.4.
func (s *session) data([]byte) smtpwire.Reply {
	if s.phase != phaseRecipients {
		// RFC 2920 section 3.1: a pipelined DATA comes even if all recipients were refused.
		return replyNoRecipients
	}
	s.then = (*session).receive
	return replySendMessage
}

// receive has the handler read the message, and says what became of it.
func (s *session) receive() smtpwire.Reply {
	tx := s.tx
	s.phase = phaseData
	tx.body = body{src: s.source(), left: s.srv.maxMessage()}
	tx.Body = &tx.body
	s.conn.SetTimeout(s.srv.DataTimeout)
	s.conn.BeginBody()
	err := s.callHandler(tx)
	bodyErr := tx.body.finish()
	s.lf.Release()
	s.reset()
	r := s.verdict(tx, err, bodyErr)
	s.conn.EndBody()
	s.conn.SetTimeout(s.srv.Timeout)
	if s.conn.Tracing() {
		s.conn.Trace('C', append(strconv.AppendInt([]byte("(message: "), s.dot.Raw(), 10), " octets)"...))
	}
	s.logVerdict(tx, r)
	return r
}

// errPanic is how a handler ends that panicked.
var errPanic = errors.New("smtp: panic in the handler")

// source returns what the message is read from. Either way it ends at the genuine
// CRLF.CRLF and nowhere else.
func (s *session) source() source {
	if !s.srv.AcceptBareLF {
		s.dot.Reset(s.conn.Reader(), textwire.Strict)
		return &s.dot
	}
	s.dot.Reset(s.conn.Reader(), textwire.Transparent)
	s.lf.Reset(&s.dot)
	return &s.lf
}

// callHandler turns a panic into errPanic.
func (s *session) callHandler(tx *Transaction) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.logPanic(v)
			err = errPanic
		}
	}()
	return s.srv.Handler.ServeSMTP(s.ctx, tx)
}

// verdict makes the reply to a message. What is wrong with the body outranks what the
// handler says: a message is accepted only if it came whole.
func (s *session) verdict(tx *Transaction, err, bodyErr error) smtpwire.Reply {
	switch {
	case bodyErr == nil:
	case isFraming(bodyErr):
		// Who sends such octets, and means another end by them than the genuine one,
		// is not to be followed: the end is sought so that the reply is in step, and
		// nothing behind it is read.
		_ = s.drain()
		s.phase = phaseClosing
		return replyBadMessage
	case errors.Is(bodyErr, ErrTooLarge):
		if s.drain() != nil {
			s.phase = phaseClosing
		}
		return replyTooLarge
	case errors.Is(bodyErr, errInterrupted):
		if s.drain() != nil {
			s.phase = phaseClosing
		}
		if err == nil {
			err = bodyErr
		}
	case errors.Is(bodyErr, os.ErrDeadlineExceeded):
		return replyTimeout
	default:
		s.phase = phaseClosing
		s.log.InfoContext(s.ctx, "connection lost within a message", "err", bodyErr)
		return smtpwire.Reply{}
	}
	if err != nil {
		return s.refusal(err)
	}
	s.errors, s.idle = 0, 0
	return smtpwire.Reply{Code: 250, Enhanced: EnhancedCode{2, 0, 0}, Lines: tx.accepted[:]}
}

func isFraming(err error) bool {
	var framing *FramingError
	return errors.As(err, &framing)
}

// drain goes on to the genuine end of a message that was given up, so that nothing of
// it is read as a command. An error means that the end was not found within bounds.
func (s *session) drain() error {
	return s.dot.Drain(max(minDrain, limit(s.srv.MaxMessageBytes, defaultMessageBytes)))
}

func (s *session) logVerdict(tx *Transaction, r smtpwire.Reply) {
	text := "message refused"
	if r.Code == 250 {
		text = "message accepted"
	}
	s.log.LogAttrs(s.ctx, slog.LevelInfo, text, slog.String("id", tx.ID), slog.Int("code", r.Code),
		slog.Int64("octets", s.dot.Size()), slog.Int("recipients", len(tx.Envelope.To)))
}
