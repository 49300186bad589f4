package smtp

import (
	"bytes"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// window is the number of octets that a group of commands may have to be
// written before the first reply is read. The network takes so much without the
// server's help (RFC 2920 section 3.1).
const window = 4 << 10

// Commands are counted from the first recipient, which is number 0. The number
// after the last recipient is that of DATA.
const (
	numberReset = -2
	numberMail  = -1
)

// first is the number of the first command of the transaction.
func (s *sending) first() int {
	if s.reset {
		return numberReset
	}
	return numberMail
}

// open brings the transaction to where the server waits for the data. If it does
// not get there, the error is a reply that refuses all, or has broken the
// connection. The group is what prepare made.
func (s *sending) open(group []byte) (Step, error) {
	// Once DATA is on its way, a message to some of the recipients can only be
	// prevented by cutting the connection.
	withData := s.offers("PIPELINING") && !s.c.cfg.RequireAllRecipients
	if withData {
		group = append(group, "DATA\r\n"...)
	}
	if step, err := s.openEnvelope(group, withData); err != nil {
		return step, err
	}
	return s.verdict(withData)
}

// openEnvelope sends a group of commands, in one write if the server allows, and
// reads all the replies. What they refuse is noted; the error has broken the
// connection.
func (s *sending) openEnvelope(group []byte, withData bool) (Step, error) {
	c := s.c
	if !s.offers("PIPELINING") {
		s.await()
		return s.openStepwise(group)
	}
	wait, err := s.writeGroup(group)
	if err != nil {
		return StepMail, err
	}
	defer func() {
		if err := wait(); err != nil {
			c.fail(err)
		}
	}()
	s.await()
	if step, err := s.readEnvelope(); err != nil || !withData {
		return step, err
	}
	if err := c.readReply(c.cfg.timeout()); err != nil {
		return s.lost(len(s.env.To), err)
	}
	return "", nil
}

// readEnvelope reads the replies to the commands before the data, which are told
// apart by counting and nothing else (RFC 2920 section 3.1).
func (s *sending) readEnvelope() (Step, error) {
	defer s.c.limit(s.c.cfg.timeout())()
	for i := s.first(); i < len(s.env.To); i++ {
		if err := s.readReply(s.c.cfg.timeout()); err != nil {
			return s.lost(i, err)
		}
		if err := s.take(i); err != nil {
			return s.lost(i, err)
		}
	}
	return "", nil
}

// writeGroup sends command lines in one write, and returns how to wait for that.
// A group that the network may not hold is written while the replies are read:
// a server that waits for us to read them does not read in the meantime. Then
// the error of writing breaks nothing yet, for the replies may tell more.
func (s *sending) writeGroup(group []byte) (wait func() error, err error) {
	c := s.c
	if len(group) > window {
		s.await()
	}
	c.traceLines(group)
	c.conn.SetWriteTimeout(c.cfg.timeout())
	if len(group) > window {
		done := make(chan error, 1)
		go func() { done <- c.flush(group) }()
		return func() error { return <-done }, nil
	}
	if err := c.flush(group); err != nil {
		s.await()
		return nil, c.explain(err)
	}
	return func() error { return nil }, nil
}

// openStepwise sends one command at a time to a server that does not know
// PIPELINING, and stops at what makes the rest useless.
func (s *sending) openStepwise(group []byte) (Step, error) {
	defer s.c.limit(s.c.cfg.timeout())()
	i := s.first()
	for line := range bytes.SplitAfterSeq(group, crlf) {
		if i == len(s.env.To) || s.refused != nil {
			break
		}
		if err := s.c.roundTrip(line); err != nil {
			return s.lost(i, err)
		}
		if err := s.take(i); err != nil {
			return s.lost(i, err)
		}
		i++
	}
	return "", nil
}

// take takes the reply to the command of a number before DATA. The error has
// broken the connection.
func (s *sending) take(number int) error {
	refusal, fatal := s.c.judge(string(s.stepOf(number)), 2)
	switch {
	case fatal != nil:
		return fatal
	case number == numberReset && refusal != nil:
		// Nobody knows what a server still has that refuses to forget, as none may (RFC
		// 5321 section 4.1.1.5). It says nothing of the message that was to come.
		return s.c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d to RSET", refusal.Code)})
	case number == numberMail && refusal != nil:
		s.refused = refusal
		if s.chunks == nil { // RFC 3030 section 2: after a BDAT out of place nobody knows
			s.closed()
		}
	case number < 0:
	case refusal == nil:
		s.accepted++
	case s.refused != nil: // the answer is to MAIL, whatever it says
	default:
		r := &s.result.Recipients[number]
		r.Step, r.Reply, r.Err = StepRcpt, s.c.reply.value(), refusal
		r.Temporary = refusal.Temporary() || s.accepted > 0 && tooMany(refusal)
	}
	return nil
}

// tooMany reports whether a reply to RCPT, behind accepted recipients, says that
// there are too many of them, and that with the code that RFC 821 gave to it. A
// full mailbox has the same code and an enhanced one of its own.
func tooMany(e *Error) bool {
	return e.Code == 552 && (e.Enhanced == EnhancedCode{} || e.Enhanced == EnhancedCode{5, 5, 3})
}

// stepOf names the command of a number.
func (s *sending) stepOf(number int) Step {
	switch {
	case number < 0:
		return StepMail
	case number < len(s.env.To):
		return StepRcpt
	}
	return StepData
}

// lost tells what it was that the connection was lost over at the command of
// a number. A server that refuses MAIL and hangs up has given its reason.
func (s *sending) lost(number int, err error) (Step, error) {
	if s.refused != nil {
		return StepMail, s.refused
	}
	return s.stepOf(number), err
}

// verdict judges the replies to MAIL and RCPT, and the one to DATA, which it
// asks for first unless it came with the others.
func (s *sending) verdict(withData bool) (Step, error) {
	c := s.c
	step, refusal := s.refusal()
	if !withData {
		if refusal != nil {
			return step, refusal
		}
		if err := c.roundTrip([]byte("DATA\r\n")); err != nil {
			return StepData, err
		}
	}
	dataRefusal, fatal := c.judge("DATA", 3)
	switch {
	case fatal == nil && dataRefusal == nil && c.reply.code != 354:
		// RFC 5321 section 3.3: nothing but 354 allows to send the data.
		fatal = c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d to DATA", c.reply.code)})
	case fatal == nil && dataRefusal == nil && s.accepted > 0 && refusal != nil:
		// MAIL was refused, and recipients were not: to somebody a dot would deliver.
		c.fail(errNoSender)
	case fatal == nil && dataRefusal == nil && refusal != nil && c.cfg.Protocol == auth.LMTP:
		// There is an answer for each recipient, and there are none.
		c.fail(&ProtocolError{Reason: "data without recipients"})
	case fatal == nil && dataRefusal == nil && refusal != nil:
		s.sendNothing()
	}
	switch {
	case refusal != nil:
		return step, refusal
	case dataRefusal != nil:
		return StepData, dataRefusal
	}
	return StepData, fatal
}

// refusal returns what of the replies to MAIL and RCPT forbids to go on.
func (s *sending) refusal() (Step, error) {
	switch {
	case s.refused != nil:
		return StepMail, s.refused
	case s.accepted == 0, s.accepted < len(s.env.To) && s.c.cfg.RequireAllRecipients:
		worst := s.worst()
		for i := range s.result.Recipients {
			if r := &s.result.Recipients[i]; r.Err == nil {
				r.Step, r.Err, r.Temporary = StepRcpt, errOthersRefused, true
			}
		}
		return StepRcpt, worst
	}
	return "", nil
}

// worst returns the refusal of one recipient, one for good if there is any.
func (s *sending) worst() error {
	var worst error
	for i := range s.result.Recipients {
		switch r := &s.result.Recipients[i]; {
		case r.Err == nil:
		case !r.Temporary:
			return r.Err
		case worst == nil:
			worst = r.Err
		}
	}
	return worst
}

// sendNothing ends the data of a transaction without recipients that the server
// began all the same: by a single dot, which delivers nothing to anybody (RFC
// 2920 section 3.1, RFC 2920 section 3.2).
func (s *sending) sendNothing() {
	c := s.c
	if c.write([]byte(".\r\n")) == nil && c.readReply(c.cfg.dataTimeout()) == nil {
		_ = c.expect("the end of the data", 2) // a 421 breaks the connection
		s.closed()
	}
}

// closed notes that the server does not hold the transaction any more.
func (s *sending) closed() { s.c.open.CompareAndSwap(s.serial, 0) }

// errNoSender is why a connection is broken whose server accepts recipients and a
// message after it has refused the sender.
var errNoSender = &ProtocolError{Reason: "recipients accepted, and data, without a sender"}
