package textwire

import (
	"bytes"
	"io"
)

// A Filler is a source that can wait without a buffer. Fill blocks until
// octets or an error are there and only then calls get, reads into what it
// gave and returns that buffer whole with the number of octets read. The buffer
// then belongs to the Reader. A buffer that Fill took and does not return it
// gives back by put.
//
// A Filler is read by its Read when part of a body is buffered already.
type Filler interface {
	Fill(get func() []byte, put func([]byte)) (buf []byte, n int, err error)
}

// A Trier is a source that can read without waiting. Try returns 0 and no error when
// there is nothing to be read now.
type Trier interface {
	Try(p []byte) (n int, err error)
}

const (
	// holdSize is what a Reader reads at most while it waits for a command
	// on a source that is not a Filler.
	holdSize = 64

	// directSize is the least size of a caller's buffer that raw octets are
	// read into directly.
	directSize = 4 << 10

	// maxEmptyReads is how often in a row a source may return nothing, not
	// even an error.
	maxEmptyReads = 100
)

// A Reader reads strict CRLF lines, raw octets and, through a DotReader,
// bodies from one source. While it waits for a line it holds no buffer: nothing,
// or what has come of the line.
type Reader struct {
	src  io.Reader
	buf  []byte          // nil, or a block of the pool
	r, w int             // buf[r:w] is received and not consumed
	err  error           // sticky; the source's is reported once all is consumed
	hold *[holdSize]byte // to wait with; nil while r has waited on a Filler alone
	more bool            // hold was filled, so that the source is likely to have more
}

// NewReader returns a Reader of src. A src that is a Filler is waited on by
// Fill; any other by reading into a few octets kept in the Reader.
func NewReader(src io.Reader) *Reader {
	r := new(Reader)
	r.Reset(src)
	return r
}

// Reset makes r read from src and forgets its errors and what is buffered.
// Reset(nil) gives back the buffer of a Reader that is done with.
func (r *Reader) Reset(src io.Reader) {
	r.release()
	r.src, r.err = src, nil
}

// Buffered returns the number of octets received and not yet consumed.
func (r *Reader) Buffered() int { return r.w - r.r }

// Peek returns those octets, a view that is valid until the next call of any
// method.
func (r *Reader) Peek() []byte { return r.buf[r.r:r.w] }

// Rest gives back the buffer of a Reader that may not be read from for a while, if
// all that was received is consumed. Lines that were returned are of no more use.
func (r *Reader) Rest() {
	if r.r == r.w {
		r.release()
	}
}

// LineBuffered reports whether ReadLine need not wait: the end of a line is
// buffered. When a source that is a Trier is likely to have the rest of what is, that
// is read first; an error of the source is kept for ReadLine.
func (r *Reader) LineBuffered() bool {
	if t, ok := r.src.(Trier); ok && r.r < r.w && r.more && !r.endsLine() {
		var n int
		n, r.err = t.Try(r.room())
		r.w += n
	}
	return r.endsLine()
}

func (r *Reader) endsLine() bool { return bytes.IndexByte(r.buf[r.r:r.w], '\n') >= 0 }

// ReadLine returns the next line without its CRLF. The line is a view of the
// buffer, valid until the next call of any method. At most limit octets are
// looked at, CRLF included; a limit beyond MaxLine counts as MaxLine.
//
// Errors are ErrLineTooLong; a *FramingError for the first bare CR, bare LF or
// NUL among the first limit octets; io.EOF at the start of a line and
// io.ErrUnexpectedEOF within one; and the source's own. They are sticky, for
// Read also.
func (r *Reader) ReadLine(limit int) ([]byte, error) {
	limit = max(0, min(limit, MaxLine))
	for from := 0; ; {
		b := r.buf[r.r:r.w]
		b = b[:min(len(b), limit)]
		line, bad := scanLine(b, from)
		if bad >= 0 {
			return nil, r.fail(&FramingError{b[bad], int64(bad)})
		}
		if line >= 0 {
			r.r += line + 2
			return b[:line:line], nil
		}
		if len(b) == limit {
			return nil, r.fail(ErrLineTooLong)
		}
		if from = len(b); from > 0 && b[from-1] == '\r' {
			from-- // the octet after it is yet to come
		}
		if err := r.fill(false); err != nil {
			if err == io.EOF && len(b) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, r.fail(err)
		}
	}
}

// scanLine looks for the CRLF that ends the line b begins with; b[:from] is
// known to be clean. It returns the length of the line without CRLF, or -1 if
// the end is not in b; and the index of the first octet that may not be in a
// line, or -1. A CR that ends b is neither good nor bad yet.
func scanLine(b []byte, from int) (line, bad int) {
	end := bytes.IndexByte(b[from:], '\r')
	text := b[from:]
	if end >= 0 {
		text = text[:end]
	}
	bad = bytes.IndexByte(text, '\n')
	if bad >= 0 {
		text = text[:bad]
	}
	if nul := bytes.IndexByte(text, 0); nul >= 0 {
		bad = nul
	}
	switch end += from; {
	case bad >= 0:
		return -1, from + bad
	case end < from || end+1 == len(b):
		return -1, -1
	case b[end+1] != '\n':
		return -1, end
	default:
		return end, -1
	}
}

// Read reads raw octets, as a counted chunk needs them: no line, no limit.
// What is buffered comes first.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.r == r.w {
		if r.err != nil {
			return 0, r.err
		}
		if len(p) >= directSize {
			r.release()
			n, err := r.src.Read(p)
			r.err = err
			if n > 0 {
				err = nil
			}
			return n, err
		}
		if err := r.fill(true); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.r:r.w])
	r.r += n
	return n, nil
}

// fill waits until at least one octet more is buffered. It must not be called
// with a full buffer.
func (r *Reader) fill(body bool) error {
	for range maxEmptyReads {
		if r.err != nil {
			return r.err
		}
		var n int
		filler, _ := r.src.(Filler)
		if r.r == r.w && filler != nil || !body && !r.more {
			n, r.err = r.await(filler)
		} else {
			n, r.err = r.readOn()
		}
		if r.w += n; n > 0 {
			return nil
		}
	}
	return io.ErrNoProgress
}

// readOn reads behind what is buffered, and waits with the buffer in hand.
func (r *Reader) readOn() (n int, err error) { return r.src.Read(r.room()) }

// room returns the space behind what is buffered.
func (r *Reader) room() []byte {
	r.more = false
	if r.buf == nil {
		r.buf = getBuffer()
	}
	r.r, r.w = 0, copy(r.buf, r.buf[r.r:r.w])
	return r.buf[r.w:]
}

// await waits without a buffer, on the source's filler if it is one. What is buffered
// is the beginning of a line: that much and no more is kept for a peer that stops
// there.
func (r *Reader) await(filler Filler) (n int, err error) {
	begun := bytes.Clone(r.buf[r.r:r.w])
	r.release()
	r.more = false
	var buf []byte
	switch {
	case filler != nil && len(begun) == 0:
		buf, n, err = filler.Fill(getBuffer, putBuffer)
	case filler != nil:
		get := func() []byte { return getBuffer()[:BufferSize-len(begun)] }
		buf, n, err = filler.Fill(get, putBuffer)
	default:
		if r.hold == nil {
			r.hold = new([holdSize]byte)
		}
		if n, err = r.src.Read(r.hold[:]); n > 0 {
			buf = getBuffer()
			copy(buf, r.hold[:n])
			r.more = n == holdSize
		}
	}
	if buf == nil {
		buf = getBuffer() // for what had begun
	}
	r.buf = buf[:BufferSize]
	copy(r.buf[len(begun):], buf[:n])
	r.w = copy(r.buf, begun)
	return n, err
}

// fail makes err the answer to everything from now on.
func (r *Reader) fail(err error) error {
	r.release()
	r.err = err
	return err
}

// release forgets what is buffered and gives back the buffer.
func (r *Reader) release() {
	if r.buf != nil {
		putBuffer(r.buf)
	}
	r.buf, r.r, r.w = nil, 0, 0
}
