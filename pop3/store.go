package pop3

import (
	"context"
	"errors"
	"io"

	"github.com/posthouse/posthouse/auth"
)

// ErrInUse is what [Store.Open] returns when another session holds the
// maildrop. The client reads -ERR [IN-USE] and may try again in the same
// session (RFC 2449 section 8.1.2).
var ErrInUse = errors.New("pop3: maildrop is in use")

// Info is what a maildrop says of one message. It is fixed for the session.
type Info struct {
	// UID is the unique-id listing of RFC 1939 section 7: 1 to 70 octets of
	// 0x21 to 0x7E, unlike that of any other message of the maildrop, the
	// same in every session, and never given to another message again.
	UID string

	// Size counts the octets that Maildrop.Message delivers: every line end
	// as CRLF, no dot stuffed (RFC 1939 section 11).
	Size int64

	// UTF8 says that the header has characters beyond ASCII (RFC 6532 section 3):
	// the message is kept from a client that has not said UTF8, which reads
	// -ERR with [CodeUTF8]. RFC 6856 section 2.1 leaves the choice between that
	// and a surrogate in ASCII; a surrogate would be another message by the same
	// unique-id, of another size and with signatures that fail, and whoever
	// deletes what it has fetched would lose the original.
	UTF8 bool
}

// Store opens maildrops. Its methods are called by many sessions at once.
//
// What Open, List, Message or Commit returns as an [*Error] goes to the
// client as it is. Any other error makes the client read -ERR with [CodeSysTemp]
// and a fixed text; its own text goes to the log alone.
//
// The contexts that they are given end with a cause: [context.DeadlineExceeded] when
// Server.Timeout has passed, [ErrServerClosed] after Server.Close, and another one when
// the session has taken too long.
type Store interface {
	// Open gives the authenticated client its maildrop, and holds it for the
	// session as far as is needed that no message changes or vanishes. It
	// returns ErrInUse when another session has it. ctx ends when Open should
	// give up; it does not outlive the call.
	Open(ctx context.Context, id *auth.Identity) (Maildrop, error)
}

// Yielder is a [Maildrop] that can be taken from a session whose client is silent.
// Its methods are called one at a time, and not while another one of the Maildrop
// runs; Yield is called by a goroutine of its own.
type Yielder interface {
	Maildrop

	// Yield lets Store.Open give the maildrop to another session from now on. It
	// must not block. Close may follow without Resume.
	Yield()

	// Resume takes the maildrop back, as it was. It returns ErrInUse when
	// another session has it, or has had it since: the session then ends
	// without Commit.
	Resume(ctx context.Context) error
}

// Maildrop is one user's messages as they were when the session began: a
// snapshot, and one atomic commit. The server owns all the rest: numbers,
// deletion marks, RSET, TOP, stuffing and totals. Its methods are called one at
// a time, though not all by the same goroutine.
type Maildrop interface {
	// List returns the messages in the order of their numbers, oldest first.
	// It is called once, right after Open. The server keeps the slice and
	// does not alter it.
	List(ctx context.Context) ([]Info, error)

	// Message opens the message that List described so. The reader delivers
	// exactly m.Size octets in lines that end in CRLF; a message stored
	// without a final line end is given one, and m.Size counts it. When the
	// reader fails or delivers another count, the server cuts the
	// connection, so that no client takes a part for the whole. The reader
	// is closed before the next call. ctx ends when Message should give up;
	// if it has not, it lasts until the reader is closed.
	//
	// A reader that is an io.WriterTo saves a copy, and if the Writer it is
	// given has a method WriteLF(p []byte) (octets int64, err error), it may
	// pass text with LF for line ends to that.
	Message(ctx context.Context, m Info) (io.ReadCloser, error)

	// Commit removes the marked messages, in the order of their numbers, and
	// returns when that is durable: the client's +OK to QUIT stands for it.
	// It is called once, for QUIT only, also with nothing to remove; a
	// session that ends in any other way does not call it (RFC 1939 section
	// 6). After an error some or none of the marked messages may be gone,
	// and never another one.
	Commit(ctx context.Context, deleted []Info) error

	// Close releases the maildrop. It is called exactly once, before the
	// client reads the answer to QUIT.
	Close() error
}
