package message

import (
	"strconv"

	"github.com/posthouse/posthouse/internal/ascii"
)

// imapWriter builds an IMAP answer (RFC 9051 section 9). Nothing in it is decoded:
// that is the client's part.
type imapWriter struct{ b []byte }

// text writes s as an nstring without an empty one being NIL.
//
// QUIRK: RFC 9051 section 4.3 lets a quoted string hold UTF-8; clients of older
// revisions do not expect that, so what is not ASCII is a literal, which all
// can read. NUL, which none may hold, is left out.
//
//	string  = quoted / literal
//	literal = "{" number64 "}" CRLF *CHAR8
func (w *imapWriter) text(s string) {
	plain, quoted := true, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			quoted++
		case c < ' ' && c != '\t' || c >= 0x7F:
			plain = false
		}
	}
	if !plain {
		s = dropNUL(s)
		w.b = append(w.b, '{')
		w.b = strconv.AppendInt(w.b, int64(len(s)), 10)
		w.b = append(w.b, "}\r\n"...)
		w.b = append(w.b, s...)
		return
	}
	w.b = append(w.b, '"')
	if quoted == 0 {
		w.b = append(w.b, s...)
	} else {
		for i := range len(s) {
			if s[i] == '"' || s[i] == '\\' {
				w.b = append(w.b, '\\')
			}
			w.b = append(w.b, s[i])
		}
	}
	w.b = append(w.b, '"')
}

func dropNUL(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] != 0 {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// optional writes s, NIL if it is empty.
func (w *imapWriter) optional(s string) {
	if s == "" {
		w.raw("NIL")
		return
	}
	w.text(s)
}

// upper writes s, a keyword, in capitals.
func (w *imapWriter) upper(s string) {
	start := len(w.b)
	w.text(s)
	for i := start; i < len(w.b); i++ {
		w.b[i] = ascii.Upper(w.b[i])
	}
}

func (w *imapWriter) raw(s string)   { w.b = append(w.b, s...) }
func (w *imapWriter) number(n int64) { w.b = strconv.AppendInt(w.b, n, 10) }
func (w *imapWriter) space()         { w.b = append(w.b, ' ') }
func (w *imapWriter) open()          { w.b = append(w.b, '(') }
func (w *imapWriter) close()         { w.b = append(w.b, ')') }

// field writes the value of the first field of that name, NIL if there is none.
func (w *imapWriter) field(h Header, name string) {
	if f, ok := h.Lookup(name); ok {
		w.text(f.Value())
	} else {
		w.raw("NIL")
	}
}

// between begins a list before its first element and parts the others.
func (w *imapWriter) between(i int) {
	if i == 0 {
		w.open()
	} else {
		w.space()
	}
}
