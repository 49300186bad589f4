package smtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// ErrNot7Bit says that a body whose envelope declares it [Body7Bit] has an octet
// above 127. The end of the data is never sent after it.
var ErrNot7Bit = errors.New("smtp: body declared 7BIT has an octet above 127")

// bodyFacts are what a client knows of a body before it sends it.
type bodyFacts struct {
	known    bool  // the body has been looked through; the rest is true only then
	size     int64 // octets on the wire as RFC 1870 section 6 counts them: line ends made CRLF, no doubled dots
	eightBit int64 // offset of the first octet above 127, -1 if there is none
}

// inspect looks through a body that can be rewound, so that what is wrong with
// it is found before the transaction begins, and its size and need for 8BITMIME
// are exact. A body that cannot be rewound is left alone.
func inspect(body io.Reader, normalize bool) (bodyFacts, error) {
	seeker, ok := body.(io.Seeker)
	if !ok {
		return bodyFacts{}, nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return bodyFacts{}, nil // a pipe dressed as a file
	}
	scan := bodyScanner{normalize: normalize, eightBit: -1}
	if _, err := io.Copy(chunkWriter{&scan}, body); err != nil {
		return bodyFacts{}, err
	}
	if err := scan.end(); err != nil {
		return bodyFacts{}, err
	}
	if _, err := seeker.Seek(start, io.SeekStart); err != nil {
		return bodyFacts{}, fmt.Errorf("cannot rewind the body: %w", err)
	}
	return bodyFacts{known: true, size: scan.size + scan.added, eightBit: scan.eightBit}, nil
}

// bodyScanner takes a body in pieces and finds out what must be known of it.
type bodyScanner struct {
	normalize bool
	size      int64 // octets taken
	added     int64 // octets that making every line end in CRLF adds
	eightBit  int64 // offset of the first octet above 127, or -1
	cr        bool  // the last octet taken is a CR that has not found its LF
	ended     bool  // the last octet taken ends a line
}

// Write takes a piece. Its error is a [*FramingError].
func (s *bodyScanner) Write(p []byte) (total int, err error) {
	for len(p) > 0 {
		n := min(len(p), pieceSize) // so little that it stays in cache
		if err := s.scan(p[:n]); err != nil {
			return total, err
		}
		total, p = total+n, p[n:]
	}
	return total, nil
}

// scan takes a piece that is not empty.
func (s *bodyScanner) scan(p []byte) error {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		return &FramingError{Octet: 0, Offset: s.size + int64(i)}
	}
	if s.eightBit < 0 {
		if i := index8Bit(p); i >= 0 {
			s.eightBit = s.size + int64(i)
		}
	}
	rest, offset := p, s.size
	switch {
	case s.cr && p[0] == '\n':
		rest, offset = p[1:], offset+1
	case s.cr:
		if err := s.bare('\r', s.size-1, 1); err != nil {
			return err
		}
	}
	last := p[len(p)-1]
	s.cr, s.ended = last == '\r', last == '\n'
	if s.cr {
		rest = rest[:len(rest)-1]
	}
	s.size += int64(len(p))
	return s.lines(rest, offset)
}

// lines checks that CR and LF stand in pairs. It goes from LF to LF, which is
// many times as fast as to look at each octet, and then compares how many there
// are of each.
func (s *bodyScanner) lines(p []byte, offset int64) error {
	pairs, lfs := 0, 0
	for n := 0; ; lfs++ {
		i := bytes.IndexByte(p[n:], '\n')
		if i < 0 {
			break
		}
		if n += i + 1; n > 1 && p[n-2] == '\r' {
			pairs++
		}
	}
	crs := bytes.Count(p, crlf[:1])
	if crs == pairs && lfs == pairs {
		return nil
	}
	i := indexBare(p)
	return s.bare(p[i], offset+int64(i), int64(crs+lfs-2*pairs))
}

// bare deals with n octets that make no CRLF, the first of them at offset.
func (s *bodyScanner) bare(octet byte, offset, n int64) error {
	if !s.normalize {
		return &FramingError{Octet: octet, Offset: offset}
	}
	s.added += n
	return nil
}

// end takes the end of the body. A last line without an end gets one, which
// the size then includes (RFC 5321 section 4.1.1.4).
func (s *bodyScanner) end() error {
	switch {
	case s.cr:
		return s.bare('\r', s.size-1, 1)
	case s.size > 0 && !s.ended:
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
// eight octets at a time.
func index8Bit(p []byte) int {
	const high = 0x8080808080808080
	i := 0
	for ; len(p)-i >= 32; i += 32 {
		q := p[i : i+32]
		if (binary.LittleEndian.Uint64(q)|binary.LittleEndian.Uint64(q[8:])|
			binary.LittleEndian.Uint64(q[16:])|binary.LittleEndian.Uint64(q[24:]))&high != 0 {
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

// maxEmptyReads is how many times running a reader may return nothing and no
// error before it is given up.
const maxEmptyReads = 100

var chunks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// chunkWriter lets io.Copy hand any body to w without an allocation of its own:
// what is in memory as octets goes through uncopied, the rest in chunks.
type chunkWriter struct{ w io.Writer }

func (c chunkWriter) Write(p []byte) (int, error) { return c.w.Write(p) }

func (c chunkWriter) WriteString(s string) (int, error) {
	chunk := chunks.Get().(*[32 << 10]byte)
	defer chunks.Put(chunk)
	n := 0
	for n < len(s) {
		m, err := c.w.Write(chunk[:copy(chunk[:], s[n:])])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c chunkWriter) ReadFrom(r io.Reader) (int64, error) {
	chunk := chunks.Get().(*[32 << 10]byte)
	defer chunks.Put(chunk)
	var total int64
	for empty := 0; empty < maxEmptyReads; {
		n, err := r.Read(chunk[:])
		if n > 0 {
			empty = 0
			m, werr := c.w.Write(chunk[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
		} else {
			empty++
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	return total, io.ErrNoProgress
}
