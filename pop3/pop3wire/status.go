package pop3wire

import (
	"bytes"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Status is the first line of a reply.
type Status struct {
	OK   bool
	Code string // response code without its brackets, such as "SYS/TEMP"; RFC 2449 section 8
	Text string // the rest; what a server sent may hold any octet but CR, LF and NUL
}

// ParseStatus reads a status line without its CRLF.
//
//	single-line = status [SP text] CRLF
//	text        = *schar / resp-code *CHAR
//	resp-code   = "[" resp-level *("/" resp-level) "]"
//
// Text in brackets that is not a response code, as with a blank inside, stays
// in Text.
func ParseStatus(line []byte) (Status, error) {
	var s Status
	rest, ok := bytes.CutPrefix(line, []byte("+OK"))
	if ok {
		s.OK = true
	} else if rest, ok = bytes.CutPrefix(line, []byte("-ERR")); !ok {
		return Status{}, errStatus
	}
	if len(rest) > 0 {
		if rest[0] != ' ' {
			return Status{}, errStatus
		}
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == '[' {
		if end := bytes.IndexByte(rest, ']'); end > 0 && validCode(rest[1:end]) {
			s.Code = string(rest[1:end])
			rest = bytes.TrimPrefix(rest[end+1:], []byte{' '})
		}
	}
	s.Text = string(rest)
	return s, nil
}

// Append appends the line with its CRLF. The line is always a legal one: see
// [AppendStatus].
func (s Status) Append(dst []byte) []byte { return AppendStatus(dst, s.OK, s.Code, s.Text) }

// Is reports whether the response code is code or a finer one below it, in any
// case: "SYS/TEMP" is "SYS" (RFC 2449 section 8).
func (s Status) Is(code string) bool {
	n := len(code)
	return n > 0 && len(s.Code) >= n && ascii.EqualFold(s.Code[:n], code) && (len(s.Code) == n || s.Code[n] == '/')
}

// AppendStatus appends a status line with its CRLF, whatever it is given: an
// octet outside printable ASCII becomes "?", what goes beyond MaxStatus octets
// is cut off, a code that is not one is left out, and a text that would pass
// for a response code loses its bracket (RFC 2449 section 6.4).
func AppendStatus[T string | []byte](dst []byte, ok bool, code string, text T) []byte {
	return appendStatus(dst, ok, code, text, 0x7E)
}

// AppendStatusUTF8 is [AppendStatus] for a text that may be UTF-8, as it is after
// LANG (RFC 6856 section 3.2). What is not UTF-8 becomes "?".
func AppendStatusUTF8[T string | []byte](dst []byte, ok bool, code string, text T) []byte {
	if !utf8.ValidString(string(text)) {
		return AppendStatus(dst, ok, code, text)
	}
	return appendStatus(dst, ok, code, text, 0xFF)
}

// appendStatus takes octets up to highest.
func appendStatus[T string | []byte](dst []byte, ok bool, code string, text T, highest byte) []byte {
	from := len(dst)
	if ok {
		dst = append(dst, "+OK"...)
	} else {
		dst = append(dst, "-ERR"...)
	}
	coded := len(code) <= 64 && validCode(code)
	if coded {
		dst = append(dst, ' ', '[')
		dst = append(dst, code...)
		dst = append(dst, ']')
	}
	if len(text) > 0 {
		dst = append(dst, ' ')
	}
	if room := MaxStatus - 2 - (len(dst) - from); len(text) > room {
		for highest == 0xFF && !utf8.RuneStart(text[room]) {
			room-- // not within a character
		}
		text = text[:room]
	}
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == 0x7F || c > highest {
			c = '?'
		}
		if i == 0 && c == '[' && !coded {
			c = '('
		}
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

// validCode checks a response code without its brackets.
//
//	resp-level = 1*rchar
//	rchar      = %x21-2E / %x30-5C / %x5E-7F ; printable ASCII, excluding "/" and "]"
func validCode[T string | []byte](code T) bool {
	level := 0
	for i := range len(code) {
		switch c := code[i]; {
		case c == '/':
			if level == 0 {
				return false
			}
			level = 0
			continue
		case c <= ' ' || c >= 0x7F || c == ']':
			return false
		}
		level++
	}
	return level > 0
}
