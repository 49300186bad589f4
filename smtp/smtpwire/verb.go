package smtpwire

import (
	"bytes"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Verb is the first word of a command line. The zero value is Unknown.
type Verb uint8

// The verbs of RFC 5321, and those of the extensions that are understood here.
const (
	Unknown Verb = iota
	HELO
	EHLO
	MAIL
	RCPT
	DATA
	RSET
	NOOP
	QUIT
	VRFY
	EXPN
	HELP
	STARTTLS
	AUTH
	LHLO
	BDAT
	ETRN
	XCLIENT

	// NumVerbs is the number of verbs with Unknown: the length of a table by verb.
	NumVerbs = iota
)

var verbNames = [NumVerbs]string{
	Unknown:  "unknown",
	HELO:     "HELO",
	EHLO:     "EHLO",
	MAIL:     "MAIL",
	RCPT:     "RCPT",
	DATA:     "DATA",
	RSET:     "RSET",
	NOOP:     "NOOP",
	QUIT:     "QUIT",
	VRFY:     "VRFY",
	EXPN:     "EXPN",
	HELP:     "HELP",
	STARTTLS: "STARTTLS",
	AUTH:     "AUTH",
	LHLO:     "LHLO",
	BDAT:     "BDAT",
	ETRN:     "ETRN",
	XCLIENT:  "XCLIENT",
}

// String returns the verb in upper case.
func (v Verb) String() string {
	if v >= NumVerbs {
		v = Unknown
	}
	return verbNames[v]
}

// Append appends the command line of a verb without arguments, with its CRLF.
// Unknown is refused.
func (v Verb) Append(dst []byte) ([]byte, error) {
	if v == Unknown || v >= NumVerbs {
		return dst, &UnsafeError{Unknown, "verb"}
	}
	dst = append(dst, verbNames[v]...)
	return append(dst, '\r', '\n'), nil
}

// AppendPublic appends the verb for a transcript.
func (v Verb) AppendPublic(dst []byte) []byte { return append(dst, v.String()...) }

// SplitVerb splits a command line, which comes without its CRLF. args is a view
// of line without the blank behind the verb and without blanks at the end, which
// RFC 5321 section 4.1.1 asks receivers to tolerate. Letters may be of either case:
// RFC 5321 section 2.4. A first word that is no verb known here gives Unknown.
func SplitVerb(line []byte) (v Verb, args []byte) {
	line = bytes.TrimRight(line, " \t")
	word := line
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		word, args = line[:i], line[i+1:]
	}
	var folded [len("STARTTLS")]byte
	if len(word) > len(folded) {
		return Unknown, args
	}
	for i, c := range word {
		folded[i] = ascii.Upper(c)
	}
	switch string(folded[:len(word)]) {
	case "HELO":
		v = HELO
	case "EHLO":
		v = EHLO
	case "MAIL":
		v = MAIL
	case "RCPT":
		v = RCPT
	case "DATA":
		v = DATA
	case "RSET":
		v = RSET
	case "NOOP":
		v = NOOP
	case "QUIT":
		v = QUIT
	case "VRFY":
		v = VRFY
	case "EXPN":
		v = EXPN
	case "HELP":
		v = HELP
	case "STARTTLS":
		v = STARTTLS
	case "AUTH":
		v = AUTH
	case "LHLO":
		v = LHLO
	case "BDAT":
		v = BDAT
	case "ETRN":
		v = ETRN
	case "XCLIENT":
		v = XCLIENT
	}
	return v, args
}
