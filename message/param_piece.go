package message

import (
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// piece is one parameter as it is written.
type piece struct {
	name     string // in lower case, without the marks
	value    string // without quotes
	section  int    // of RFC 2231 section 3; -1 if there is none
	extended bool   // of RFC 2231 section 4
}

// readPieces appends all pieces, and reports whether all was as it should be.
func readPieces(pieces []piece, s string) ([]piece, bool) {
	r := pieceReader{s: s}
	for p, ok := r.next(); ok; p, ok = r.next() {
		pieces = append(pieces, p)
	}
	return pieces, !r.bad && commentsClosed(s)
}

// commentsClosed reports whether no comment in s goes to its end without being closed.
func commentsClosed(s string) bool {
	closed := true
	for i := 0; i < len(s) && closed; {
		switch s[i] {
		case '"':
			i, closed = skipQuoted(s, i)
		case '(':
			i, closed = skipComment(s, i)
		default:
			i++
		}
	}
	return closed
}

// pieceReader takes parameters apart.
type pieceReader struct {
	s     string
	i     int
	count int  // of pieces so far
	bad   bool // something was not as it should be
}

// next returns the next piece, if there is one.
//
//	parameter := attribute "=" value
//	value     := token / quoted-string
func (r *pieceReader) next() (p piece, ok bool) {
	s := r.s
	for r.i = skipCFWS(s, r.i); r.i < len(s); r.i = skipCFWS(s, r.i) {
		if s[r.i] == ';' {
			r.i++
			continue
		}
		if r.count == maxParams {
			r.bad, r.i = true, len(s)
			return p, false
		}
		end := r.i
		for end < len(s) && isToken(s[end]) {
			end++
		}
		eq := skipCFWS(s, end)
		if end == r.i || eq == len(s) || s[eq] != '=' {
			r.bad = true
			r.i = skipTo(s, min(max(eq, r.i+1), len(s)), ';')
			continue
		}
		p.section = -1
		p.setName(s[r.i:end])
		var good bool
		p.value, r.i, good = readValue(s, eq+1)
		r.bad = r.bad || !good
		r.count++
		return p, true
	}
	return p, false
}

// setName takes the marks of RFC 2231 off a name: "*" and a number for a piece of
// a value, "*" at the end for a value with a charset.
func (p *piece) setName(s string) {
	p.name = ascii.ToLower(s)
	base, marks, found := strings.Cut(p.name, "*")
	if !found || base == "" {
		return
	}
	section, extended := strings.CutSuffix(marks, "*")
	switch n, ok := sectionNumber(section); {
	case marks == "":
		p.name, p.extended = base, true
	case ok:
		p.name, p.section, p.extended = base, n, extended
	}
}

// sectionNumber reads the number of a piece; none that counts has more than three digits.
func sectionNumber(s string) (n int, ok bool) {
	n, end := digitsAt(s, 0)
	return n, 0 < end && end == len(s) && end <= 3
}

// readValue reads the value at s[i] and returns the index behind it. A value that
// ought to be quoted and is not goes as far as the next ";", unless another
// parameter begins before.
func readValue(s string, i int) (value string, end int, ok bool) {
	i = skipCFWS(s, i)
	if i < len(s) && s[i] == '"' {
		end, closed := skipQuoted(s, i)
		if !closed {
			return unquote(s[i+1:]), len(s), false
		}
		next := skipCFWS(s, end)
		ok = next == len(s) || s[next] == ';'
		return unquote(s[i+1 : end-1]), skipTo(s, next, ';'), ok
	}
	end = i
	for end < len(s) && isToken(s[end]) {
		end++
	}
	next := skipCFWS(s, end)
	if next == len(s) || s[next] == ';' {
		return s[i:end], next, end > i
	}
	if next > end {
		name := next
		for name < len(s) && isToken(s[name]) {
			name++
		}
		if name > next && name < len(s) && s[name] == '=' {
			return s[i:end], next, false
		}
	}
	end = skipTo(s, i, ';')
	return trimFWS(s[i:end]), end, false
}

// skipTo returns the index of the next c in s at or after i, or the end of s.
func skipTo(s string, i int, c byte) int {
	if n := strings.IndexByte(s[i:], c); n >= 0 {
		return i + n
	}
	return len(s)
}
