package pop3wire

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Lang is the LANG command of RFC 6856 section 3.
type Lang struct {
	// Range is a basic language range, such as "de" or "en-GB"; "*" for the
	// language that the server prefers; empty to ask for a list.
	Range string
}

// Parse reads the optional language range.
func (c *Lang) Parse(args []byte) error {
	if args != nil && !languageRange(args) {
		return errLang
	}
	c.Range = string(args)
	return nil
}

// Append appends the command line.
func (c Lang) Append(dst []byte) ([]byte, error) {
	if c.Range != "" && !languageRange(c.Range) {
		return dst, errLang
	}
	return finish(c.AppendPublic(dst), len(dst))
}

// AppendPublic appends the command.
func (c Lang) AppendPublic(dst []byte) []byte {
	dst = append(dst, "LANG"...)
	if c.Range == "" {
		return dst
	}
	return append(append(dst, ' '), c.Range...)
}

// ValidLanguage reports whether tag has the form of a language tag:
//
//	1*8ALPHA *("-" 1*8alphanum)
func ValidLanguage(tag string) bool { return tag != "*" && languageRange(tag) }

// languageRange checks the basic language range of RFC 4647 section 2.1.
func languageRange[T string | []byte](text T) bool {
	if string(text) == "*" {
		return true
	}
	subtag, letters := 0, true
	for i := range len(text) {
		c := ascii.Upper(text[i])
		switch {
		case c == '-':
			if subtag == 0 {
				return false
			}
			subtag, letters = 0, false
			continue
		case 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9' && !letters:
		default:
			return false
		}
		if subtag++; subtag > 8 {
			return false
		}
	}
	return subtag > 0
}

// Language is one line of the reply to LANG without an argument, a "language
// listing" of RFC 6856 section 3.2.
type Language struct {
	Tag  string // such as "de"
	Name string // of the language in itself, such as "Deutsch"; UTF-8; may be empty
}

// ParseLanguage reads a line without its CRLF.
func ParseLanguage(line []byte) (Language, error) {
	tag, name, _ := bytes.Cut(line, []byte{' '})
	l := Language{string(tag), string(name)}
	if !ValidLanguage(l.Tag) || !plainText(l.Name) {
		return Language{}, errLanguage
	}
	return l, nil
}

// Append appends the line with its CRLF, or returns dst as it was and an error
// when it cannot be a line of at most MaxStatus octets.
func (l Language) Append(dst []byte) ([]byte, error) {
	if !ValidLanguage(l.Tag) || !plainText(l.Name) || len(l.Tag)+len(l.Name)+3 > MaxStatus {
		return dst, errLanguage
	}
	dst = append(dst, l.Tag...)
	if l.Name != "" {
		dst = append(append(dst, ' '), l.Name...)
	}
	return append(dst, '\r', '\n'), nil
}

// plainText reports whether text is UTF-8 without control characters.
func plainText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
