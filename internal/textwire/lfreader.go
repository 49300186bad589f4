package textwire

import "io"

// An LFReader reads a body whose sender may have ended lines with LF alone, and
// delivers CRLF for each bare LF. What ends the body is for the DotReader below
// it to say, which must be Transparent: CRLF "." CRLF and nothing else. A line
// that begins behind a bare LF loses one dot, as senders of such lines stuff
// them too. A bare CR or a NUL is a *FramingError, its Offset counted in octets
// delivered.
//
// It holds a buffer of the pool from its first Read until Release.
type LFReader struct {
	dot *DotReader

	buf  []byte // nil, or a block of the pool
	r, w int    // buf[r:w] is read and not delivered

	ready int  // octets at the front to be delivered
	at    stop // where that leads to
	soft  bool // what comes next begins a line behind a bare LF
	half  bool // the CR for a bare LF is delivered, its LF is not

	err  error // sticky
	size int64
}

// Reset makes l read the body of d. A buffer is kept.
func (l *LFReader) Reset(d *DotReader) { *l = LFReader{dot: d, buf: l.buf} }

// Release gives the buffer back. The reader is of no use until Reset.
func (l *LFReader) Release() {
	if l.buf != nil {
		putBuffer(l.buf)
	}
	*l = LFReader{err: io.ErrClosedPipe}
}

// Read delivers octets of the body. Its errors are those of DotReader.Read, and
// sticky.
func (l *LFReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if l.half {
			p[n], l.half = '\n', false
			n, l.size = n+1, l.size+1
			continue
		}
		if l.ready == 0 && !l.next(n == 0) {
			break
		}
		if l.at == stopBad && l.ready == 0 { // a bare LF: next refuses all others
			p[n], l.half, l.soft = '\r', true, true
			n, l.size = n+1, l.size+1
			l.r, l.at = l.r+1, stopDry
			continue
		}
		c := copy(p[n:], l.buf[l.r:l.r+l.ready])
		l.r, l.ready = l.r+c, l.ready-c
		n, l.size = n+c, l.size+int64(c)
	}
	if n == 0 && len(p) > 0 {
		return 0, l.err
	}
	return n, nil
}

// WriteTo delivers the rest of the body to w. Its errors are those of Read, but
// for io.EOF, and those of w. What w refused is lost.
func (l *LFReader) WriteTo(w io.Writer) (total int64, err error) {
	p := getBuffer()
	defer putBuffer(p)
	for {
		n, err := l.Read(p)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err = w.Write(p[:n])
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// next finds what can be delivered: octets that stand as they are, or a bare
// LF. It reports false because of err or, unless wait is set, because more would
// have to be read.
func (l *LFReader) next(wait bool) bool {
	for l.err == nil {
		b := l.buf[l.r:l.w]
		if l.soft && len(b) > 0 {
			l.soft = false
			if b[0] == '.' {
				l.r++
				b = b[1:]
			}
		}
		if len(b) > 0 {
			l.ready, l.at = run(b, true)
			switch {
			case l.ready > 0 || l.at == stopBad && b[0] == '\n':
				return true
			case l.at == stopBad:
				l.err = &FramingError{b[0], l.size}
				return false
			}
		}
		if !wait {
			return false
		}
		l.fill()
	}
	return false
}

// fill reads more behind what is left, which is a CR at most.
func (l *LFReader) fill() {
	if l.buf == nil {
		l.buf = getBuffer()
	}
	l.w, l.r = copy(l.buf, l.buf[l.r:l.w]), 0
	n, err := l.dot.Read(l.buf[l.w:])
	l.w += n
	switch {
	case n > 0:
	case err == io.EOF && l.w > 0:
		l.err = &FramingError{l.buf[0], l.size}
	default:
		l.err = err
	}
}
