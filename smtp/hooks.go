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
// Where each recipient can be told a result of its own, which tx.PerRecipient says,
// [Transaction.SetResult] gives it; what ServeSMTP returns is for all others.
//
// A handler that sends the message on, and returns what that says, sets
// [ClientConfig.RequireAllRecipients]: else the refusal of one recipient would be told of
// all, while others have the message, and would have it again when it comes again.
//
// A message may be refused before it was read: the error goes to the peer, and the rest
// of the message is thrown away.
//
// ctx is cancelled by [Server.Close], and when ServeSMTP takes longer than
// [Server.HandlerTimeout] between two reads of the body, or after its end: the cause is
// [context.DeadlineExceeded] then. tx.Body and ctx are valid until ServeSMTP returns; tx
// and its envelope may be kept. ServeSMTP is called by many goroutines at once.
type Handler interface {
	ServeSMTP(ctx context.Context, tx *Transaction) error
}

// HandlerFunc is a function that is a [Handler].
type HandlerFunc func(ctx context.Context, tx *Transaction) error

// ServeSMTP calls f.
func (f HandlerFunc) ServeSMTP(ctx context.Context, tx *Transaction) error { return f(ctx, tx) }

// Hooks decide before a message arrives. A nil hook allows. An error refuses: an
// [*Error], as [Reject] and [Defer] make it, goes to the peer as it is, any other error
// as 451 with a fixed text. A code of 421 ends the session. Hooks are called by many
// goroutines at once, those of one session one after the other. What is learned in one
// hook is handed on in [Transaction.Value], or, beyond a transaction, in a value of the
// context that [Server.ConnContext] made.
//
// ctx is valid until the hook returns. It is cancelled by [Server.Close], and with the
// cause [context.DeadlineExceeded] when the hook takes longer than [Server.HookTimeout].
// A hook that does not heed it holds its session up, and nothing else.
type Hooks struct {
	// Connect is called before the greeting; an error is sent in its place. Behind
	// a permanent one the peer may only QUIT: RFC 5321 section 3.1.
	Connect func(ctx context.Context, cs auth.ConnectionState) error

	// Hello is called with the name of HELO, EHLO or LHLO in cs.Hello.
	Hello func(ctx context.Context, cs auth.ConnectionState) error

	// Mail is called when tx.Envelope has its sender and no recipient yet.
	Mail func(ctx context.Context, tx *Transaction) error

	// Recipient is called for each recipient that the server would accept, before it
	// is added to tx.Envelope.
	Recipient func(ctx context.Context, tx *Transaction, to Recipient) error

	// Data is called when the message is about to be sent, by DATA or the first BDAT,
	// and tx.Envelope is complete.
	Data func(ctx context.Context, tx *Transaction) error

	// Verify answers VRFY: whom a text means. One mailbox is told as the answer, several
	// as those among which the peer has to choose, and none means that it is not told
	// whether there is any. Nil: that is never told.
	Verify func(ctx context.Context, cs auth.ConnectionState, text string) ([]Mailbox, error)

	// Expand answers EXPN: the members of a list. None: there is no such list. Nil: EXPN
	// is not offered.
	Expand func(ctx context.Context, cs auth.ConnectionState, list string) ([]Mailbox, error)

	// Help answers HELP with a text of one or more lines, "" when there is none on the
	// topic, which is "" for help in general. Nil: a hint at RFC 5321.
	Help func(ctx context.Context, cs auth.ConnectionState, topic string) string

	// StartQueue answers ETRN: delivery of what waits for a host begins. Refusals are
	// 458 and 459, and 551 to 554: RFC 1985 section 5.1. Nil: ETRN is not offered.
	StartQueue func(ctx context.Context, cs auth.ConnectionState, name QueueName) error
}

// Reject returns a permanent refusal by policy: 550 5.7.1 with this text.
func Reject(text string) *Error {
	return &Error{Code: 550, Enhanced: EnhancedCode{5, 7, 1}, Text: text}
}

// Defer returns a temporary refusal by policy, as for greylisting: 451 4.7.1 with this
// text.
func Defer(text string) *Error {
	return &Error{Code: 451, Enhanced: EnhancedCode{4, 7, 1}, Text: text}
}
