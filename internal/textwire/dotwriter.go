package textwire

import (
	"bytes"
	"io"
)

// scanSize is how much of a Write is scanned before it is passed on: so much
// that large writes stay large, so little that it stays in cache.
const scanSize = BufferSize

// A DotWriter writes one body to a Writer, adds the dots and the end (RFC 5321
// section 4.5.2, RFC 1939 section 3). It flushes the Writer only when that is
// full. All errors are sticky, so that a body that went wrong is never ended
// and never taken for a whole one.
type DotWriter struct {
	w    *Writer
	mode Mode
	bol  bool // at the beginning of a line
	cr   bool // a CR was taken that is not written yet
	err  error
	size int64
}

// NewDotWriter returns a DotWriter of one body to w.
func NewDotWriter(w *Writer, mode Mode) *DotWriter {
	d := new(DotWriter)
	d.Reset(w, mode)
	return d
}

// Reset makes d write a new body to w.
func (d *DotWriter) Reset(w *Writer, mode Mode) {
	*d = DotWriter{w: w, mode: mode, bol: true}
}

// Size returns the number of octets taken from the caller.
func (d *DotWriter) Size() int64 { return d.size }

// AtLineStart reports whether the body so far is empty or ends with CRLF, so that
// Close adds only the dot's line.
func (d *DotWriter) AtLineStart() bool { return d.bol && !d.cr }

// Write adds p, whose lines may be cut anywhere, to the body. At a
// *FramingError all before the offending octet is written, it and all after
// it not.
func (d *DotWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && d.err == nil {
		c := d.write(p[n:min(len(p), n+scanSize)])
		n += c
		d.size += int64(c)
	}
	return n, d.err
}

// write takes a beginning of p, which is not empty, and returns how much.
func (d *DotWriter) write(p []byte) int {
	if d.cr {
		return d.afterCR(p[0])
	}
	d.stuff(p[0])
	n, why := run(p, d.mode != Transparent)
	if n > 0 {
		_, d.err = d.w.Write(p[:n])
		d.bol = why == stopLine || why == stopDot
	}
	switch {
	case d.err != nil:
		return 0
	case why == stopCR:
		d.cr = true
		return n + 1
	case why == stopBad && n > 0:
		return n
	case why == stopBad && d.mode == Normalize:
		return d.normalize(p)
	case why == stopBad:
		d.err = &FramingError{p[0], d.size}
	}
	return n
}

// afterCR decides about the CR held back, now that c follows it, and returns how
// many octets that took from c on.
func (d *DotWriter) afterCR(c byte) int {
	d.cr = false
	switch {
	case c == '\n':
		d.endLine()
		return 1
	case d.mode == Normalize:
		d.endLine()
	case d.mode == Transparent:
		d.put("\r")
		d.bol = false
	default:
		d.err = &FramingError{'\r', d.size - 1}
	}
	return 0
}

// normalize writes p line by line, ending each with CRLF, and returns how much of
// p it took. Each search is continued where it ended, so that text with one
// kind of line end only costs no more.
func (d *DotWriter) normalize(p []byte) (n int) {
	for cr, lf := -1, -1; n < len(p) && d.err == nil; {
		if cr < n {
			cr = index(p, n, '\r')
		}
		if lf < n {
			lf = index(p, n, '\n')
		}
		end := min(cr, lf)
		if n += d.text(p[n:end]); n < end && d.err == nil {
			d.err = &FramingError{0, d.size + int64(n)}
		}
		if n == len(p) || d.err != nil {
			return n
		}
		if n++; cr < lf {
			if n == len(p) {
				d.cr = true
				return n
			}
			if lf == n {
				n++
			}
		}
		d.endLine()
	}
	return n
}

// text writes p, which has no CR or LF, up to the first NUL and returns how much
// that is.
func (d *DotWriter) text(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	d.stuff(p[0])
	n := index(p, 0, 0)
	_, d.err = d.w.Write(p[:n])
	d.bol = false
	return n
}

// stuff doubles c if it is a dot that begins a line.
func (d *DotWriter) stuff(c byte) {
	if d.bol && c == '.' {
		d.put(".")
	}
}

func (d *DotWriter) endLine() {
	d.put("\r\n")
	d.bol = true
}

func (d *DotWriter) put(s string) {
	if d.err == nil {
		_, d.err = d.w.WriteString(s)
	}
}

// index returns where c is in p from n on, or len(p).
func index(p []byte, n int, c byte) int {
	if i := bytes.IndexByte(p[n:], c); i >= 0 {
		return n + i
	}
	return len(p)
}

// ReadFrom adds all that r gives to the body. An error of r, too, is
// sticky: a body that could not be read is not ended.
func (d *DotWriter) ReadFrom(r io.Reader) (total int64, err error) {
	buf := getBuffer()
	defer putBuffer(buf)
	for empty := 0; d.err == nil && empty < maxEmptyReads; empty++ {
		n, err := r.Read(buf)
		if n > 0 {
			empty = 0
			n, _ = d.Write(buf[:n]) // its error stays in d
			total += int64(n)
		}
		if err == io.EOF {
			return total, d.err
		}
		if err != nil && d.err == nil {
			d.err = err
		}
	}
	if d.err == nil {
		d.err = io.ErrNoProgress
	}
	return total, d.err
}

// Close ends the body: with CRLF if it lacks one, and a line of one dot. It
// does not flush the Writer. After any error Close writes nothing and returns
// that error; a Strict body that ends in a CR is one.
func (d *DotWriter) Close() error {
	if d.cr && d.err == nil {
		d.afterCR('.')
	}
	if !d.bol {
		d.endLine()
	}
	d.put(".\r\n")
	if d.err != nil {
		return d.err
	}
	d.err = errClosed
	return nil
}
