package smtp

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/auth"
)

// Transaction is one mail transaction: from MAIL to the end of the data. All hooks and
// the handler get the same pointer. It is not used again for another transaction.
type Transaction struct {
	// ID names the transaction in the log, in the reply that accepts the message, and
	// in the Received field. It is unique within the process.
	ID string

	// Conn is the connection as it was when MAIL came.
	Conn auth.ConnectionState

	// PeerName is the domain that the peer's address belongs to, for the Received field,
	// if a trusted proxy told it, or a hook or the handler has looked it up. The server
	// looks nothing up.
	PeerName string

	// Envelope has what the server has accepted so far.
	Envelope Envelope

	// Body is the message as it was sent, byte for byte, without the dots that were
	// stuffed into it. It implements [io.WriterTo]. Reading returns io.EOF at the
	// genuine end of the message and nowhere else. Other errors are a [*FramingError],
	// [ErrTooLarge], [ErrTooManyHops], one that says that the peer gave the message up,
	// and those of the connection. It is nil in hooks, and cannot be read once the
	// handler has returned.
	//
	// Its lines end in CRLF, with no CR, LF or NUL elsewhere, unless Envelope.Body is
	// [BodyBinaryMIME]. It came by BDAT if it does not end in CRLF.
	Body io.Reader

	// PerRecipient says that the peer wants to know what became of the message for each
	// recipient, which [Transaction.SetResult] says: it speaks LMTP, or asked for PRDR.
	PerRecipient bool

	// Value is for the hooks and the handler to pass on what they learned.
	Value any

	accepted [1]string // the text of the reply that accepts the message
	hostname string
	extended bool // the session began with EHLO
	began    time.Time
	taken    int // RCPT commands accepted so far, whatever the program does with Envelope.To
	refused  int // and refused
	body     body
	results  results
	to       [1]Recipient // backs Envelope.To: most messages have one recipient
}

// errBodyClosed is what reading a body returns when its handler has returned.
var errBodyClosed = errors.New("smtp: body read after the handler returned")

// errInterrupted is how a body ends whose handler could not write what it was given.
var errInterrupted = errors.New("smtp: body not read to its end")

// source is what a message is read from: a DotReader, or an LFReader over one.
type source interface {
	io.Reader
	io.WriterTo
}

// body is a message on its way in. It holds a message to its size, and keeps the error
// it ended with.
//
// A goroutine that its handler has left behind may be reading from it. While it does so the
// session waits, and then it gets nothing more: two that read from one connection would
// take what follows the message for it, or the other way round.
type body struct {
	mu   sync.Mutex // for all below but whole
	src  source     // nil when the handler has returned
	left int64      // octets that the limit still allows
	most int        // Received fields that are allowed; negative: any number
	hops hops
	err  error // sticky; io.EOF at the genuine end
	sink io.Writer

	clock *patience     // stands still while the peer is waited for; nil as src
	span  time.Duration // for the handler from one read to the next
	whole atomic.Bool   // the genuine end was read
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left+1] // one more than allowed, to tell the end from too much
	}
	b.pause()
	n, err := b.src.Read(p)
	b.resume()
	if int64(n) > b.left {
		n, err = int(b.left), ErrTooLarge
	}
	if b.hops.pass(p[:n]); exceeds(b.hops.count, b.most) {
		err = ErrTooManyHops
	}
	b.left -= int64(n)
	b.end(err)
	return n, err
}

// pause and resume keep the time of the handler.
func (b *body) pause() {
	if b.clock != nil {
		b.clock.pause()
	}
}

func (b *body) resume() {
	if b.clock != nil {
		b.clock.resume(b.span)
	}
}

// end keeps the error that the body ended with.
func (b *body) end(err error) {
	b.err = err
	if err == io.EOF {
		b.whole.Store(true)
	}
}

// WriteTo implements [io.WriterTo].
func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.writeTo(w)
}

func (b *body) writeTo(w io.Writer) (n int64, err error) {
	if b.err == nil {
		b.sink = w
		b.pause()
		n, err = b.src.WriteTo((*bodySink)(b))
		b.resume()
		b.sink = nil
		if err == nil {
			b.end(io.EOF)
		} else if b.err == nil {
			b.err = err
		}
		return n, err
	}
	if b.err == io.EOF {
		return 0, nil
	}
	return 0, b.err
}

// bodySink is where a body writes itself to: body.sink, up to the limit.
type bodySink body

func (s *bodySink) Write(p []byte) (n int, err error) {
	over := int64(len(p)) > s.left
	if over {
		p = p[:s.left]
	}
	(*body)(s).resume()
	n, err = s.sink.Write(p)
	(*body)(s).pause()
	s.left -= int64(len(p))
	s.hops.pass(p)
	switch {
	case err != nil:
		s.err = errInterrupted
	case n < len(p):
		s.err, err = errInterrupted, io.ErrShortWrite
	case over:
		s.err, err = ErrTooLarge, ErrTooLarge
	case exceeds(s.hops.count, s.most):
		s.err, err = ErrTooManyHops, ErrTooManyHops
	}
	return n, err
}

// close reads what the handler left, and ends reading. It returns nil when the genuine end
// was found and nothing was wrong before it, and whether the handler had refused before
// that. A refusal need not wait for chunks that were not announced yet.
func (b *body) close(refused bool, complete func() bool) (early bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = nil
	early = refused && b.err == nil
	if b.err == nil && (!early || complete()) {
		_, _ = b.writeTo(io.Discard) // the error stays in b
	}
	if err = b.err; err == io.EOF {
		err = nil
	}
	b.src, b.err = nil, errBodyClosed // who keeps the transaction does not keep the session
	return early, err
}
