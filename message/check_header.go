package message

import (
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// checkHeader looks at the values of fields.
func (s *scanner) checkHeader(p *Part) {
	h := p.Header()
	if !utf8.Valid(h.raw) {
		s.note(BadHeaderText, p.start+int64(validPrefix(h.raw)), p.index)
	}
	for i, f := range h.fields {
		if !f.named() {
			continue
		}
		at := p.start + int64(f.start)
		s.checkFolds(at, h.raw[f.start:f.end], p.index)
		if f.value > f.name+1 {
			s.note(BlankBeforeColon, at, p.index)
		}
		field := h.field(i)
		switch name := ascii.ToLower(field.Name()); name {
		case "content-type":
			_, params, ok := parseMediaType(field.body())
			if _, whole := readParams(unfold(params)); ok && !whole {
				s.note(BadParameters, at, p.index)
			}
		case "content-disposition":
			if whole := checkDisposition(field.Value()); !whole {
				s.note(BadParameters, at, p.index)
			}
		case "from", "sender", "reply-to", "to", "cc", "bcc":
			if !checkAddresses(name, field.Value()) {
				s.note(BadAddress, at, p.index)
			}
		case "date":
			if _, err := ParseDate(field.Value()); err != nil {
				s.note(BadDate, at, p.index)
			}
		}
	}
}

// checkFolds looks for a line of blanks in a field, which is at that offset.
func (s *scanner) checkFolds(at int64, field []byte, part int32) {
	for len(field) > 0 {
		n := lineLen(field)
		if isWSP(field[0]) && len(trimFWS(field[:n])) == 0 {
			s.note(BlankHeaderLine, at, part)
			return
		}
		at += int64(n)
		field = field[n:]
	}
}

// checkAddresses reports whether value is what a field of that name may have.
func checkAddresses(name, value string) bool {
	list, err := ParseGroups(value)
	switch {
	case err != nil:
		return false
	case name == "sender":
		return len(list) == 1 && len(list[0].Members) == 1 && list[0].Name == ""
	}
	return len(list) > 0 || name == "bcc"
}

func checkDisposition(value string) bool {
	i := skipCFWS(value, 0)
	end := i
	for end < len(value) && isToken(value[end]) {
		end++
	}
	_, whole := readParams(value[end:])
	next := skipCFWS(value, end)
	return whole && end > i && (next == len(value) || value[next] == ';')
}

// validPrefix returns the index of the first octet of b that is not UTF-8.
func validPrefix(b []byte) int {
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}
