package textwire

import "io"

// A Writer gathers what is to leave in one write: the replies to a group of
// commands, or commands themselves. It holds a buffer only while octets are
// pending. An error of dst is sticky.
type Writer struct {
	dst io.Writer
	buf *block // nil, or one of the pool
	n   int    // buf[:n] is pending
	err error

	unsent bool // dst has not taken all that was sent to it
}

// NewWriter returns a Writer to dst.
func NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Reset makes w write to dst and forgets its error and what is pending.
func (w *Writer) Reset(dst io.Writer) {
	w.release()
	w.dst, w.err, w.unsent = dst, nil, false
}

// Buffered returns the number of octets pending.
func (w *Writer) Buffered() int { return w.n }

// Unsent reports, after an error, whether it is certain that the last octet
// written has not reached dst.
func (w *Writer) Unsent() bool { return w.unsent || w.n > 0 }

// AvailableBuffer returns an empty slice of the buffer's free space, to be
// appended to and passed to an immediately following Write, which then copies
// nothing. It is valid until the next call of any method.
func (w *Writer) AvailableBuffer() []byte {
	if w.buf == nil {
		w.buf = (*block)(getBuffer())
	}
	return w.buf[w.n:w.n:len(w.buf)]
}

// Write appends p to what is pending and writes to dst when the buffer is full.
// Of a p that does not fit, all from the first full buffer on goes to dst
// without being copied, if it is BufferSize octets or more.
func (w *Writer) Write(p []byte) (int, error) {
	total := len(p)
	for w.err == nil && len(p) > 0 {
		if w.n == 0 && len(p) >= BufferSize {
			p = p[w.send(p):]
			continue
		}
		free := w.AvailableBuffer()
		free = free[:cap(free)]
		n := min(len(free), len(p))
		if &free[0] != &p[0] { // else p was appended to an AvailableBuffer
			copy(free, p[:n])
		}
		p = p[n:]
		w.advance(n)
	}
	return total - len(p), w.err
}

// WriteString is Write of a string; all of it passes through the buffer.
func (w *Writer) WriteString(s string) (int, error) {
	total := len(s)
	for w.err == nil && len(s) > 0 {
		free := w.AvailableBuffer()
		n := copy(free[:cap(free)], s)
		s = s[n:]
		w.advance(n)
	}
	return total - len(s), w.err
}

// Flush sends what is pending in one write and gives the buffer back.
func (w *Writer) Flush() error {
	if w.n > 0 {
		w.send(w.buf[:w.n])
	}
	w.release()
	return w.err
}

// room returns free space of at least least octets, for which it sends what is
// pending if need be.
func (w *Writer) room(least int) []byte {
	free := w.AvailableBuffer()
	if cap(free) < least {
		w.send(w.buf[:w.n])
		w.n = 0
		free = w.AvailableBuffer()
	}
	return free[:cap(free)]
}

// advance counts n more octets as pending and sends a buffer that is full. A
// buffer is never kept full, so that free space is never empty.
func (w *Writer) advance(n int) {
	if w.n += n; w.n == len(w.buf) {
		w.send(w.buf[:])
		w.n = 0
	}
}

// send writes p to dst, unless an earlier write failed, and returns how much of
// it left.
func (w *Writer) send(p []byte) (n int) {
	if w.err != nil {
		return 0
	}
	n, w.err = w.dst.Write(p)
	if n < len(p) {
		w.unsent = true
		if w.err == nil {
			w.err = io.ErrShortWrite
		}
	}
	return n
}

// release forgets what is pending and gives back the buffer.
func (w *Writer) release() {
	if w.buf != nil {
		putBuffer(w.buf[:])
	}
	w.buf, w.n = nil, 0
}
