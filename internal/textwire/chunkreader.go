package textwire

import (
	"bytes"
	"io"
)

// A ChunkReader reads a body that comes in counted chunks from a Reader (RFC 3030
// section 2). It consumes the octets of the chunks that Begin announces, and not one
// more; they are never looked at to find an end.
//
// A Strict body is text: a bare CR, a bare LF or a NUL in it is a *FramingError, also
// where a chunk ends between CR and LF. A Transparent body is any octets.
type ChunkReader struct {
	r    *Reader
	mode Mode

	left int64 // octets of the chunk that are not consumed yet
	cr   bool  // the last octet was a CR, of which its successor tells what it is
	err  error // sticky
	size int64
}

// Reset makes c read a body from r, which begins with the next Begin. The mode is
// Strict or Transparent; any other counts as Strict.
func (c *ChunkReader) Reset(r *Reader, mode Mode) { *c = ChunkReader{r: r, mode: mode} }

// Begin announces a chunk of n octets that begins with the Reader's next one. What was
// left of the chunk before is forgotten, which is for Discard to prevent.
func (c *ChunkReader) Begin(n int64) { c.left = n }

// Left returns the number of octets of the chunk that were not consumed yet.
func (c *ChunkReader) Left() int64 { return c.left }

// Size returns the number of octets delivered.
func (c *ChunkReader) Size() int64 { return c.size }

// Read delivers octets of the chunk. At its end it returns io.EOF, which another
// Begin lifts. Its other errors are sticky: a *FramingError in Strict mode, when all
// before the offending octet has been delivered, except that a CR at the end of what
// arrived is delivered before it is judged; io.ErrUnexpectedEOF if the source ends
// within the chunk; and the source's own.
func (c *ChunkReader) Read(p []byte) (int, error) {
	switch {
	case c.err != nil:
		return 0, c.err
	case c.left == 0:
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		c.err = unexpected(err)
	}
	if n = c.accept(p[:n]); n > 0 {
		return n, nil
	}
	return 0, c.err
}

// WriteTo delivers the rest of the chunk to w, straight out of the Reader's buffer:
// one Write for what arrived at once. Its errors are those of Read, but for io.EOF,
// and those of w. What w refused is lost.
func (c *ChunkReader) WriteTo(w io.Writer) (total int64, err error) {
	for c.left > 0 && c.err == nil {
		b := c.next()
		if b = b[:c.accept(b)]; len(b) == 0 {
			continue
		}
		n, err := w.Write(b)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, c.err
}

// next consumes octets of the chunk, at least one unless it sets err. They are valid
// until the next call of any method.
func (c *ChunkReader) next() []byte {
	r := c.r
	if r.r == r.w {
		if err := r.fill(true); err != nil {
			c.err = unexpected(err)
			return nil
		}
	}
	b := r.buf[r.r:r.w]
	b = b[:min(int64(len(b)), c.left)]
	r.r += len(b)
	c.left -= int64(len(b))
	return b
}

// accept judges octets of the body, and returns how many may be delivered. If not all
// may it sets err.
func (c *ChunkReader) accept(b []byte) (n int) {
	if c.mode == Transparent {
		c.size += int64(len(b))
		return len(b)
	}
	if c.cr && len(b) > 0 {
		if b[0] != '\n' {
			c.err = &FramingError{'\r', c.size - 1}
			return 0
		}
		n, c.cr = 1, false
	}
	text, ok := textLength(b[n:])
	n += text
	c.size += int64(n)
	switch {
	case !ok:
		c.err = &FramingError{b[n], c.size}
	case text > 0:
		c.cr = b[n-1] == '\r'
	}
	return n
}

// textLength returns the length of the longest beginning of b without a bare CR, a
// bare LF or a NUL, and whether that is all of b. A CR that ends b is not judged. As
// in run, all searches go over long stretches.
func textLength(b []byte) (n int, ok bool) {
	lines := 0
	var alike pattern
	for {
		i := bytes.IndexByte(b[n:], '\n')
		if i < 0 {
			break
		}
		n += i + 1
		if n == 1 || b[n-2] != '\r' {
			return firstBad(b), false
		}
		more := alike.repeats(i+1, b[n:])
		n += more * (i + 1)
		lines += 1 + more
	}
	if bytes.HasSuffix(b, []byte{'\r'}) {
		lines++
	}
	if bytes.IndexByte(b, 0) >= 0 || bytes.Count(b, []byte{'\r'}) != lines {
		return firstBad(b), false
	}
	return len(b), true
}

// End says whether the body may end where the chunk does: a Strict one must not end
// in a bare CR. It returns that *FramingError, or what else is wrong with the body.
func (c *ChunkReader) End() error {
	if c.err == nil && c.cr {
		c.err = &FramingError{'\r', c.size - 1}
	}
	return c.err
}

// Discard consumes the rest of the chunk, whatever it is, and delivers nothing. The
// error is the source's: the chunk was not found to its end.
func (c *ChunkReader) Discard() error {
	if _, isFraming := c.err.(*FramingError); c.err != nil && !isFraming {
		return c.err
	}
	broken := c.err
	c.err = nil
	for c.left > 0 && c.err == nil {
		c.next()
	}
	if c.err == nil {
		c.err = broken
		return nil
	}
	return c.err
}

// unexpected is err, where the end of the source is none of the body.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
