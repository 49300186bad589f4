package message

import "bytes"

// maxCoderLine is how long a line of uuencode or yEnc may be. What is longer
// is taken in pieces.
const maxCoderLine = qpTail - 8

// decodeLines gives the lines of src one by one to line, which writes to dst what
// they stand for and no more octets than they have. It returns how many octets
// that are and how many of src it used: all if src is the last, otherwise all
// but a line that is not whole.
func decodeLines(dst, src []byte, last bool, line func(dst, line []byte) int) (out, used int) {
	for used < len(src) {
		text := src[used:]
		n := bytes.IndexByte(text[:min(len(text), maxCoderLine)], '\n')
		switch {
		case n >= 0:
			text = text[:n+1]
		case len(text) >= maxCoderLine:
			text = text[:maxCoderLine]
		case !last:
			return out, used
		}
		out += line(dst[out:], text)
		used += len(text)
	}
	return out, used
}

// trimEOL cuts the line end off.
func trimEOL(line []byte) []byte {
	for len(line) > 0 && classes[line[len(line)-1]]&classFold != 0 {
		line = line[:len(line)-1]
	}
	return line
}
