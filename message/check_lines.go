package message

import (
	"bytes"
)

// maxLineLen is how long a line may be without its line end (RFC 5322 section 2.1.1).
const maxLineLen = 998

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
