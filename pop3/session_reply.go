package pop3

import (
	"time"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// reply is what a handler answers a command. Only the session's loop writes it,
// counts it and logs it. The zero reply is a bare -ERR.
type reply struct {
	ok   bool
	code string // response code, empty for none
	text string // fixed text, or
	made []byte // text made in session.scratch, valid until the next command

	challenge bool  // a SASL challenge, in made, instead of a status line
	body      body  // what follows the status line of a multi-line reply, nil for nothing
	next      next  // what the loop does when the reply is out
	excused   bool  // an -ERR that is not counted against Server.MaxErrors
	err       error // what the log, and the log alone, is told
	pause     pause // how long the loop waits before it writes the reply
}

type (
	// body writes the lines of a multi-line reply, final dot included. An error
	// means that the connection must be cut where it is.
	body func(*session) error

	pause = time.Duration

	next uint8
)

const (
	goOn    next = iota // with the next command
	hangUp              // close the connection
	upgrade             // negotiate TLS
)

func okay(text string) reply { return reply{ok: true, text: text} }

func refuse(text string) reply { return reply{text: text} }

// invalid is the reply to a command whose arguments cannot be read.
func invalid(err error) reply {
	if syntax, ok := err.(*pop3wire.SyntaxError); ok {
		return reply{text: syntax.Text}
	}
	return reply{text: "bad arguments", err: err}
}
