package smtp

import (
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// codePRDR is the reply that announces an answer for each recipient, and one for
// all of them behind those.
const codePRDR = 353

// answered judges the server's answer to the end of the data, the first reply of
// which has been read.
func (s *sending) answered() {
	if s.chunks == nil || s.c.reply.code < 400 { // RFC 3030 section 2: else RSET comes next
		s.closed()
	}
	switch {
	case s.c.cfg.Protocol == auth.LMTP:
		s.answeredEach(false)
		s.conclude()
		s.concludeReply()
	case s.prdr && s.c.reply.code == codePRDR:
		s.answeredEach(true)
		s.answeredAll()
		s.conclude()
	default:
		s.answeredOnce()
	}
}

// checkSurplus breaks the connection if the server has said more than it was asked
// for, and has done so before anything else was sent. Then nobody knows which reply
// was the answer to the message, if the end of that was sent. A 421 is no surplus:
// it may come at any time (RFC 5321 section 3.8).
func (s *sending) checkSurplus() {
	c := s.c
	if c.conn.Reader().Buffered() == 0 || c.serial.Load() != s.serial || c.broken.get() != nil {
		return
	}
	if c.readReply(grace) != nil {
		return
	}
	if c.reply.code == 421 {
		c.fail(c.reply.refusal())
		return
	}
	err := c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d behind the answer to a message", c.reply.code)})
	unended := s.chunks != nil && !s.chunks.ending.Load()
	if unended || s.result.Outcome == Refused && c.reply.code >= 400 { // whichever it was, it refuses
		return
	}
	s.result.Reply = Reply{}
	for i := range s.result.Recipients {
		// The 354 to DATA has shown that the replies before it were as many as the
		// commands.
		if r := &s.result.Recipients[i]; s.chunks != nil || r.Step == StepEnd {
			r.Step, r.Reply, r.Err = "", Reply{}, nil // for failed to settle
		}
	}
	s.failed(StepEnd, Unknown, err)
}

// answeredOnce takes the one answer that there is to a message by SMTP.
func (s *sending) answeredOnce() {
	refusal, fatal := s.c.judge("the end of the data", 2)
	if closing := (*Error)(nil); errors.As(fatal, &closing) {
		refusal = closing
	}
	if refusal == nil && fatal != nil {
		s.failed(StepEnd, Unknown, fatal)
		return
	}
	reply := s.c.reply.value()
	s.result.Reply = reply
	for i := range s.result.Recipients {
		if r := &s.result.Recipients[i]; r.Err == nil {
			r.Step, r.Reply = StepEnd, reply
			if refusal == nil {
				r.Outcome = Accepted
			}
		}
	}
	if refusal != nil {
		s.failed(StepEnd, Refused, refusal)
		return
	}
	s.result.Outcome = Accepted
	if refused := s.worst(); refused != nil {
		s.err = &SendError{Step: StepRcpt, Outcome: Accepted, Err: refused}
	}
}

// answeredEach takes an answer for each recipient that was accepted, in their
// order (RFC 2033 section 4.2). The first has been read unless more says that
// they are all to come. Behind a 421, with which the server leaves, there may be those of
// other recipients.
func (s *sending) answeredEach(more bool) {
	c, timeout := s.c, s.c.cfg.dataTimeout()
	defer c.limit(timeout)()
	var lost error
	var leaving *Error
	for i := range s.result.Recipients {
		r := &s.result.Recipients[i]
		if r.Err != nil {
			continue
		}
		if r.Step = StepEnd; more && lost == nil {
			if lost = c.readReply(timeout); lost != nil && leaving != nil {
				lost = leaving
			}
		}
		more = true
		var refusal *Error
		switch {
		case lost != nil:
		case c.reply.code == 421:
			refusal = c.reply.refusal()
			leaving, timeout = refusal, grace
			c.spoil(refusal)
		default:
			refusal, lost = c.judge("the end of the data", 2)
		}
		switch {
		case lost != nil:
			r.Outcome, r.Err = Unknown, lost
		case refusal != nil:
			r.Reply, r.Err, r.Temporary = c.reply.value(), refusal, refusal.Temporary()
		default:
			r.Reply, r.Outcome = c.reply.value(), Accepted
		}
	}
	if leaving != nil {
		c.fail(leaving)
	}
}

// answeredAll takes the answer for the message as a whole that follows those for
// the recipients: those that accept count only if it does.
func (s *sending) answeredAll() {
	c := s.c
	var refusal *Error
	lost := c.broken.get()
	if lost == nil {
		lost = s.readReply(c.cfg.dataTimeout())
	}
	if lost == nil {
		refusal, lost = c.judge("the end of the data", 2)
		if closing := (*Error)(nil); errors.As(lost, &closing) {
			refusal = closing
		}
	}
	if lost == nil || refusal != nil {
		s.result.Reply = c.reply.value()
	}
	for i := range s.result.Recipients {
		switch r := &s.result.Recipients[i]; {
		case r.Outcome != Accepted:
		case refusal != nil:
			r.Outcome, r.Reply, r.Err, r.Temporary = Refused, s.result.Reply, refusal, refusal.Temporary()
		case lost != nil:
			r.Outcome, r.Reply, r.Err = Unknown, Reply{}, lost
		}
	}
}

// conclude draws the sum of what became of the recipients.
func (s *sending) conclude() {
	var unknown, refused error
	step := StepRcpt
	for i := range s.result.Recipients {
		r := &s.result.Recipients[i]
		switch r.Outcome {
		case Accepted:
			s.result.Outcome = Accepted
		case Unknown:
			unknown = r.Err
		}
		if r.Err != nil && r.Step == StepEnd {
			step = StepEnd
		}
	}
	refused = s.worst()
	switch {
	case unknown != nil && s.result.Outcome != Accepted:
		s.result.Outcome, refused = Unknown, unknown
	case refused == nil:
		return
	}
	s.err = &SendError{Step: step, Outcome: s.result.Outcome, Err: refused}
}

// concludeReply chooses the reply that stands for all where there is one for each.
func (s *sending) concludeReply() {
	for i := range s.result.Recipients {
		r := &s.result.Recipients[i]
		if r.Step == StepEnd && r.Reply.Code != 0 && (r.Outcome == Accepted || s.result.Outcome != Accepted) {
			s.result.Reply = r.Reply
		}
	}
}
