package smtp

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// maxTextLine is the longest line of a text, in octets without its CRLF: RFC 5321
// section 4.5.3.1.6.
const maxTextLine = 998

// LineLengthError says that a body has a line longer than RFC 5321 section
// 4.5.3.1.6 allows; see [ClientConfig.AllowLongLines].
type LineLengthError struct {
	Length int64 // of the line, in octets without its CRLF, as far as it was read
}

func (e *LineLengthError) Error() string {
	return fmt.Sprintf("smtp: body has a line of %d octets, %d are allowed", e.Length, maxTextLine)
}

// bodyScanner takes a body in pieces and finds out what must be known of it.
type bodyScanner struct {
	normalize bool // CR and LF that stand alone will be sent as CRLF
	binary    bool // any octets may be there
	longLines bool // lines of any length may be there

	size     int64 // octets taken
	added    int64 // octets that making every line end in CRLF adds
	bares    int64 // CR and LF that stand alone, and NULs
	eightBit int64 // offset of the first octet above 127, or -1
	line     int64 // octets of the line that is not ended
	longest  int64 // octets of the longest line that is ended
	cr       bool  // the last octet taken is a CR that has not found its LF
	ended    bool  // the last octet taken ends a line
}

// Write takes a piece. Its error is a [*FramingError] or a [*LineLengthError].
func (s *bodyScanner) Write(p []byte) (total int, err error) {
	for len(p) > 0 {
		n := min(len(p), pieceSize) // so little that it stays in cache
		if err := s.scan(p[:n]); err != nil {
			return total, err
		}
		if !s.longLines && !s.binary && max(s.longest, s.line) > maxTextLine {
			return total, &LineLengthError{max(s.longest, s.line)}
		}
		total, p = total+n, p[n:]
	}
	return total, nil
}

// scan takes a piece that is not empty.
func (s *bodyScanner) scan(p []byte) error {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		if !s.binary {
			return &FramingError{Octet: 0, Offset: s.size + int64(i)}
		}
		s.bares++
	}
	if s.eightBit < 0 {
		if i := index8Bit(p); i >= 0 {
			s.eightBit = s.size + int64(i)
		}
	}
	rest, offset := p, s.size
	switch {
	case s.cr && p[0] == '\n':
		s.endLine(0)
		rest, offset = p[1:], offset+1
	case s.cr:
		if err := s.bare('\r', s.size-1, 1); err != nil {
			return err
		}
		s.endLine(0)
	}
	last := p[len(p)-1]
	s.cr, s.ended = last == '\r', last == '\n'
	if s.cr {
		rest = rest[:len(rest)-1]
	}
	s.size += int64(len(p))
	return s.lines(rest, offset)
}

// endLine ends a line of n octets more than were counted.
func (s *bodyScanner) endLine(n int) {
	s.longest, s.line = max(s.longest, s.line+int64(n)), 0
}

// lines checks that CR and LF stand in pairs: that there are as many of each as
// there are pairs.
func (s *bodyScanner) lines(p []byte, offset int64) error {
	crs, lfs := bytes.Count(p, crlf[:1]), bytes.Count(p, crlf[1:])
	pairs, line, longest := s.walk(p, true)
	if pairs != lfs {
		pairs, line, longest = s.walk(p, false)
	}
	if crs == pairs && lfs == pairs {
		s.line, s.longest = line, longest
		return nil
	}
	for _, c := range p { // text like this is rare
		if s.line++; c == '\r' || c == '\n' {
			s.endLine(-1)
		}
	}
	i := indexBare(p)
	return s.bare(p[i], offset+int64(i), int64(crs+lfs-2*pairs))
}

// walk counts the pairs of CR and LF, and returns with them the line that is not
// ended and the longest one behind p. It goes from LF to LF, which is many times as
// fast as to look at each octet. With strides it looks only where the end of a line
// has to be that is as long as the two before it, as those of encoded text are: then
// it misses an end in between.
func (s *bodyScanner) walk(p []byte, strides bool) (pairs int, line, longest int64) {
	line, longest = s.line, s.longest
	for latest := 0; ; {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			return pairs, line + int64(len(p)), longest
		}
		length := i + 1
		if i > 0 && p[i-1] == '\r' {
			pairs++
			i--
		}
		longest, line, p = max(longest, line+int64(i)), 0, p[length:]
		for strides && length == latest && length <= len(p) && p[length-1] == '\n' && length > 1 && p[length-2] == '\r' {
			pairs, p = pairs+1, p[length:]
		}
		latest = length
	}
}

// bare deals with n octets that make no CRLF, the first of them at offset.
func (s *bodyScanner) bare(octet byte, offset, n int64) error {
	s.bares += n
	switch {
	case s.binary:
	case s.normalize:
		s.added += n
	default:
		return &FramingError{Octet: octet, Offset: offset}
	}
	return nil
}

// end takes the end of the body. A last line without an end gets one, which
// the size then includes (RFC 5321 section 4.1.1.4), unless the body is binary.
func (s *bodyScanner) end() error {
	switch {
	case s.cr:
		return s.bare('\r', s.size-1, 1)
	case s.size > 0 && !s.ended && !s.binary:
		s.added += 2
	}
	return nil
}

var crlf = []byte("\r\n")

// indexBare returns where the first CR or LF stands that is not part of CRLF.
// There must be one.
func indexBare(p []byte) int {
	for i := 0; ; i++ {
		switch {
		case p[i] == '\n':
			return i
		case p[i] != '\r':
		case i+1 < len(p) && p[i+1] == '\n':
			i++
		default:
			return i
		}
	}
}

// index8Bit returns where the first octet above 127 stands, or -1. It looks at
// sixty-four octets at a time.
func index8Bit(p []byte) int {
	const high = 0x8080808080808080
	i := 0
	for q := p; len(q) >= 64; q, i = q[64:], i+64 {
		a := binary.LittleEndian.Uint64(q) | binary.LittleEndian.Uint64(q[8:]) |
			binary.LittleEndian.Uint64(q[16:]) | binary.LittleEndian.Uint64(q[24:])
		b := binary.LittleEndian.Uint64(q[32:]) | binary.LittleEndian.Uint64(q[40:]) |
			binary.LittleEndian.Uint64(q[48:]) | binary.LittleEndian.Uint64(q[56:])
		if (a|b)&high != 0 {
			break
		}
	}
	for ; i < len(p); i++ {
		if p[i] >= 0x80 {
			return i
		}
	}
	return -1
}
