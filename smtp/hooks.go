package smtp

import (
	"context"

	"github.com/posthouse/posthouse/auth"
)

// Handler takes the messages that a [Server] receives.
//
// ServeSMTP is called when the peer has been told to send its message. It reads the
// message from tx.Body and returns nil when it has taken responsibility for it, as
// RFC 5321 section 6.1 describes it. The peer is told so only when the body, what the
// handler left unread included, came to its genuine end without an error. A handler
// therefore makes a message final only after Body returned [io.EOF].
//
// An [*Error] goes to the peer as it is; any other error becomes 451 with a fixed text.
// A panic is logged, answered with 421, and ends the session.
//
// ctx is cancelled by [Server.Close]. tx.Body is valid until ServeSMTP returns; tx and
// its envelope may be kept. ServeSMTP is called by many goroutines at once.
type Handler interface {
	ServeSMTP(ctx context.Context, tx *Transaction) error
}

// HandlerFunc is a function that is a [Handler].
type HandlerFunc func(ctx context.Context, tx *Transaction) error

// ServeSMTP calls f.
func (f HandlerFunc) ServeSMTP(ctx context.Context, tx *Transaction) error { return f(ctx, tx) }

// Hooks decide before a message arrives. A nil hook allows. An error refuses: an
// [*Error] goes to the peer as it is, any other error as 451 with a fixed text. A
// code of 421 ends the session. Hooks are called by many goroutines at once, those
// of one session one after the other.
type Hooks struct {
	// Connect is called before the greeting; an error is sent in its place. Behind
	// a permanent one the peer may only QUIT: RFC 5321 section 3.1.
	Connect func(ctx context.Context, cs auth.ConnectionState) error

	// Hello is called with the name of HELO or EHLO in cs.Hello.
	Hello func(ctx context.Context, cs auth.ConnectionState) error

	// Mail is called when tx.Envelope has its sender and no recipient yet.
	Mail func(ctx context.Context, tx *Transaction) error

	// Recipient is called for each recipient that the server would accept, before it
	// is added to tx.Envelope.
	Recipient func(ctx context.Context, tx *Transaction, to Recipient) error
}
