package message

import (
	"bytes"
	"strings"
)

// scanner makes the index of one message in one pass over its window. What is
// open at the moment, from the message itself down to the leaf being read, is a
// stack; there is no recursion.
type scanner struct {
	msg    *Message
	limits Limits
	win    window
	at     int // where the scanner is in win.buf: always the start of a line

	stack    []frame
	inner    int            // the place on the stack of the innermost multipart that waits for boundary lines, or -1
	outer    map[string]int // boundary of one around it -> its place
	longest  int            // the longest boundary met
	dashed   bool           // a boundary was met that ends in two hyphens
	headers  int            // octets of all headers so far
	found    []found
	seen     uint64 // kinds of defect that are recorded once
	overfull bool   // Limits.Parts is reached
	own      ownBoundary
}

// frame is one open part.
type frame struct {
	part     int32
	boundary string // of a multipart whose closing line has not come yet, else ""
	around   int    // the place of the one around it that waits too, or -1
	hidden   int    // while it is in scanner.outer: the place of one around it with the same boundary, or -1
}

// delimiter is a boundary line of an open multipart.
type delimiter struct {
	level   int // place of the multipart on the stack
	closing bool
	end     int64 // where the part before it ends
}

func newScanner(m *Message, limits Limits, w window) *scanner {
	return &scanner{msg: m, limits: limits.withDefaults(), win: w, inner: -1}
}

func (s *scanner) scan() error {
	s.stack = make([]frame, 0, 4)
	if err := s.entity(); err != nil {
		return err
	}
	// Without a boundary to wait for, the rest of the message belongs to what is open.
	for s.inner >= 0 && !s.overfull {
		d, ok, err := s.nextDelimiter()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		s.closeTo(d.level+1, d.end)
		if d.closing {
			s.unwatch()
		} else if err := s.entity(); err != nil {
			return err
		}
	}
	s.closeTo(0, s.win.size)
	return nil
}

// entity reads the header at s.at and opens the part it begins, and, while
// that is a message, the part inside it.
func (s *scanner) entity() error {
	for {
		if len(s.msg.parts) == s.limits.Parts {
			s.rest()
			return nil
		}
		p := s.newPart()
		if err := s.header(p); err != nil {
			return err
		}
		if p.start == p.body && p.parent >= 0 && s.msg.parts[p.parent].kind == multipart && !p.opaque {
			s.dropPart()
			return nil
		}
		s.headless(p)
		boundary := s.classify(p)
		switch p.kind {
		case multipart:
			s.watch(boundary)
			return nil
		case leaf:
			return nil
		}
	}
}

// newPart adds a part inside the innermost open one and opens it.
func (s *scanner) newPart() *Part {
	i := int32(len(s.msg.parts))
	s.msg.parts = append(s.msg.parts, Part{})
	p := &s.msg.parts[i]
	p.msg, p.index, p.parent, p.number = s.msg, i, -1, 1
	p.ctype, p.cte, p.disp = -1, -1, -1
	if n := len(s.stack); n > 0 {
		up := &s.msg.parts[s.stack[n-1].part]
		up.children++
		p.parent, p.number = up.index, up.children
	}
	s.stack = append(s.stack, frame{part: i})
	return p
}

// dropPart takes back the part just opened, of which there is not one octet: a boundary
// line came directly behind the one that would have begun it. Each needs a
// line end of its own in front (RFC 2046 section 5.1.1).
func (s *scanner) dropPart() {
	last := len(s.msg.parts) - 1
	s.msg.parts[s.msg.parts[last].parent].children--
	s.msg.parts = s.msg.parts[:last]
	s.stack = s.stack[:len(s.stack)-1]
}

// rest opens a leaf for all that is left of the message.
func (s *scanner) rest() {
	s.overfull = true
	at := s.win.offset(s.at)
	p := s.newPart()
	p.mediaType = "application/octet-stream"
	p.start, p.body = at, at
	p.fields = [2]int32{int32(len(s.msg.fields)), int32(len(s.msg.fields))}
	s.note(TooManyParts, at, p.index)
}

// watch waits for the boundary lines of the innermost open part.
func (s *scanner) watch(boundary string) {
	level := len(s.stack) - 1
	f := &s.stack[level]
	f.boundary, f.around = boundary, s.inner
	if s.inner >= 0 {
		s.hide(s.inner)
		if _, ok := s.outer[boundary]; ok {
			s.note(DuplicateBoundary, s.msg.parts[f.part].start, f.part)
		}
	}
	s.inner = level
	s.longest = max(s.longest, len(boundary))
	s.dashed = s.dashed || strings.HasSuffix(boundary, "--")
}

// hide enters the multipart at that place of the stack among those that are not the innermost.
func (s *scanner) hide(level int) {
	if s.outer == nil {
		s.outer = make(map[string]int)
	}
	f := &s.stack[level]
	f.hidden = -1
	if same, ok := s.outer[f.boundary]; ok {
		f.hidden = same
	}
	s.outer[f.boundary] = level
}

// unwatch no longer waits for the boundary lines of the innermost multipart. The one
// around it is the innermost then, and one with the same boundary around that comes into view again.
func (s *scanner) unwatch() {
	f := &s.stack[s.inner]
	f.boundary = ""
	if s.inner = f.around; s.inner < 0 {
		return
	}
	if f = &s.stack[s.inner]; f.hidden >= 0 {
		s.outer[f.boundary] = f.hidden
	} else {
		delete(s.outer, f.boundary)
	}
}

// closeTo closes all open parts but the outer level ones. They end at end.
func (s *scanner) closeTo(level int, end int64) {
	for i := len(s.stack) - 1; i >= level; i-- {
		f := s.stack[i]
		p := &s.msg.parts[f.part]
		p.end = end
		p.next = int32(len(s.msg.parts))
		if f.boundary != "" {
			s.unwatch()
			if !s.overfull {
				s.note(MissingCloseBoundary, end, f.part)
			}
		}
		if p.kind == multipart && p.children == 0 {
			s.note(EmptyMultipart, p.start, f.part)
		}
	}
	s.stack = s.stack[:level]
}

// nextDelimiter goes on behind the next boundary line of an open multipart.
//
// Lines are not looked at one by one: hyphens are hunted, of which base64 has
// none, and only one at the start of a line is looked at more closely.
func (s *scanner) nextDelimiter() (d delimiter, ok bool, err error) {
	w := &s.win
	first := w.offset(s.at) // a line starts here whatever is before it
	i := s.at
	for {
		n := bytes.IndexByte(w.buf[i:], '-')
		if n < 0 {
			n = len(w.buf) - i
		}
		i += n
		if len(w.buf)-i < maxDelimiterLine && w.offset(len(w.buf)) < w.size {
			// What might be a boundary line is looked at as a whole, with the line end before it.
			keep := max(i-2, 0)
			if _, err = w.more(keep); err != nil {
				return d, false, err
			}
			i -= keep
			continue
		}
		if i == len(w.buf) {
			return d, false, nil
		}
		if w.offset(i) != first && w.buf[i-1] != '\n' {
			for i++; i < len(w.buf) && w.buf[i] == '-'; i++ {
			}
			continue
		}
		end, whole := s.delimiterLine(i)
		if d.level, d.closing, ok = s.match(w.buf[i:end]); ok && whole {
			s.checkLineEnd(s.stack[d.level].part, i, end)
			d.end = s.partEnd(i)
			s.at = end
			return d, true, nil
		}
		i = end
	}
}

// delimiterLine returns the end of the line at win.buf[i], and whether it is the
// end: no more octets are looked at than a boundary line may have.
func (s *scanner) delimiterLine(i int) (end int, whole bool) {
	line := s.win.buf[i:min(i+maxDelimiterLine, len(s.win.buf))]
	if n := bytes.IndexByte(line, '\n'); n >= 0 {
		return i + n + 1, true
	}
	end = i + len(line)
	return end, s.win.offset(end) == s.win.size
}

// match reports whether line is a boundary line of an open multipart. Mostly
// it is one of the innermost; the cost does not depend on how many are open.
//
// QUIRK: RFC 2046 section 5.1.1 says that a boundary is to be compared with the
// beginning of the line. We compare it with the whole line, but for blanks at
// its end, because one boundary is often the beginning of another.
//
//	delimiter       := CRLF "--" boundary
//	close-delimiter := delimiter "--"
//	transport-padding := *LWSP-char
func (s *scanner) match(line []byte) (level int, closing, ok bool) {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' || s.inner < 0 {
		return 0, false, false
	}
	b := line[2:]
	for len(b) > 0 && isFWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if len(b) == 0 || len(b) > s.longest+2 {
		return 0, false, false
	}
	if rest, ok := cutPrefix(b, s.stack[s.inner].boundary); ok && len(rest) == 0 {
		return s.inner, false, true
	} else if ok && !s.dashed && string(rest) == "--" {
		return s.inner, true, true
	}
	if level, ok = s.waiting(b); ok {
		return level, false, true
	}
	if b, ok = bytes.CutSuffix(b, []byte("--")); ok {
		level, ok = s.waiting(b)
	}
	return level, true, ok
}

// waiting returns the place on the stack of the innermost multipart that waits for boundary.
func (s *scanner) waiting(boundary []byte) (level int, ok bool) {
	if string(boundary) == s.stack[s.inner].boundary {
		return s.inner, true
	}
	level, ok = s.outer[string(boundary)]
	return level, ok
}

func cutPrefix(b []byte, prefix string) (rest []byte, ok bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return b, false
	}
	return b[len(prefix):], true
}

// partEnd returns where a part ends that is followed by a boundary line at
// win.buf[i]. The line end before the boundary belongs to the boundary (RFC
// 2046 section 5.1.1), except when it ends the part's header.
func (s *scanner) partEnd(i int) int64 {
	w := &s.win
	body := s.msg.parts[s.stack[len(s.stack)-1].part].body
	end := w.offset(i)
	if end > body && i > 0 && w.buf[i-1] == '\n' {
		end--
		if end > body && i > 1 && w.buf[i-2] == '\r' {
			end--
		} else {
			s.note(BareLF, end, s.stack[len(s.stack)-1].part)
		}
	}
	return end
}
