package pop3wire

import "unicode/utf8"

// User is the USER command of RFC 1939 section 7.
type User struct{ Name string }

// Parse reads the name: one argument of printable characters, which may be UTF-8.
func (c *User) Parse(args []byte) error {
	if !userName(args) {
		return errUser
	}
	c.Name = string(args)
	return nil
}

// Append appends the command line. A name that is not ASCII is only for a server
// whose capability UTF8 says USER (RFC 6856 section 2.2).
func (c User) Append(dst []byte) ([]byte, error) {
	if !userName(c.Name) {
		return dst, errUser
	}
	return finish(c.AppendPublic(dst), len(dst))
}

// AppendPublic appends the command with the name.
func (c User) AppendPublic(dst []byte) []byte {
	dst = append(dst, "USER "...)
	return append(dst, c.Name...)
}

// userName reports whether text can be the name in USER and APOP: printable
// characters of UTF-8 (RFC 6856 section 2.2), without blanks.
func userName[T string | []byte](text T) bool {
	ascii := true
	for i := range len(text) {
		if text[i] <= ' ' || text[i] == 0x7F {
			return false
		}
		ascii = ascii && text[i] < 0x80
	}
	return len(text) > 0 && (ascii || utf8.ValidString(string(text)))
}
