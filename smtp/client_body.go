package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// headSize is how many octets of a body are read before anything is sent, and so
// the size up to which a body of any kind is known like one in memory.
const headSize = 64 << 10

// headChunk has room for the head of a body, in front of it for the commands that
// may leave with it in one write, and behind it for the CRLF that it may lack.
type headChunk [window + headSize + len("\r\n")]byte

// head is where the head is.
func (c *headChunk) head() []byte { return c[window : window+headSize] }

var (
	// ErrNot7Bit says that a body whose envelope declares it [Body7Bit] has an octet
	// above 127. The end of the data is never sent after it.
	ErrNot7Bit = errors.New("smtp: body declared 7BIT has an octet above 127")

	// ErrBodyChanged says that a body that was looked through and rewound was not of
	// the same size when it was sent. The end of the data is never sent after it.
	ErrBodyChanged = errors.New("smtp: body changed while it was sent")
)

// bodyFacts are what a client knows of a body before it sends it.
type bodyFacts struct {
	known     bool  // the body has been looked through; the rest is true of all of it only then
	size      int64 // octets on the wire as RFC 1870 section 6 counts them: line ends made CRLF, no doubled dots
	raw       int64 // octets as they are
	eightBit  int64 // offset of the first octet above 127, -1 if there is none
	longest   int64 // octets of the longest line without its CRLF
	header8   bool  // the header section has characters beyond ASCII, in UTF-8
	bare      bool  // CR and LF do not all stand in pairs, or there is a NUL
	openEnded bool  // the last line lacks its CRLF
}

// bodySource is a body: what of it is in memory, and where the rest is.
type bodySource struct {
	head  []byte // the beginning of the body, in chunk
	chunk *headChunk
	rest  io.Reader // what comes behind head; nil if that is all
	facts bodyFacts

	copied bodyCounter // what copyTo has handed on

	// check looks at the rest once more when it is sent, as it may not be what it
	// was or was not looked through at all. It is nil for what is in memory.
	check *bodyScanner
}

// load reads the beginning of a body, and looks through all of one that can be
// rewound, so that what is wrong with it is found before the transaction begins.
// scan says what is to be looked for.
func (s *bodySource) load(body io.Reader, scan bodyScanner) error {
	s.chunk = chunks.Get().(*headChunk)
	n, err := readFull(body, s.chunk.head())
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading the body: %w", err)
	}
	s.head = s.chunk.head()[:n]
	if _, err := scan.Write(s.head); err != nil {
		return err
	}
	checked := scan
	if err == nil {
		s.rest = body
		if err = s.lookThrough(&scan); err != nil {
			return err
		}
	}
	s.facts.known = err == io.EOF || s.facts.known
	if s.facts.known {
		if err := scan.end(); err != nil {
			return err
		}
	}
	s.learn(&scan)
	if s.rest != nil && !inMemory(s.rest) {
		s.check = &checked
	}
	return nil
}

// lookThrough has scan take the rest of a body that can be rewound. A body that
// cannot be is left alone.
func (s *bodySource) lookThrough(scan *bodyScanner) error {
	seeker, ok := s.rest.(io.Seeker)
	if !ok {
		return nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // a pipe dressed as a file
	}
	if _, err := io.Copy(chunkWriter{scan}, s.rest); err != nil {
		return err
	}
	if _, err := seeker.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("cannot rewind the body: %w", err)
	}
	s.facts.known = true
	return nil
}

// learn takes over what scan has found.
func (s *bodySource) learn(scan *bodyScanner) {
	f := &s.facts
	f.size, f.raw = scan.size+scan.added, scan.size
	f.eightBit, f.longest = scan.eightBit, max(scan.longest, scan.line)
	f.bare, f.openEnded = scan.bares > 0, scan.size > 0 && !scan.ended
	if f.eightBit >= 0 && f.eightBit < int64(len(s.head)) {
		header := headerOf(s.head, s.rest != nil)
		f.header8 = index8Bit(header) >= 0 && utf8.Valid(header)
	}
}

// headerOf returns the header section at the beginning of a message, or what
// there is of it: it ends at the first line that is neither a field nor the
// continuation of one. Of a longer message the last line may be cut.
func headerOf(head []byte, longer bool) []byte {
	n := 0
	for line := range bytes.SplitAfterSeq(head, crlf[1:]) {
		folded := n > 0 && len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		cut := longer && n+len(line) == len(head)
		if !folded && !cut && !isField(line) {
			return head[:n]
		}
		n += len(line)
	}
	// The header of a longer message may be cut within a character.
	for i := 1; i <= min(n, utf8.UTFMax-1); i++ {
		if last := head[n-i : n]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				n -= i
			}
			break
		}
	}
	return head[:n]
}

// isField reports whether a line begins with the name of a header field.
func isField(line []byte) bool {
	name := bytes.TrimRight(line[:max(0, bytes.IndexByte(line, ':'))], " \t")
	return len(name) > 0 && plain(name) && bytes.IndexByte(name, ' ') < 0
}

// inMemory reports whether a body that was looked through is sure to be the same
// when it is read again.
func inMemory(body io.Reader) bool {
	switch body.(type) {
	case *bytes.Reader, *strings.Reader:
		return true
	}
	return false
}

// release gives back the memory of the head, which must not be used any more.
func (s *bodySource) release() {
	if s.chunk != nil {
		chunks.Put(s.chunk)
	}
	s.chunk, s.head = nil, nil
}

// next reads the next piece of a body into the memory of the one before.
func (s *bodySource) next() error {
	n, err := readFull(s.rest, s.chunk.head())
	s.head = s.chunk.head()[:n]
	if err == io.EOF {
		s.rest, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	return nil
}

// copyTo hands the whole body to w, and complains of its end if that is not where
// it was when the body was looked through.
func (s *bodySource) copyTo(w io.Writer) error {
	s.copied = bodyCounter{w: w}
	if _, err := s.copied.Write(s.head); err != nil {
		return err
	}
	if s.rest != nil {
		if _, err := io.Copy(chunkWriter{&s.copied}, s.rest); err != nil {
			return fmt.Errorf("reading the body: %w", err)
		}
	}
	if s.facts.known && s.copied.octets != s.facts.raw {
		return ErrBodyChanged
	}
	return nil
}

// bodyCounter counts what is written to w. A body that is an io.WriterTo is not believed.
type bodyCounter struct {
	w      io.Writer
	octets int64
}

func (c *bodyCounter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.octets += int64(n)
	return n, err
}

// maxEmptyReads is how many times running a reader may return nothing and no
// error before it is given up.
const maxEmptyReads = 100

// readFull reads until p is full, which is no error, or r has ended, which is
// io.EOF however much was read.
func readFull(r io.Reader, p []byte) (n int, err error) {
	for empty := 0; n < len(p) && empty < maxEmptyReads; {
		m, err := r.Read(p[n:])
		if n += m; err != nil {
			return n, err
		}
		if empty++; m > 0 {
			empty = 0
		}
	}
	if n < len(p) {
		return n, io.ErrNoProgress
	}
	return n, nil
}

var chunks = sync.Pool{New: func() any { return new(headChunk) }}

// chunkWriter lets io.Copy hand any body to w without an allocation of its own:
// what is in memory as octets goes through uncopied, the rest in chunks.
type chunkWriter struct{ w io.Writer }

func (c chunkWriter) Write(p []byte) (int, error) { return c.w.Write(p) }

func (c chunkWriter) WriteString(s string) (int, error) {
	chunk := chunks.Get().(*headChunk)
	defer chunks.Put(chunk)
	n := 0
	for n < len(s) {
		m, err := c.w.Write(chunk[:copy(chunk[:pieceSize], s[n:])])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c chunkWriter) ReadFrom(r io.Reader) (int64, error) {
	chunk := chunks.Get().(*headChunk)
	defer chunks.Put(chunk)
	var total int64
	for empty := 0; empty < maxEmptyReads; {
		n, err := r.Read(chunk[:pieceSize])
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
