package smtp

import (
	"errors"
	"strings"

	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// EnhancedCode is an enhanced status code of RFC 3463, e.g. {5, 7, 1}.
type EnhancedCode = smtpwire.EnhancedCode

// Error is a reply that refuses: of a server to its peer, or as a client met it.
//
// An *Error that a [Handler] or a hook returns, wrapped or not, goes to the peer as it is.
// Any other error becomes "451 4.3.0" with a fixed text, and its own text goes to the log
// alone. So does an *Error that a [Client] of the program's own met before or beside the
// sending of a message: a next server that refuses the program's credentials says nothing
// about the peer and its mail.
type Error struct {
	Code     int          // 400 to 599; 421 ends the session
	Enhanced EnhancedCode // zero: the class of Code, then 0.0
	Text     string       // short, ASCII; a line feed begins another line of the reply
}

// Error returns the reply as one line of printable text.
func (e *Error) Error() string {
	r := strings.TrimRight(string(e.reply().Append(nil)), "\r\n")
	return "smtp: " + strings.ReplaceAll(r, "\r\n", "; ")
}

// Temporary reports whether the same command may succeed later.
func (e *Error) Temporary() bool { return e.Code/100 == 4 }

// reply returns the error as a server sends it. A code that is no refusal would
// accept what its maker wanted refused, so it is sent as a temporary failure.
func (e *Error) reply() smtpwire.Reply {
	r := smtpwire.Reply{Code: e.Code, Enhanced: e.Enhanced, Lines: []string{e.Text}}
	if r.Code < 400 || r.Code > 599 {
		r.Code, r.Enhanced = 451, EnhancedCode{4, 3, 0}
	}
	if class := uint16(r.Code / 100); r.Enhanced[0] != class {
		r.Enhanced = EnhancedCode{class, 0, 0}
	}
	return r
}

// FramingError reports a bare CR, a bare LF or a NUL in a message: RFC 5321 section
// 2.3.8. The octets before it were read; nothing behind it ever is. Its fields are Octet, a
// byte that is '\r', '\n' or 0, and Offset, an int64: how many octets of the message stand
// before it, stuffed dots not counted.
type FramingError = textwire.FramingError

// ErrTooLarge is what reading a body beyond [Server.MaxMessageBytes] returns.
var ErrTooLarge = errors.New("smtp: message larger than the limit")
