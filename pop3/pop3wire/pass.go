package pop3wire

import "unicode/utf8"

// Pass is the PASS command of RFC 1939 section 7.
type Pass struct{ Password string }

// Parse reads the password: all that follows the blank, blanks included, which
// RFC 1939 section 7 allows since there is one argument only.
func (c *Pass) Parse(args []byte) error {
	if !password(args) {
		return errPass
	}
	c.Password = string(args)
	return nil
}

// Append appends the command line.
func (c Pass) Append(dst []byte) ([]byte, error) {
	if !password([]byte(c.Password)) {
		return dst, errPass
	}
	from := len(dst)
	dst = append(dst, "PASS "...)
	return finish(append(dst, c.Password...), from)
}

// AppendPublic appends the verb alone, with stars for the password.
func (Pass) AppendPublic(dst []byte) []byte { return append(dst, "PASS ****"...) }

// password reports whether PASS can carry the text.
//
// RFC 6856 section 2.2 lets it be UTF-8, and refuses what is neither that nor
// ASCII.
func password(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c == 0x7F {
			return false
		}
	}
	return len(text) > 0 && utf8.Valid(text)
}
