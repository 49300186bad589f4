package smtp

import (
	"context"
	"io"
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
// It has to be text in lines of at most 998 octets that end in CRLF; see
// [ClientConfig.NormalizeLineEnds], [ClientConfig.AllowLongLines] and
// [BodyBinaryMIME]. Its first 64 KiB are read before anything is sent, and a body
// that is an [io.Seeker] is looked through as a whole: then what is wrong with it
// is found beforehand, its size is declared exactly (RFC 1870), and 8BITMIME (RFC
// 6152), SMTPUTF8 (RFC 6531) and BINARYMIME (RFC 3030) are asked for only if it
// or an address needs them. Of a longer body that cannot be rewound the
// envelope's Size and Body are believed; if the envelope does not tell, 8BITMIME
// is asked for wherever it is offered, and an octet above 127 is an error where
// it is not. Whether it needs SMTPUTF8, its first 64 KiB decide.
//
// A body declared [BodyBinaryMIME] that is text all the same goes as text, unless
// only its last CRLF is missing and the server offers BINARYMIME: then it goes as
// it is.
//
// What the envelope asks for and the server does not offer is an
// [*ExtensionError], before anything is sent. Nothing is left out in silence.
//
// Where the server offers CHUNKING, the message leaves by BDAT (RFC 3030), and
// with PIPELINING (RFC 2920) all of a small one in a single write; else by DATA. By
// LMTP the envelope is answered to before the first chunk leaves.
//
// The message is completed only when the body has been read to io.EOF without an
// error. If the body fails, panics, or cannot be sent, if ctx ends, or if the
// server answers before its time, the server has no message to deliver: the
// connection is closed, or the transaction given up. A panic of the body goes on
// to the caller. Send does not close the body.
func (c *Client) Send(ctx context.Context, env Envelope, body io.Reader) (*Result, error) {
	s := newSending(c, env)
	if err := c.acquire(ctx); err != nil {
		return s.failed(StepConnect, Refused, err)
	}
	defer c.yield()
	defer s.end()
	if s.transmit(ctx, body) {
		s.settle()
	}
	return s.result, s.err
}

// sending is one message on its way.
type sending struct {
	c      *Client
	env    Envelope
	result *Result
	err    error // what Send returns

	source    bodySource
	pipelined bool            // by Start
	units     int             // of room taken; see maxUnderWay
	serial    int64           // of the transaction; see Client.open
	reset     bool            // RSET goes first
	before    <-chan struct{} // closed when the replies may be read; nil if they may
	unbind    func()          // of the connection from the context; nil before
	cancel    context.CancelCauseFunc
	pace      *pace // nil for what leaves in one write
	watch     *watch
	chunks    *chunking // nil unless it goes by BDAT
	refused   error     // MAIL was refused, and with it everything else
	accepted  int       // recipients, so far
	sevenBit  error     // what an octet above 127 in the body means; nil if it may have some
	binary    bool      // the body is sent as it is, whatever its octets
	prdr      bool      // there may be an answer for each recipient
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
	s.result.Outcome, s.err = outcome, failure
	retry := SafeToRetry(failure)
	for i := range s.result.Recipients {
		if r := &s.result.Recipients[i]; r.Err == nil {
			r.Outcome, r.Step, r.Err, r.Temporary = outcome, step, err, retry
		}
	}
	return s.result, s.err
}

// transmit sends the whole message, and reports whether it is for settle to wait
// for the answer; else the result is there. The caller holds the turn.
func (s *sending) transmit(ctx context.Context, body io.Reader) (pending bool) {
	defer s.source.release()
	if !s.offers("PIPELINING") && s.repliesDue() {
		select {
		case <-s.before:
		case <-ctx.Done():
			s.failed(StepConnect, Refused, context.Cause(ctx))
			return false
		}
	}
	group, err := s.prepare(body)
	switch {
	case err != nil:
		s.failed(StepCheck, Refused, err)
		return false
	case ctx.Err() != nil: // and the connection is none the worse
		s.failed(StepCheck, Refused, context.Cause(ctx))
		return false
	}
	if s.pipelined {
		if err := s.makeRoom(ctx); err != nil {
			s.failed(StepConnect, Refused, err)
			return false
		}
	}
	if !s.repliesDue() {
		if err := s.c.checkIdle(); err != nil {
			s.failed(StepMail, Refused, err)
			return false
		}
	}
	s.serial = s.c.serial.Add(1)
	s.c.open.Store(s.serial)
	if s.isSmall() {
		s.unbind = s.c.conn.Bind(ctx)
	} else {
		ctx = s.bind(ctx)
	}
	if s.chunks != nil {
		return s.transmitChunks(ctx, group)
	}
	return s.transmitData(ctx, group)
}

// bind ties the connection to a context that s.cancel can end.
func (s *sending) bind(ctx context.Context) context.Context {
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.unbind = s.c.conn.Bind(ctx)
	return ctx
}

// isSmall reports whether the body leaves in one write, so that there is nothing
// to watch meanwhile.
func (s *sending) isSmall() bool {
	most := int64(smallBody)
	switch {
	case s.chunks != nil && s.c.conn.Socket():
		most = headSize
	case s.chunks != nil:
		most = window
	}
	return s.source.facts.known && s.source.facts.size <= most
}

// settle waits for the answer to a message whose end was sent, and takes it.
func (s *sending) settle() {
	switch {
	case s.chunks != nil:
		s.settleChunks()
	default:
		s.settleData()
	}
	s.checkSurplus()
}

// await waits until the replies to what was sent before have been read.
func (s *sending) await() {
	if s.before != nil {
		<-s.before
		s.before = nil
	}
}

// repliesDue reports whether there are replies to come to what was sent before. If
// not, all that the server says is too much.
func (s *sending) repliesDue() bool {
	if s.before == nil {
		return false
	}
	select {
	case <-s.before:
		s.before = nil
		return false
	default:
		return true
	}
}

// end lets go of what the sending held.
func (s *sending) end() {
	s.await()
	s.c.rest()
	if s.unbind != nil {
		s.unbind()
	}
	if s.pace != nil {
		s.pace.stop()
	}
	if s.cancel != nil {
		s.cancel(nil)
	}
}
