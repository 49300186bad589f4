package message

import (
	"bytes"
	"strings"
)

// The character classes of RFC 5322 and RFC 2045, one bit each.
const (
	classAtom    = 1 << iota // atext, RFC 5322 section 3.2.3, and 8-bit octets, RFC 6532 section 3.2
	classToken               // token, RFC 2045 section 5.1
	classWSP                 // SP and HTAB
	classFold                // CR and LF
	className                // ftext, RFC 5322 section 3.6.8
	classControl             // control characters, and what begins one, or an end of a line, in UTF-8
	classEightBit
	classAddress // of a dot-atom in ASCII, but for "?": that may be of an encoded word
)

var classes = func() (t [256]uint8) {
	for c := range t {
		if c < ' ' || c == 0x7F {
			t[c] = classControl
		}
		switch {
		case c == ' ' || c == '\t':
			t[c] |= classWSP
		case c == '\r' || c == '\n':
			t[c] |= classFold
		case c >= 0x80:
			t[c] = classAtom | classEightBit
			if c == 0xC2 || c == 0xE2 {
				t[c] |= classControl
			}
		case c > ' ' && c < 0x7F:
			if strings.IndexByte(`()<>[]:;@\,."`, byte(c)) < 0 {
				t[c] |= classAtom
				if c != '?' {
					t[c] |= classAddress
				}
			}
			if strings.IndexByte(`()<>@,;:\"/[]?=`, byte(c)) < 0 {
				t[c] |= classToken
			}
			if c != ':' {
				t[c] |= className
			}
			if c == '.' {
				t[c] |= classAddress
			}
		}
	}
	return t
}()

func isAtom(c byte) bool  { return classes[c]&classAtom != 0 }
func isToken(c byte) bool { return classes[c]&classToken != 0 }
func isWSP(c byte) bool   { return classes[c]&classWSP != 0 }
func isFWS(c byte) bool   { return classes[c]&(classWSP|classFold) != 0 }

// trimFWS cuts blanks and line ends from both ends.
func trimFWS[T string | []byte](s T) T {
	for len(s) > 0 && isFWS(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isFWS(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// unfold makes a field's body one line: the line ends go, the blanks behind
// them stay (RFC 5322 section 2.2.3), and those at both ends go.
func unfold(raw []byte) string {
	raw = trimFWS(raw)
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return string(raw)
	}
	var b strings.Builder
	b.Grow(len(raw))
	for len(raw) > 0 {
		line := raw[:lineLen(raw)]
		raw = raw[len(line):]
		line = trimEOL(line)
		for cr := bytes.IndexByte(line, '\r'); cr >= 0; cr = bytes.IndexByte(line, '\r') {
			b.Write(line[:cr])
			line = line[cr+1:]
		}
		b.Write(line)
	}
	return b.String()
}

// skipFWS returns the index of the first octet of b at or after i that is no blank.
func skipFWS(b []byte, i int) int {
	for i < len(b) && isFWS(b[i]) {
		i++
	}
	return i
}

// skipCFWS returns the index of the first octet of s at or after i that is
// neither a blank nor in a comment. A comment that is not closed ends with s.
//
//	CFWS    = (1*([FWS] comment) [FWS]) / FWS
//	comment = "(" *([FWS] ccontent) [FWS] ")"
func skipCFWS(s string, i int) int {
	for i < len(s) {
		switch {
		case isFWS(s[i]):
			i++
		case s[i] == '(':
			i, _ = skipComment(s, i)
		default:
			return i
		}
	}
	return i
}

// skipComment returns the index behind the comment that s[i] opens, and
// whether it is closed. Comments nest; a count suffices to follow them.
func skipComment(s string, i int) (end int, closed bool) {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(s), false
}

// skipQuoted returns the index behind the quoted string that s[i] opens, and
// whether it is closed.
//
//	quoted-string = [CFWS] DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS]
func skipQuoted(s string, i int) (end int, closed bool) {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return len(s), false
}

// unquote returns what the quoted string s means, given without its quotes.
func unquote(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}
