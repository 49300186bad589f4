package message

import (
	"bytes"
	"io"
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Section returns the octets that IMAP's BODY[spec] names, and whether there is
// such a section (RFC 9051 section 6.4.5.1): "" is the whole message, "2" the body of the
// second part, "2.MIME" its header; "HEADER", "HEADER.FIELDS (Subject To)",
// "HEADER.FIELDS.NOT (Received)" and "TEXT" are of the message, and with numbers
// in front of the message in a message/rfc822. Part of a section, <0.1024>,
// is read from the reader. Decoded bodies, BINARY[], are those of Part.Open.
//
//	section-spec = section-msgtext / (section-part ["." section-text])
func (m *Message) Section(spec string) (*io.SectionReader, bool) {
	path, text := cutNumbers(spec)
	p := m.Root()
	if path != "" {
		if p = m.Part(path); p == nil {
			return nil, false
		}
	}
	text, fields, isList := strings.Cut(text, " ")
	text = ascii.ToLower(text)
	switch {
	case spec == "":
		return m.section(0, m.size), true
	case text == "":
		return p.RawBody(), !isList
	case text == "mime" && path != "":
		return m.section(p.start, p.body), !isList
	}
	if path != "" { // what follows is of the message in the part
		if p.kind != nested {
			return nil, false
		}
		p = p.child(1)
	}
	switch text {
	case "header":
		return m.section(p.start, p.body), !isList
	case "text":
		return m.section(p.body, p.end), !isList
	case "header.fields", "header.fields.not":
		b, ok := p.Header().choose(fields, text == "header.fields")
		return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), ok
	}
	return nil, false
}

func (m *Message) section(from, to int64) *io.SectionReader {
	return io.NewSectionReader(m.src, from, to-from)
}

// cutNumbers cuts the part numbers off the front of a section.
func cutNumbers(spec string) (path, text string) {
	end := 0
	for end < len(spec) && (isDigit(spec[end]) || spec[end] == '.' && end > 0 && isDigit(spec[end-1])) {
		end++
	}
	path, text = spec[:end], spec[end:]
	if text == "" && !strings.HasSuffix(path, ".") || path == "" {
		return path, text
	}
	path, dotted := strings.CutSuffix(path, ".")
	if text == "" || !dotted {
		return "", "none"
	}
	return path, text
}

// choose returns the fields with the names in a list, or all others, and an empty line.
//
//	header-list = "(" header-fld-name *(SP header-fld-name) ")"
func (h Header) choose(list string, listed bool) (b []byte, ok bool) {
	list, begun := strings.CutPrefix(list, "(")
	list, ended := strings.CutSuffix(list, ")")
	names := make(map[string]bool)
	for name := range strings.FieldsSeq(list) {
		names[ascii.ToLower(strings.Trim(name, `"`))] = true
	}
	for f := range h.All() {
		name := f.Name()
		if name == "" || names[ascii.ToLower(name)] != listed {
			continue
		}
		b = append(b, f.Raw()...)
		if b[len(b)-1] != '\n' {
			b = append(b, "\r\n"...)
		}
	}
	return append(b, "\r\n"...), begun && ended && len(names) > 0
}
