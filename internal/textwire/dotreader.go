package textwire

import "io"

// A DotReader reads one dot-stuffed body from a Reader: it takes out the dots
// and ends at the genuine CRLF "." CRLF, leaving in the Reader what follows
// (RFC 5321 section 4.5.2, RFC 1939 section 3). The CRLF before the final dot
// belongs to the body; a body of "." CRLF alone is empty.
//
// Whatever arrives in one segment is handed on without waiting for more. While
// it waits for more of a body the Reader may hold its buffer.
type DotReader struct {
	r    *Reader
	mode Mode

	ready int  // octets at the front of the Reader's buffer to be delivered
	at    stop // where that leads to

	err       error // sticky, reported when ready is 0
	ended     bool
	size, raw int64
}

// NewDotReader returns a DotReader of the body that begins with r's next octet.
// The mode is Strict or Transparent; any other counts as Strict.
func NewDotReader(r *Reader, mode Mode) *DotReader {
	d := new(DotReader)
	d.Reset(r, mode)
	return d
}

// Reset makes d read the body that begins with r's next octet.
func (d *DotReader) Reset(r *Reader, mode Mode) {
	*d = DotReader{r: r, mode: mode, at: stopLine}
}

// Ended reports whether the genuine end of the body has been consumed.
func (d *DotReader) Ended() bool { return d.ended }

// Size returns the number of octets delivered.
func (d *DotReader) Size() int64 { return d.size }

// Raw returns the number of octets consumed from the Reader: the delivered
// ones, the dots taken out, the end, and what was drained.
func (d *DotReader) Raw() int64 { return d.raw }

// Read delivers octets of the body, as many as fit in p and are there. Its
// errors are sticky: io.EOF after the genuine end and nowhere else; a
// *FramingError in Strict mode, when all before the offending octet has been
// delivered; io.ErrUnexpectedEOF if the source ends within the body; and the
// source's own.
func (d *DotReader) Read(p []byte) (n int, err error) {
	for n < len(p) && d.next(n == 0) {
		c := copy(p[n:], d.front())
		d.size += int64(c)
		d.consume(c)
		d.ready -= c
		n += c
	}
	if n == 0 && len(p) > 0 {
		return 0, d.err
	}
	return n, nil
}

// WriteTo delivers the rest of the body to w, straight out of the Reader's
// buffer: one Write for what arrived at once. Its errors are those of Read,
// but for io.EOF, and those of w. What w refused is lost.
func (d *DotReader) WriteTo(w io.Writer) (total int64, err error) {
	for d.next(true) {
		n, err := w.Write(d.gather())
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	if d.err == io.EOF {
		return total, nil
	}
	return total, d.err
}

// gather consumes all that can be delivered without waiting, and returns it as
// one stretch of the Reader's buffer, moved together over the dots taken out.
func (d *DotReader) gather() []byte {
	start, end := d.r.r, d.r.r
	for ok := true; ok; ok = d.next(false) {
		if end != d.r.r {
			copy(d.r.buf[end:], d.front())
		}
		end += d.ready
		d.size += int64(d.ready)
		d.skip()
	}
	return d.r.buf[start:end]
}

// Drain goes on to the genuine end of the body and delivers nothing. It does so
// after a *FramingError too, taking bare CR, LF and NUL for text, so that a
// refusal can be sent in step. It returns nil if the end was found,
// ErrBodyTooLong if that would have needed more than limit raw octets, and
// the errors of the source. Unless nothing was left to drain, Read will not
// return io.EOF afterwards: the body it would end was not delivered.
func (d *DotReader) Drain(limit int64) error {
	broken, isFraming := d.err.(*FramingError)
	switch {
	case d.ended:
		return nil
	case d.err != nil && !isFraming:
		return d.err
	}
	d.mode, d.err = Transparent, nil
	if d.at == stopBad {
		d.at = stopDry
	}
	start, drained := d.raw, false
	for d.next(true) && d.raw-start <= limit {
		d.skip()
		drained = true
	}
	switch {
	case d.raw-start > limit:
		d.err = ErrBodyTooLong
		return d.err
	case !d.ended:
		return d.err
	case isFraming:
		d.err = broken
	case drained:
		d.err = errDrained
	}
	return nil
}

// next makes sure that something is ready, or else reports false: because of
// d.err or, unless wait is set, because what is buffered does not suffice.
func (d *DotReader) next(wait bool) bool {
	for d.ready == 0 && d.err == nil {
		b := d.r.buf[d.r.r:d.r.w]
		if d.at == stopBad {
			d.err = &FramingError{b[0], d.size}
			return false
		}
		if (d.at == stopLine || d.at == stopDot) && len(b) > 0 && b[0] == '.' {
			switch {
			case len(b) == 1 || len(b) == 2 && b[1] == '\r':
				b = nil // undecided
			case b[1] == '\r' && b[2] == '\n':
				d.consume(3)
				d.ended, d.err = true, io.EOF
				return false
			default:
				d.consume(1)
				b = b[1:]
			}
		}
		if len(b) > 0 {
			d.ready, d.at = run(b, d.mode != Transparent)
			if d.ready > 0 || d.at == stopBad {
				continue
			}
		}
		if !wait {
			return false
		}
		if d.err = d.r.fill(true); d.err == io.EOF {
			d.err = io.ErrUnexpectedEOF
		}
	}
	return d.ready > 0
}

// front is what is ready.
func (d *DotReader) front() []byte { return d.r.buf[d.r.r:][:d.ready] }

// skip consumes what is ready.
func (d *DotReader) skip() {
	d.consume(d.ready)
	d.ready = 0
}

// consume takes n octets out of the Reader.
func (d *DotReader) consume(n int) {
	d.r.r += n
	d.raw += int64(n)
}
