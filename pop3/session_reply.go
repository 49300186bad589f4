package pop3

import (
	"time"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// reply is what a handler answers a command. Only the session's loop writes it,
// counts it and logs it. The zero reply is a bare -ERR.
type reply struct {
	ok        bool
	challenge bool   // a SASL challenge, in made, instead of a status line
	data      bool   // the text is for programs, and is not translated
	excused   bool   // an -ERR that is not counted against Server.MaxErrors
	next      next   // what the loop does when the reply is out
	code      string // response code, empty for none
	text      string // fixed text, or
	made      []byte // text made in session.scratch, valid until the next command

	body  body          // what follows the status line of a multi-line reply, nil for nothing
	pause time.Duration // how long the loop waits before it writes the reply
	err   error         // what the log, and the log alone, is told
}

// body writes the lines of a multi-line reply, final dot included. An error means
// that the connection must be cut where it is.
type body func(*session) error

type next uint8

const (
	goOn    next = iota // with the next command
	hangUp              // close the connection
	upgrade             // negotiate TLS
)

// absent refuses a command that is not offered here. Clients of good will may try
// it, so that it is not counted as junk.
func absent(text string) reply { return reply{text: text, excused: true} }

func okay(text string) reply { return reply{ok: true, text: text} }

func refuse(text string) reply { return reply{text: text} }

// invalid is the reply to a command whose arguments cannot be read. err is what
// the command's Parse returned, which is a SyntaxError always.
func invalid(err error) reply { return refuse(err.(*pop3wire.SyntaxError).Text) }
