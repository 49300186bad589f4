package auth

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest name and the longest password, in octets: as much as
// RFC 4616 section 2 demands that a server accepts.
const maxText = 255

// claim is what a client shows by a mechanism that shows the password.
type claim struct {
	name     string // the authorization identity asked for; empty if none is
	user     string
	password string
}

// flaw says what keeps the claim from being one in the sense of RFC 4616
// section 2, which serves for the other mechanisms too; nothing if it is one.
func (c claim) flaw() string {
	for _, text := range [...]string{c.name, c.user, c.password} {
		switch {
		case len(text) > maxText:
			return "name or password longer than 255 octets"
		case !utf8.ValidString(text):
			return "name or password not UTF-8"
		case strings.IndexByte(text, 0) >= 0:
			return "NUL in name or password"
		}
	}
	if c.user == "" || c.password == "" {
		return "empty name or password"
	}
	return ""
}
