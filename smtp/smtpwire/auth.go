package smtpwire

import (
	"encoding/base64"

	"github.com/posthouse/posthouse/internal/ascii"
)

// maxMechanism is the length of the longest mechanism name: RFC 4422 section 3.1.
const maxMechanism = 20

// Auth is the AUTH command: RFC 4954 section 4.
//
//	auth-command = "AUTH" SP sasl-mech [SP initial-response] *(CRLF [base64]) [CRLF cancel-response] CRLF
type Auth struct {
	Mechanism  string // in upper case
	Initial    []byte // the initial response, decoded
	HasInitial bool   // tells an empty initial response, "=" on the wire, from none
}

// Parse parses what follows the verb and its blank.
func (a *Auth) Parse(args string) error {
	*a = Auth{}
	mechanism, initial := args, ""
	for i := 0; i < len(args); i++ {
		if args[i] == ' ' {
			mechanism, initial, a.HasInitial = args[:i], args[i+1:], true
			break
		}
	}
	if a.Mechanism = ascii.ToUpper(mechanism); !isMechanism(a.Mechanism) {
		return syntax(badArgument, "mechanism name expected")
	}
	if !a.HasInitial || initial == "=" {
		return nil
	}
	b, err := base64.StdEncoding.Strict().DecodeString(initial)
	if err != nil || len(b) == 0 {
		// RFC 4954 section 4: base64 that cannot be decoded is answered with 501 5.5.2.
		return syntax(badSyntax, "bad base64")
	}
	a.Initial = b
	return nil
}

// Append appends the command line with its CRLF. It holds a secret when there is an
// initial response.
func (a *Auth) Append(dst []byte) ([]byte, error) {
	if !isMechanism(a.Mechanism) {
		return dst, &UnsafeError{AUTH, "mechanism"}
	}
	dst = append(dst, "AUTH "...)
	dst = append(dst, a.Mechanism...)
	switch {
	case !a.HasInitial:
	case len(a.Initial) == 0:
		dst = append(dst, " ="...)
	default:
		dst = append(dst, ' ')
		dst = base64.StdEncoding.AppendEncode(dst, a.Initial)
	}
	return append(dst, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript: "***" stands for the initial
// response.
func (a *Auth) AppendPublic(dst []byte) []byte {
	dst = public(dst, AUTH, (&Auth{Mechanism: a.Mechanism}).Append)
	if a.HasInitial {
		dst = append(dst, " ***"...)
	}
	return dst
}

// isMechanism checks the name of a mechanism.
//
//	sasl-mech = 1*20mech-char
//	mech-char = UPPER-ALPHA / DIGIT / HYPHEN / UNDERSCORE
func isMechanism(s string) bool {
	if s == "" || len(s) > maxMechanism {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if ascii.Upper(c) != c || !is(c, classAlpha|classDigit) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
