package pop3wire

import (
	"errors"
	"math"
)

// ErrTooLong means that a command would not fit into MaxCommand octets. An AUTH
// command is then sent without its initial response (RFC 5034 section 4).
var ErrTooLong = errors.New("pop3wire: command line too long")

// SyntaxError says what is wrong with a line. Its Text is short, fixed ASCII
// that holds nothing of the line, so that a peer and a log may have it. Every
// error of a command's Parse method is a *SyntaxError.
type SyntaxError struct{ Text string }

// Error returns the text with the package's name.
func (e *SyntaxError) Error() string { return "pop3wire: " + e.Text }

// The syntax errors, made once: refusing a command allocates nothing.
var (
	errArgument   = &SyntaxError{"command takes no argument"}
	errNoNumber   = &SyntaxError{"message number required"}
	errNumber     = &SyntaxError{"bad message number"}
	errLines      = &SyntaxError{"bad number of lines"}
	errTop        = &SyntaxError{"message number and number of lines required"}
	errUser       = &SyntaxError{"bad user name"}
	errApop       = &SyntaxError{"user name and digest required"}
	errLang       = &SyntaxError{"bad language range"}
	errLanguage   = &SyntaxError{"bad language listing"}
	errPass       = &SyntaxError{"bad password"}
	errMechanism  = &SyntaxError{"bad mechanism name"}
	errInitial    = &SyntaxError{"bad initial response"}
	errStatus     = &SyntaxError{"bad status line"}
	errStat       = &SyntaxError{"bad drop listing"}
	errList       = &SyntaxError{"bad scan listing"}
	errUID        = &SyntaxError{"bad unique-id listing"}
	errCapability = &SyntaxError{"bad capability"}
	errVerb       = &SyntaxError{"verb takes arguments"}
)

// Command is one command line, whatever its verb.
type Command interface {
	// Append appends the line with its CRLF, or returns dst as it was and an
	// error: a *SyntaxError when an argument cannot be carried, or ErrTooLong.
	Append(dst []byte) ([]byte, error)

	// AppendPublic appends what a transcript may show of the line, without
	// CRLF: never a password or a SASL response.
	AppendPublic(dst []byte) []byte
}

// visible reports whether text is 1*VCHAR, the param of RFC 2449 section 3.
func visible[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7F {
			return false
		}
	}
	return len(text) > 0
}

// parseNumber reads digits and nothing else; ok is false for none, for any
// other octet and for a number beyond limit.
func parseNumber(text []byte, limit int64) (n int64, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (limit-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}

// parseMessage reads a message number, which is 1 or more.
func parseMessage(text []byte) (int, error) {
	n, ok := parseNumber(text, math.MaxInt)
	if !ok || n == 0 {
		return 0, errNumber
	}
	return int(n), nil
}

// finish ends the command that begins at dst[from:] with CRLF and checks its
// length.
func finish(dst []byte, from int) ([]byte, error) {
	if len(dst)-from+2 > MaxCommand {
		return dst[:from], ErrTooLong
	}
	return append(dst, '\r', '\n'), nil
}
