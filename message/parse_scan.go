package message

import (
	"bytes"
)

// scanner makes the index of one message in one pass over its window. The parts that
// are open at the moment, from the message itself down to the leaf being read, are
// one and those around it; there is no recursion.
type scanner struct {
	msg    *Message
	limits Limits
	win    window
	at     int // where the scanner is in win.buf: always the start of a line

	open     int32 // the innermost open part, or -1
	depth    int   // how many are open
	awaited  awaited
	headers  int // octets of all headers so far
	found    []found
	seen     uint64 // kinds of defect that are recorded once
	overfull bool   // Limits.Parts is reached
	own      ownBoundary
}

// delimiter is a boundary line of an open multipart.
type delimiter struct {
	part    int32 // the multipart
	closing bool
	end     int64 // where the part before it ends
}

func newScanner(m *Message, limits Limits, w window) *scanner {
	return &scanner{msg: m, limits: limits.withDefaults(), win: w, open: -1}
}

func (s *scanner) scan() error {
	if err := s.entity(); err != nil {
		return err
	}
	// Without a boundary to wait for, the rest of the message belongs to what is open.
	for !s.awaited.none() && !s.overfull {
		d, ok, err := s.nextDelimiter()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		s.closeTo(d.part, d.end)
		if d.closing {
			s.awaited.pop()
		} else if err := s.entity(); err != nil {
			return err
		}
	}
	s.closeTo(-1, s.win.size)
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
			if !s.awaited.push(p.index, boundary) {
				s.note(DuplicateBoundary, p.start, p.index)
			}
			return nil
		case leaf:
			return nil
		}
	}
}

// newPart adds a part inside the innermost open one and opens it.
func (s *scanner) newPart() *Part {
	m := s.msg
	i := int32(len(m.parts))
	if len(m.parts) == cap(m.parts) {
		m.parts = append(make([]Part, 0, s.roomForParts()), m.parts...)
	}
	m.parts = append(m.parts, Part{msg: m, index: i, parent: s.open, number: 1, ctype: -1, cte: -1, disp: -1})
	p := &m.parts[i]
	if s.open >= 0 {
		up := &m.parts[s.open]
		up.children++
		p.number = up.children
	}
	s.open = i
	s.depth++
	return p
}

// roomForParts returns how many parts there is to be room for when there is none any more.
// The rest of the message is taken to have as many to the octet as what was read, so
// that the table is mostly made anew once, and not by doubling it again and again.
func (s *scanner) roomForParts() int {
	n, read := float64(len(s.msg.parts)), float64(s.win.offset(s.at)+1)
	guess := n * float64(s.win.size) / read * 9 / 8
	return min(int(min(max(guess, 5*n/4), 20*n)), s.limits.Parts) + 1
}

// dropPart takes back the part just opened, of which there is not one octet: a boundary
// line came directly behind the one that would have begun it. Each needs a
// line end of its own in front (RFC 2046 section 5.1.1).
func (s *scanner) dropPart() {
	last := len(s.msg.parts) - 1
	s.open = s.msg.parts[last].parent
	s.depth--
	s.msg.parts[s.open].children--
	s.msg.parts = s.msg.parts[:last]
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

// closeTo closes all open parts inside the part until, which is open; -1 stands
// for what the message lies in. They end at end.
func (s *scanner) closeTo(until int32, end int64) {
	for s.open != until {
		p := &s.msg.parts[s.open]
		p.end = end
		p.next = int32(len(s.msg.parts))
		if s.awaited.innermost() == p.index {
			s.awaited.pop()
			if !s.overfull {
				s.note(MissingCloseBoundary, end, p.index)
			}
		}
		if p.kind == multipart && p.children == 0 {
			s.note(EmptyMultipart, p.start, p.index)
		}
		s.open = p.parent
		s.depth--
	}
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
			// What might be a boundary line is looked at as a whole, with the line end
			// before it.
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
		if d.part, d.closing, ok = s.awaited.match(w.buf[i:end]); ok && whole {
			s.checkLineEnd(d.part, i, end)
			d.end = s.partEnd(i)
			s.at = end
			return d, true, nil
		}
		if s.awaited.begins(w.buf[i:end]) {
			s.note(FalseBoundary, w.offset(i), s.awaited.innermost())
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

// partEnd returns where a part ends that is followed by a boundary line at
// win.buf[i]. The line end before the boundary belongs to the boundary (RFC
// 2046 section 5.1.1), except when it ends the part's header.
func (s *scanner) partEnd(i int) int64 {
	w := &s.win
	body := s.msg.parts[s.open].body
	end := w.offset(i)
	if end > body && i > 0 && w.buf[i-1] == '\n' {
		end--
		if end > body && i > 1 && w.buf[i-2] == '\r' {
			end--
		} else {
			s.note(BareLF, end, s.open)
		}
	}
	return end
}
