package pop3wire

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Apop is the APOP command of RFC 1939 section 7.
type Apop struct {
	Name   string   // as in USER
	Digest [16]byte // MD5 of the greeting's timestamp and the shared secret
}

// Parse reads the name and the digest, which is 32 hexadecimal digits in lower
// case (RFC 1939 section 7).
func (c *Apop) Parse(args []byte) error {
	name, digits, found := bytes.Cut(args, []byte{' '})
	if !found || !userName(name) {
		return errApop
	}
	if len(digits) != hex.EncodedLen(md5.Size) || bytes.ContainsFunc(digits, isUpper) {
		return errApop
	}
	if _, err := hex.Decode(c.Digest[:], digits); err != nil {
		return errApop
	}
	c.Name = string(name)
	return nil
}

// Append appends the command line.
func (c Apop) Append(dst []byte) ([]byte, error) {
	if !userName(c.Name) {
		return dst, errUser
	}
	from := len(dst)
	out := append(append(dst, "APOP "...), c.Name...)
	return finish(hex.AppendEncode(append(out, ' '), c.Digest[:]), from)
}

// AppendPublic appends the command with stars for the digest: whoever has that and
// the timestamp can try passwords in peace.
func (c Apop) AppendPublic(dst []byte) []byte {
	dst = append(append(dst, "APOP "...), c.Name...)
	return append(dst, " ****"...)
}

// ApopDigest returns the digest for a timestamp, its angle brackets included, and
// a secret.
func ApopDigest(timestamp, secret string) [16]byte {
	return md5.Sum([]byte(timestamp + secret))
}

// Timestamp returns the timestamp in the text of a greeting, with its angle
// brackets: the first one that is [ValidTimestamp].
func Timestamp(greeting []byte) (timestamp []byte, ok bool) {
	for {
		begin := bytes.IndexByte(greeting, '<')
		if begin < 0 {
			return nil, false
		}
		greeting = greeting[begin:]
		end := bytes.IndexByte(greeting, '>')
		if end < 0 {
			return nil, false
		}
		if ValidTimestamp(greeting[:end+1]) {
			return greeting[:end+1], true
		}
		greeting = greeting[1:]
	}
}

// ValidTimestamp reports whether text is a msg-id without quotes and comments:
//
//	"<" dot-atom-text "@" dot-atom-text ">"
//
// A timestamp of any other form could be the choice of somebody who is after the
// secret: MD5 collides in octets that no msg-id has (CVE-2007-1558).
func ValidTimestamp[T string | []byte](text T) bool {
	if len(text) < len("<a@b>") || len(text) > MaxStatus || text[0] != '<' || text[len(text)-1] != '>' {
		return false
	}
	ats, last := 0, byte('.') // as if a dot came before
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.' || c == '@' || c == '>':
			if last == '.' || last == '@' {
				return false
			}
			if c == '@' {
				ats++
			}
		case !atomText(c):
			return false
		}
		last = text[i]
	}
	return ats == 1
}

// atomText is the atext of RFC 5322 section 3.2.3.
func atomText(c byte) bool {
	switch u := ascii.Upper(c); {
	case 'A' <= u && u <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c > ' ' && bytes.IndexByte([]byte("!#$%&'*+-/=?^_`{|}~"), c) >= 0
}

func isUpper(r rune) bool { return 'A' <= r && r <= 'Z' }
