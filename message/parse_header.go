package message

import (
	"bytes"
	"slices"

	"github.com/posthouse/posthouse/internal/ascii"
)

// header reads the header at s.at into p and goes to the octet behind it.
func (s *scanner) header(p *Part) error {
	w := &s.win
	first := len(s.msg.fields)
	limit := min(s.limits.HeaderBytes, totalHeaders*s.limits.HeaderBytes-s.headers)
	start, at := s.at, s.at // the header begins at buf[start]; the line, at buf[at]
	p.start = w.offset(start)
	body := -1 // index of the body
	s.own.known = false
	for body < 0 {
		end := w.lineEnd(at)
		for end < 0 && len(w.buf)-start <= limit {
			ok, err := w.more(start)
			if err != nil {
				return err
			}
			if !ok {
				end = len(w.buf)
				break
			}
			start, at = 0, at-start
			end = w.lineEnd(at)
		}
		switch {
		case end < 0 || end-start > limit:
			s.cut(p, HeaderTooLong, at)
			body = at
		case at == end: // the message ends here
			body = at
		case (w.buf[at] == '\r' || w.buf[at] == '\n') && emptyLine(w.buf[at:end]):
			s.checkLineEnd(p.index, at, end)
			body = end
		case w.buf[at] == '-' && s.isDelimiter(w.buf[at:end]):
			body = at
		case w.buf[at] == '-' && s.isOwnDelimiter(p, start, at, end, first):
			s.note(BadHeaderLine, w.offset(at), p.index)
			body = at
		case !s.line(p, start, at, end, first):
			s.cut(p, TooManyFields, at)
			body = at
		default:
			at = end
		}
	}
	raw := w.buf[start:at:at]
	if w.src != nil {
		raw = bytes.Clone(raw)
	}
	p.raw = raw
	p.fields = [2]int32{int32(first), int32(len(s.msg.fields))}
	p.body = w.offset(body)
	s.headers += len(raw)
	s.at = body
	return nil
}

// cut ends the header of p because of a limit. The part is a leaf then.
func (s *scanner) cut(p *Part, kind DefectKind, at int) {
	p.opaque = true
	s.note(kind, s.win.offset(at), p.index)
}

// headless makes body of the header of p if no line of it is a field: the empty line
// that a part without a header begins with (RFC 2046 section 5.1) is missing, and what
// nobody is shown who looks for a header is text.
func (s *scanner) headless(p *Part) {
	first := int(p.fields[0])
	if len(p.raw) == 0 || p.opaque || slices.ContainsFunc(s.msg.fields[first:], field.named) {
		return
	}
	s.msg.fields = s.msg.fields[:first]
	s.headers -= len(p.raw)
	p.raw, p.body, p.fields[1] = nil, p.start, p.fields[0]
	s.at = int(p.start - s.win.base)
	// One defect will do for a long text.
	mine := len(s.found)
	for mine > 0 && s.found[mine-1].part == p.index {
		mine--
	}
	lines := 0
	s.found = s.found[:mine+len(slices.DeleteFunc(s.found[mine:], func(f found) bool {
		if f.kind == BadHeaderLine {
			lines++
		}
		return f.kind == BadHeaderLine && lines > 1
	}))]
}

// isDelimiter reports whether line, which begins with a hyphen, ends the header because it
// is a boundary line.
func (s *scanner) isDelimiter(line []byte) bool {
	if len(line) > maxDelimiterLine {
		return false
	}
	_, _, ok := s.awaited.match(line)
	return ok
}

// ownBoundary is the boundary of the part whose header is being read, once a line
// was met that might be one.
type ownBoundary struct {
	known bool
	line  []byte // the whole boundary line; nil if the part is no multipart
}

// isOwnDelimiter reports whether the line buf[at:end] in the header of p is the first
// boundary line of p itself: the empty line between header and body is missing. The
// header began at buf[start] with the field number first.
func (s *scanner) isOwnDelimiter(p *Part, start, at, end, first int) bool {
	line := s.win.buf[at:end]
	if p.ctype < 0 || len(line) < 3 || line[1] != '-' || len(line) > maxDelimiterLine {
		return false
	}
	if !s.own.known {
		f := s.msg.fields[first+int(p.ctype)]
		s.own = ownBoundary{known: true}
		if t, params, ok := parseMediaType(s.win.buf[start+int(f.value) : start+int(f.end)]); ok && kindOf(t) == multipart {
			if b := boundaryOf(params); b != nil {
				s.own.line = append([]byte("--"), b...)
			}
		}
	}
	return s.own.line != nil && bytes.Equal(bytes.TrimRight(line, " \t\r\n"), s.own.line)
}

// line adds the line buf[at:end] to the header of p that began at buf[start]
// with the field number first. It reports false if that would be a field too many.
func (s *scanner) line(p *Part, start, at, end, first int) bool {
	line := s.win.buf[at:end]
	n := len(s.msg.fields)
	if n == 0 && s.win.offset(at) == 0 && len(line) > len(bom) && bytes.HasPrefix(line, bom) {
		// An editor marked the file as UTF-8.
		s.note(BadHeaderLine, 0, p.index)
		s.msg.fields = append(s.msg.fields, field{end: uint32(len(bom))})
		return s.line(p, start, at+len(bom), end, first)
	}
	s.checkLineEnd(p.index, at, end)
	if isWSP(line[0]) && n > first && s.msg.fields[n-1].named() {
		s.msg.fields[n-1].end = uint32(end - start)
		return true
	}
	if n-first == s.limits.Fields || n == totalHeaders*s.limits.Fields {
		return false
	}
	f := field{start: uint32(at - start), end: uint32(end - start)}
	f.name, f.value = f.start, f.start
	if name, colon := fieldName(line); colon >= 0 {
		f.name += uint32(name)
		f.value += uint32(colon + 1)
		s.known(p, line[:name], n-first, at)
	} else {
		s.note(BadHeaderLine, s.win.offset(at), p.index)
		if s.isParam(p, start, line, first) {
			s.msg.fields[n-1].end = f.end
			return true
		}
	}
	s.msg.fields = append(s.msg.fields, f)
	return true
}

// isParam reports whether line, which is no field, is a parameter of the field before it in
// the header of p, and lacks but the blank in front: that field is one with parameters, and
// ends in a semicolon.
func (s *scanner) isParam(p *Part, start int, line []byte, first int) bool {
	i := int32(len(s.msg.fields)-first) - 1
	if i < 0 || i != p.ctype && i != p.disp {
		return false
	}
	f := s.msg.fields[first+int(i)]
	value := trimFWS(s.win.buf[start+int(f.value) : start+int(f.end)])
	name := 0
	for name < len(line) && isToken(line[name]) {
		name++
	}
	return name > 0 && name < len(line) && line[name] == '=' && len(value) > 0 && value[len(value)-1] == ';'
}

// fieldName returns the length of the name that line begins with and the index
// of the colon, or -1. Blanks between the two are obsolete (RFC 5322 section 4.5).
//
//	field-name = 1*ftext
func fieldName(line []byte) (name, colon int) {
	for name < len(line) && classes[line[name]]&className != 0 {
		name++
	}
	colon = name
	for colon < len(line) && isWSP(line[colon]) {
		colon++
	}
	if name == 0 || colon == len(line) || line[colon] != ':' {
		return 0, -1
	}
	return name, colon
}

// emptyLine reports whether line is nothing but its end.
func emptyLine(line []byte) bool {
	for _, c := range line {
		if c != '\r' && c != '\n' {
			return false
		}
	}
	return line[len(line)-1] == '\n'
}

// checkLineEnd notes a line buf[at:end] that does not end in CRLF.
func (s *scanner) checkLineEnd(part int32, at, end int) {
	if s.seen&(1<<BareLF) == 0 && s.win.buf[end-1] == '\n' && (end-at < 2 || s.win.buf[end-2] != '\r') {
		s.note(BareLF, s.win.offset(end-1), part)
	}
}

// The fields that the scanner knows: those it reads and those that may stand in
// a header only once.
const (
	isContentType = iota
	isContentTransferEncoding
	isContentDisposition
	isContentID
	isMIMEVersion
	isFrom
	isSender
	isReplyTo
	isTo
	isCc
	isBcc
	isSubject
	isDate
	isMessageID
	isInReplyTo
	isReferences
)

// knownFields lists them by the length of their names.
var knownFields = [26][]struct {
	name string
	id   uint
}{
	2:  {{"to", isTo}, {"cc", isCc}},
	3:  {{"bcc", isBcc}},
	4:  {{"from", isFrom}, {"date", isDate}},
	6:  {{"sender", isSender}},
	7:  {{"subject", isSubject}},
	8:  {{"reply-to", isReplyTo}},
	10: {{"message-id", isMessageID}, {"references", isReferences}, {"content-id", isContentID}},
	11: {{"in-reply-to", isInReplyTo}},
	12: {{"content-type", isContentType}, {"mime-version", isMIMEVersion}},
	19: {{"content-disposition", isContentDisposition}},
	25: {{"content-transfer-encoding", isContentTransferEncoding}},
}

// known notes in p the field number i of its header, at buf[at], if the scanner
// knows its name.
func (s *scanner) known(p *Part, name []byte, i, at int) {
	if len(name) >= len(knownFields) {
		return
	}
	for _, k := range knownFields[len(name)] {
		if !ascii.EqualFold(name, k.name) {
			continue
		}
		if p.once&(1<<k.id) != 0 {
			s.note(DuplicateField, s.win.offset(at), p.index)
			return
		}
		p.once |= 1 << k.id
		switch k.id {
		case isContentType:
			p.ctype = int32(i)
		case isContentTransferEncoding:
			p.cte = int32(i)
		case isContentDisposition:
			p.disp = int32(i)
		}
		return
	}
}
