package report

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/message"
)

// Typed is a value with a word in front that says of what kind it is: an address,
// the name of a server, or a diagnostic code (RFC 3464 section 2.1.2).
//
//	generic-address = *text ; address-type ";" generic-address
type Typed struct {
	Type  string // in lower case: "rfc822", "utf-8", "dns", "smtp"; "" if there is none
	Value string
}

// parseTyped reads a typed value.
func parseTyped(s string) Typed {
	kind, value, ok := cutType(s)
	if kind = keyword(kind); !ok || kind == "" {
		return Typed{Value: strings.TrimSpace(s)}
	}
	value = strings.TrimSpace(value)
	if kind == "utf-8" {
		value = decodeUTF8Address(value)
	}
	return Typed{kind, value}
}

// cutType cuts s at its first semicolon that is in no comment.
func cutType(s string) (kind, value string, ok bool) {
	for i, c := range outsideComments(s) {
		if c == ';' {
			return s[:i], s[i+1:], true
		}
	}
	return strings.Cut(s, ";") // a parenthesis that is not closed is no comment
}

// parseAddress is parseTyped for an address, which many put in angle brackets.
func parseAddress(s string) Typed {
	t := parseTyped(s)
	if n := len(t.Value); n > 1 && t.Value[0] == '<' && t.Value[n-1] == '>' {
		t.Value = t.Value[1 : n-1]
	}
	return t
}

// decodeUTF8Address undoes the escapes of an address of type utf-8 (RFC 6533 section 3).
//
//	EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"
func decodeUTF8Address(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		digits, _, closed := strings.Cut(rest[:min(len(rest), 8)], "}")
		n, err := strconv.ParseUint(digits, 16, 32)
		if !closed || err != nil || !utf8.ValidRune(rune(n)) || n < ' ' || n == 0x7F {
			b.WriteString(`\x{`)
			s = rest
			continue
		}
		b.WriteRune(rune(n))
		s = rest[len(digits)+1:]
	}
}

// keyword returns the first word of s in lower case, without comments.
func keyword(s string) string {
	s = strings.TrimSpace(withoutComments(s))
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		s = s[:i]
	}
	return ascii.ToLower(s)
}

// withoutComments cuts comments out of s. One that is not closed goes to its end.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, c := range outsideComments(s) {
		b = append(b, c)
	}
	return string(b)
}

// outsideComments gives the octets of s that are in no comment, and where they stand. A
// comment that is not closed goes to the end (RFC 5322 section 3.2.2).
func outsideComments(s string) iter.Seq2[int, byte] {
	return func(yield func(int, byte) bool) {
		depth := 0
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '(':
				depth++
			case c == ')' && depth > 0:
				depth--
			case c == '\\' && depth > 0:
				i++
			case depth == 0:
				if !yield(i, c) {
					return
				}
			}
		}
	}
}

// values returns what all fields of that name say.
func values(h message.Header, name string) (list []string) {
	for f := range h.Values(name) {
		if v := f.Value(); v != "" {
			list = append(list, v)
		}
	}
	return list
}
