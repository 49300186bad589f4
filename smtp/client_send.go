package smtp

import (
	"context"
	"io"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Send sends one message: the envelope's sender and recipients, then the body.
// The error is nil if every recipient was accepted, and a [*SendError]
// otherwise. The result is never nil: it tells about each recipient, also when
// the error is not nil.
//
// By default the message goes to those recipients that the server accepts; see
// [ClientConfig.RequireAllRecipients].
//
// The body is sent byte by byte, with a CRLF after the last line if it has none.
// It has to be text in lines that end in CRLF; see
// [ClientConfig.NormalizeLineEnds]. A body that is an [io.Seeker] is looked
// through first: then what is wrong with it is found before anything is sent,
// its size is declared exactly (RFC 1870), and 8BITMIME (RFC 6152) is asked for
// only if it is needed. Of any other body the envelope's Size and Body are
// believed; if the envelope does not tell, 8BITMIME is asked for wherever it is
// offered, and an octet above 127 is an error where it is not.
//
// The end of the data is sent only when the body has been read to io.EOF without
// an error. If the body fails, panics, or cannot be sent, if ctx ends, or if the
// server answers before its time, the connection is closed at once, so that the
// server has no message to deliver. A panic of the body goes on to the caller.
// Send does not close the body.
func (c *Client) Send(ctx context.Context, env Envelope, body io.Reader) (*Result, error) {
	s := newSending(c, env)
	if err := c.acquire(ctx); err != nil {
		return s.failed(StepConnect, Refused, err)
	}
	defer c.yield()
	group, err := s.prepare(body)
	switch {
	case err != nil:
		return s.failed(StepCheck, Refused, err)
	case ctx.Err() != nil: // and the connection is none the worse
		return s.failed(StepCheck, Refused, context.Cause(ctx))
	}
	var cancel context.CancelCauseFunc
	if !s.small {
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
	}
	defer c.conn.Bind(ctx)()
	if step, err := s.open(group); err != nil {
		return s.failed(step, Refused, err)
	}
	if c.conn.Reader().Buffered() > 0 {
		// What answers to the data was said before there was any.
		return s.answeredEarly(c.readReply(c.cfg.timeout()), nil)
	}
	if s.small {
		return s.sendSmall(ctx, body)
	}
	return s.sendLarge(ctx, cancel, body)
}

// sending is one message on its way.
type sending struct {
	c        *Client
	env      Envelope
	result   *Result
	refused  error // MAIL was refused, and with it everything else
	accepted int   // recipients, so far
	sevenBit error // what an octet above 127 in the body means; nil if it may have some
	small    bool  // the body is known to be
}

func newSending(c *Client, env Envelope) *sending {
	s := &sending{c: c, env: env, result: &Result{Recipients: make([]RecipientResult, len(env.To))}}
	for i, to := range env.To {
		s.result.Recipients[i].Recipient = to
	}
	return s
}

// failed settles what became of the recipients that have no word of their own,
// and returns what Send does.
func (s *sending) failed(step Step, outcome Outcome, err error) (*Result, error) {
	failure := &SendError{Step: step, Outcome: outcome, Err: err}
	s.result.Outcome = outcome
	retry := SafeToRetry(failure)
	for i := range s.result.Recipients {
		if r := &s.result.Recipients[i]; r.Err == nil {
			r.Outcome, r.Err, r.Temporary = outcome, err, retry
		}
	}
	return s.result, failure
}

// prepare checks everything there is to check before a word is said, and returns
// the group of commands that begins the transaction: RSET if one was left
// behind, MAIL, and RCPT for each recipient.
func (s *sending) prepare(body io.Reader) ([]byte, error) {
	if len(s.env.To) == 0 {
		return nil, errNoRecipients
	}
	if body == nil {
		return nil, errNoBody
	}
	facts, err := inspect(body, s.c.cfg.NormalizeLineEnds)
	if err != nil {
		return nil, err
	}
	s.small = facts.known && facts.size <= smallBody
	mail := smtpwire.Mail{From: s.env.From, Size: -1}
	if mail.Size, err = s.declareSize(facts); err != nil {
		return nil, err
	}
	if mail.Body, err = s.declareBody(facts); err != nil {
		return nil, err
	}
	group := s.c.scratch[:0]
	if s.c.needReset {
		group = append(group, "RSET\r\n"...)
	}
	if group, err = mail.Append(group); err != nil {
		return nil, err
	}
	for i := range s.env.To {
		rcpt := smtpwire.Rcpt{To: s.env.To[i].Address}
		if group, err = rcpt.Append(group); err != nil {
			return nil, err
		}
	}
	if cap(group) <= maxIdleBuffer {
		s.c.scratch = group
	}
	return group, nil
}

// declareSize returns the value of the SIZE parameter, -1 for none, and refuses
// what the server has said it will not take (RFC 1870 section 6).
func (s *sending) declareSize(facts bodyFacts) (int64, error) {
	size := s.env.Size
	if facts.known {
		size = facts.size
	}
	limit, offered := s.c.extensions.Size()
	switch {
	case !offered || size <= 0 && !facts.known:
		return -1, nil
	case limit > 0 && size > limit:
		return 0, &SizeError{Size: size, Max: limit}
	}
	return size, nil
}

// declareBody returns the value of the BODY parameter, and decides what octets
// the body may have (RFC 6152).
func (s *sending) declareBody(facts bodyFacts) (Body, error) {
	_, offered := s.c.extensions["8BITMIME"]
	has8Bit := facts.known && facts.eightBit >= 0
	switch s.env.Body {
	case Body7Bit:
		if has8Bit {
			return 0, ErrNot7Bit
		}
		s.sevenBit = ErrNot7Bit
		if offered {
			return Body7Bit, nil
		}
		return BodyUnspecified, nil
	case Body8BitMIME:
		if offered {
			return Body8BitMIME, nil
		}
		has8Bit = has8Bit || !facts.known
	case BodyUnspecified:
		if offered && (has8Bit || !facts.known) {
			return Body8BitMIME, nil
		}
	default:
		return s.env.Body, nil // for Append to refuse
	}
	// What is left goes without the extension, and so without octets above 127.
	if s.sevenBit = (&ExtensionError{Keyword: "8BITMIME"}); has8Bit {
		return 0, s.sevenBit
	}
	return BodyUnspecified, nil
}
