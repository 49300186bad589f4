package pop3

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

var (
	// ErrBroken is wrapped, beside its cause, by what a [Client] returns once
	// its connection has been given up: after a reply that made no sense, a
	// timeout, a loss, a context that ended, or Close. What was marked for
	// deletion is not deleted then.
	ErrBroken = errors.New("pop3: connection given up")

	// ErrNoTLS says that TLS is required, and that the server does not offer
	// it. Nothing but CAPA and STLS was sent.
	ErrNoTLS = errors.New("pop3: server offers no TLS")

	// ErrFetching is the answer to a command given while a Fetch is going on:
	// the server owes the replies to other commands first. The connection
	// is none the worse for it.
	ErrFetching = errors.New("pop3: a Fetch is going on")
)

// errTooLong is what a body ends in that goes on beyond MaxMessage.
var errTooLong error = &ProtocolError{Command: "RETR", Reason: "message longer than MaxMessage"}

var (
	errUnread     = errors.New("pop3: more was left unread than MaxDrain")
	errClosed     = fmt.Errorf("pop3: %w", net.ErrClosed)
	errBodyClosed = errors.New("pop3: read from a closed body")
)

// Temporary reports whether the server said by its response code that the same
// may succeed later: [CodeInUse], [CodeLoginDelay] and [CodeSysTemp]. Without a
// response code nobody knows, and it returns false.
func (e *Error) Temporary() bool {
	s := pop3wire.Status{Code: e.Code}
	return s.Is(CodeInUse) || s.Is(CodeLoginDelay) || s.Is(CodeSysTemp)
}

// Is reports whether e is what target stands for, so that errors.Is tells the
// refusals apart by their response codes, in any case and whatever further
// detail the code has (RFC 2449 section 8):
//
//   - [ErrInUse] for IN-USE,
//   - [auth.ErrCredentials] for AUTH,
//   - an *Error without Text for its Code: &Error{Code: CodeSysTemp}, or
//     &Error{Code: "SYS"} for both of that kind.
func (e *Error) Is(target error) bool {
	s := pop3wire.Status{Code: e.Code}
	switch target {
	case ErrInUse:
		return s.Is(CodeInUse)
	case auth.ErrCredentials:
		return s.Is(CodeAuth)
	}
	t, ok := target.(*Error)
	return ok && t.Text == "" && s.Is(t.Code)
}

// ProtocolError says that the server sent what is no reply to the command, or
// sent without being asked. The connection is given up, since nobody can tell
// where the next reply begins.
type ProtocolError struct {
	Command string // the verb that was to be answered, or "greeting"
	Reason  string // what is wrong
	Line    string // the line at fault, if there is one: shortened, unprintable octets escaped
	Err     error  // what found it, if it was not the client: a mechanism of AUTH
}

func (e *ProtocolError) Error() string {
	switch {
	case e.Err != nil:
		return "pop3: " + e.Command + ": " + e.Reason + ": " + e.Err.Error()
	case e.Line == "":
		return "pop3: " + e.Command + ": " + e.Reason
	}
	return fmt.Sprintf("pop3: %s: %s: \"%s\"", e.Command, e.Reason, e.Line)
}

// Unwrap returns Err.
func (e *ProtocolError) Unwrap() error { return e.Err }

// UnknownError says that QUIT was sent and that its reply did not come, or made
// no sense: the server may have deleted the marked messages or not. The next
// session shows, by the unique-ids (RFC 1939 section 6).
type UnknownError struct {
	Err error // what came instead of the reply
}

func (e *UnknownError) Error() string {
	return "pop3: QUIT was not answered, the deletions are unknown: " + e.Err.Error()
}

// Unwrap returns Err.
func (e *UnknownError) Unwrap() error { return e.Err }

// PipelineError says that the connection was lost, or made no sense any more,
// while the server owed the replies to several commands. The network may be at
// fault; or the server offers PIPELINING and cannot do it, and answers too few
// commands, too many, or in another order. Then a connection with
// ClientConfig.Window 1 works.
type PipelineError struct {
	Owed int   // replies that the server owed, of commands that were sent together
	Err  error // what happened
}

func (e *PipelineError) Error() string {
	return fmt.Sprintf("pop3: with %d replies owed: %s", e.Owed, strings.TrimPrefix(e.Err.Error(), "pop3: "))
}

// Unwrap returns Err.
func (e *PipelineError) Unwrap() error { return e.Err }

// MessageError is a refusal among those that [Client.Dele] joins.
type MessageError struct {
	Num int    // message number
	Err *Error // what the server said
}

func (e *MessageError) Error() string {
	return "pop3: message " + strconv.Itoa(e.Num) + ": " + strings.TrimPrefix(e.Err.Error(), "pop3: ")
}

// Unwrap returns Err.
func (e *MessageError) Unwrap() error { return e.Err }

// badLine is a ProtocolError about one line of the server.
func badLine(command string, err error, line []byte) error {
	reason := err.Error()
	if syntax, ok := err.(*pop3wire.SyntaxError); ok {
		reason = syntax.Text
	}
	const shown = 80
	if len(line) > shown {
		line = line[:shown]
	}
	return &ProtocolError{Command: command, Reason: reason, Line: printable(string(line))}
}

// readError puts what a connection says into the words of this package.
func readError(command string, err error) error {
	var framing *textwire.FramingError
	switch {
	case errors.As(err, &framing):
		return &ProtocolError{Command: command, Reason: strings.TrimPrefix(framing.Error(), "textwire: ")}
	case errors.Is(err, textwire.ErrLineTooLong):
		return &ProtocolError{Command: command, Reason: "line too long"}
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("pop3: %s: %w", command, err)
}

// printable makes a server's text fit to be shown: what is not printable, or
// not UTF-8, is escaped. A terminal must not obey what a server says.
func printable(text string) string {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7F {
			quoted := strconv.Quote(text)
			quoted = strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
			return quoted
		}
	}
	return text
}
