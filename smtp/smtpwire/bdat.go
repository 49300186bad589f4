package smtpwire

import (
	"strconv"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Bdat is the BDAT command: RFC 3030 section 2. Size octets follow its line.
//
//	bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CRLF
//	chunk-size = 1*DIGIT
//	end-marker = "LAST"
type Bdat struct {
	Size int64 // octets
	Last bool
}

// Parse parses what follows the verb and its blank. Behind a command that does not
// parse nobody knows how many octets follow, so that nothing more can be read.
func (b *Bdat) Parse(args string) error {
	*b = Bdat{}
	n := 0
	for n < len(args) && is(args[n], classDigit) {
		n++
	}
	// strconv.ParseInt reports a number that is too large; it never wraps around.
	size, err := strconv.ParseInt(args[:n], 10, 64)
	last, ok := ascii.CutPrefixFold(args[n:], " LAST")
	if err != nil || last != "" {
		return syntax(badArgument, "BDAT size [LAST] expected")
	}
	b.Size, b.Last = size, ok
	return nil
}

// Append appends the command line with its CRLF. The caller sends the octets.
func (b *Bdat) Append(dst []byte) ([]byte, error) {
	if b.Size < 0 {
		return dst, &UnsafeError{BDAT, "size"}
	}
	dst = append(dst, "BDAT "...)
	dst = appendInt(dst, b.Size)
	if b.Last {
		dst = append(dst, " LAST"...)
	}
	return append(dst, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (b *Bdat) AppendPublic(dst []byte) []byte { return public(dst, BDAT, b.Append) }
