package maildir

import "bytes"

// crlfWriter turns LF into CRLF: an LF that follows a CR stays as it is, and so does a
// CR without LF.
type crlfWriter struct {
	last byte // the last octet given out; LF before the first
}

// convert moves what fits from src to dst, and says how many octets of each were used.
func (c *crlfWriter) convert(dst, src []byte) (nd, ns int) {
	for ns < len(src) {
		line := src[ns:]
		i := bytes.IndexByte(line, '\n')
		if i >= 0 {
			line = line[:i]
		}
		n := copy(dst[nd:], line)
		nd, ns = nd+n, ns+n
		if n > 0 {
			c.last = line[n-1]
		}
		if n < len(line) || i < 0 {
			break
		}
		if c.last != '\r' {
			if nd == len(dst) {
				break
			}
			dst[nd] = '\r'
			nd++
			c.last = '\r'
		}
		if nd == len(dst) {
			break
		}
		dst[nd] = '\n'
		nd, ns = nd+1, ns+1
		c.last = '\n'
	}
	return nd, ns
}

// lfWriter turns CRLF into LF, and leaves a CRLF that follows a CR as it is: so
// crlfWriter restores text whose every line ends in CRLF octet for octet, whatever CRs
// are in it.
type lfWriter struct {
	last byte // the last octet given out; LF before the first
	held bool // a CR was taken and not given out: the next octet decides
	bare int64
}

// append appends the stored form of src to dst, and counts in bare the LFs given out
// that follow no CR.
func (c *lfWriter) append(dst, src []byte) []byte {
	if c.held && len(src) > 0 {
		c.held = false
		dst, src = c.appendCR(dst, src)
	}
	for len(src) > 0 {
		i := bytes.IndexByte(src, '\r')
		text := src
		if i >= 0 {
			text = src[:i]
		}
		if len(text) > 0 {
			// In text each LF is bare, for a pair of CR and LF never begins in what
			// came before.
			c.bare += int64(bytes.Count(text, []byte{'\n'}))
			dst = append(dst, text...)
			c.last = text[len(text)-1]
		}
		if i < 0 {
			return dst
		}
		src = src[i+1:]
		if len(src) == 0 {
			c.held = true
			return dst
		}
		dst, src = c.appendCR(dst, src)
	}
	return dst
}

// appendCR deals with a CR that is followed by src, which is not empty.
func (c *lfWriter) appendCR(dst, src []byte) (rest, after []byte) {
	switch {
	case src[0] != '\n':
		dst = append(dst, '\r')
		c.last = '\r'
		return dst, src
	case c.last == '\r':
		dst = append(dst, '\r', '\n')
	default:
		dst = append(dst, '\n')
		c.bare++
	}
	c.last = '\n'
	return dst, src[1:]
}

// finish appends the CR that is held back, and completes the last line. An empty text
// has no line.
func (c *lfWriter) finish(dst []byte) []byte {
	if c.held {
		c.held = false
		c.last = '\r'
		dst = append(dst, '\r')
	}
	switch c.last {
	case '\n':
		return dst
	case '\r':
		dst = append(dst, '\r', '\n')
	default:
		dst = append(dst, '\n')
		c.bare++
	}
	c.last = '\n'
	return dst
}
