package pop3wire

import (
	"bytes"
	"encoding/base64"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Auth is the AUTH command of RFC 5034 section 4.
type Auth struct {
	Mechanism string // 1 to 20 letters, digits, "-" and "_"

	// Initial is the initial response as it stands in the line: base64, or
	// "=" for a response of no octets. Empty for no initial response.
	Initial []byte
}

// Parse reads the mechanism and the initial response, which it does not decode.
func (c *Auth) Parse(args []byte) error {
	mechanism, initial, found := bytes.Cut(args, []byte{' '})
	if !mechanismName(mechanism) {
		return errMechanism
	}
	if found && !visible(initial) {
		return errInitial
	}
	c.Mechanism, c.Initial = string(mechanism), initial
	return nil
}

// Append appends the command line. ErrTooLong means that the initial response
// has to wait for the server's empty challenge.
func (c Auth) Append(dst []byte) ([]byte, error) {
	if !mechanismName(c.Mechanism) {
		return dst, errMechanism
	}
	from := len(dst)
	out := append(append(dst, "AUTH "...), c.Mechanism...)
	if len(c.Initial) > 0 {
		if !visible(c.Initial) {
			return dst, errInitial
		}
		out = append(append(out, ' '), c.Initial...)
	}
	return finish(out, from)
}

// AppendPublic appends the mechanism, with stars for an initial response.
func (c Auth) AppendPublic(dst []byte) []byte {
	dst = append(append(dst, "AUTH "...), c.Mechanism...)
	if len(c.Initial) > 0 {
		dst = append(dst, " ****"...)
	}
	return dst
}

// mechanismName checks the sasl-mech of RFC 4422 section 3.1, whose letters the
// client may send in any case (RFC 5034 section 5).
func mechanismName[T string | []byte](name T) bool {
	for i := range len(name) {
		c := ascii.Upper(name[i])
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return 1 <= len(name) && len(name) <= 20
}

// AppendChallenge appends a server's challenge, "+ " and its base64, with CRLF.
// One of no octets is "+ " alone (RFC 5034 section 4).
func AppendChallenge(dst, challenge []byte) []byte {
	dst = append(dst, '+', ' ')
	dst = base64.StdEncoding.AppendEncode(dst, challenge)
	return append(dst, '\r', '\n')
}

// ParseChallenge returns the base64 of a server's challenge, as it stands in the
// line. ok is false when the line is no challenge.
//
// QUIRK: RFC 5034 section 4 has a blank follow the plus, also for an empty
// challenge. We take "+" alone, because there are servers that trim lines.
func ParseChallenge(line []byte) (encoded []byte, ok bool) {
	if string(line) == "+" {
		return line[1:], true
	}
	return bytes.CutPrefix(line, []byte("+ "))
}
