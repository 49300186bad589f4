package message

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"
)

// maxLineLen is how long a line may be without its line end (RFC 5322 section 2.1.1).
const maxLineLen = 998

// check looks for what the structure of a message does not show.
func (s *scanner) check() error {
	for i := range s.msg.parts {
		p := &s.msg.parts[i]
		s.checkHeader(p)
		if err := s.checkLines(p); err != nil {
			return err
		}
		check := s.checkBody
		if p.kind == multipart {
			check = s.checkEpilogue
		}
		if p.kind != nested {
			if err := check(p); err != nil {
				return err
			}
		}
	}
	return nil
}

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
		switch name := toLower(field.Name()); name {
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

// checkLines looks at the octets that are no other part's: the header, and the
// body, or of a multipart what lies between its parts.
func (s *scanner) checkLines(p *Part) error {
	c := lineChecker{s: s, part: p, eightBit: p.encoding == Encoding8Bit || p.encoding == EncodingBinary || p.kind != leaf}
	c.lines = true
	at := p.start
	if err := c.run(at, p.body, true); err != nil {
		return err
	}
	if p.kind == leaf {
		c.lines = p.encoding != EncodingBinary
		return c.run(p.body, p.end, false)
	}
	at = p.body
	for child := range p.Children() {
		if err := c.run(at, child.start, false); err != nil {
			return err
		}
		at = child.end
	}
	return c.run(at, p.end, false)
}

// lineChecker looks at octets of one part, line by line.
type lineChecker struct {
	s        *scanner
	part     *Part
	lines    bool // there are lines: it is no binary body
	eightBit bool // octets over 127 are allowed
	long     bool // a long line was found
	length   int64
	cr       bool // the octet before was a CR
}

// run looks at the octets of the message from one offset to another.
func (c *lineChecker) run(from, to int64, header bool) error {
	m := c.s.msg
	c.length, c.cr = 0, false
	if m.data != nil {
		c.chunk(from, m.data[from:to], header)
	} else {
		buf := windows.Get().(*[]byte)
		defer windows.Put(buf)
		for at := from; at < to; {
			b := (*buf)[:min(int64(len(*buf)), to-at)]
			if err := m.readAt(b, at); err != nil {
				return err
			}
			c.chunk(at, b, header)
			at += int64(len(b))
		}
	}
	if c.cr && c.lines {
		c.s.note(BareCR, to-1, c.part.index)
	}
	return nil
}

// chunk looks at b, which is at that offset.
func (c *lineChecker) chunk(at int64, b []byte, header bool) {
	i := c.part.index
	if !header && !c.eightBit {
		if n := firstEightBit(b); n >= 0 {
			c.s.note(EightBitBody, at+int64(n), i)
			c.eightBit = true
		}
	}
	if !c.lines {
		return
	}
	if n := bytes.IndexByte(b, 0); n >= 0 {
		c.s.note(NUL, at+int64(n), i)
	}
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		line := b
		if n >= 0 {
			line = b[:n+1]
		}
		c.line(at, line)
		at += int64(len(line))
		b = b[len(line):]
	}
}

// line looks at a line or a piece of one.
func (c *lineChecker) line(at int64, line []byte) {
	text := line
	ended := line[len(line)-1] == '\n'
	if ended {
		text = line[:len(line)-1]
		if len(text) == 0 && !c.cr || len(text) > 0 && text[len(text)-1] != '\r' {
			c.s.note(BareLF, at+int64(len(text)), c.part.index)
		}
	}
	if c.cr && (len(text) > 0 || !ended) {
		c.s.note(BareCR, at-1, c.part.index)
	}
	c.cr = len(text) > 0 && text[len(text)-1] == '\r'
	if c.cr {
		text = text[:len(text)-1]
	}
	if n := bytes.IndexByte(text, '\r'); n >= 0 {
		c.s.note(BareCR, at+int64(n), c.part.index)
	}
	if c.length += int64(len(text)); c.length > maxLineLen && !c.long {
		c.long = true
		c.s.note(LongLine, at, c.part.index)
	}
	if ended {
		c.length, c.cr = 0, false
	}
}

// checkEpilogue looks for boundary lines of p behind its closing one: there are no parts
// there, and programs are met that see some (RFC 2046 section 5.1.1).
func (s *scanner) checkEpilogue(p *Part) error {
	at := p.body
	for c := range p.Children() {
		at = c.end
	}
	_, params, _ := parseMediaType(p.Header().field(int(p.ctype)).body())
	delimiter := append([]byte("--"), boundaryOf(params)...)
	lines := bufio.NewReaderSize(io.NewSectionReader(s.msg.src, at, p.end-at), int(min(maxDelimiterLine, p.end-at)))
	closed, begins := false, true
	for {
		line, err := lines.ReadSlice('\n')
		rest, ok := bytes.CutPrefix(line, delimiter)
		rest = trimFWS(rest)
		switch closing := string(rest) == "--"; {
		case !begins || !ok || len(rest) > 0 && !closing:
		case closed:
			s.note(BoundaryBehindClose, at, p.index)
			return nil
		default:
			closed = closing
		}
		at += int64(len(line))
		switch begins = err == nil; err {
		case nil, bufio.ErrBufferFull:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// checkBody undoes the transfer encoding of a leaf to see whether that goes
// well, and looks at its charset.
func (s *scanner) checkBody(p *Part) error {
	switch p.encoding {
	case EncodingBase64, EncodingQuotedPrintable, EncodingUU, EncodingYEnc:
		b := p.open()
		buf := windows.Get().(*[]byte)
		defer windows.Put(buf)
		for b.err == nil {
			_, _ = b.decode(*buf)
		}
		if b.err != io.EOF {
			return b.err
		}
		if b.base64.bad {
			s.note(BadBase64, p.body, p.index)
		}
		if b.qp.bad {
			s.note(BadQuotedPrintable, p.body, p.index)
		}
		if b.uu.bad || b.yenc.bad {
			s.note(BadUUOrYEnc, p.body, p.index)
		}
	}
	if len(p.mediaType) > 5 && p.mediaType[:5] == "text/" && p.ctype >= 0 {
		if _, ok := findCharset(p.Params().Get("charset")); !ok {
			s.note(UnknownCharset, p.body, p.index)
		}
	}
	return nil
}
