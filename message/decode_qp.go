package message

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

const (
	// maxQPBlanks is how many blanks at the end of a line are dropped at most, and how
	// many may stand behind the "=" of a soft line break. It bounds how much of a line
	// must be seen at once.
	maxQPBlanks = 1024
	// qpTail is how much of a line whose end is not in sight is not decoded yet.
	qpTail = maxQPBlanks + 8
)

// qpDecoder undoes quoted-printable (RFC 2045 section 6.7) a chunk at a time. A
// broken escape stands for itself. The zero value is ready.
type qpDecoder struct {
	bad bool // something was not as it should be
}

// decode writes to dst, which is as long as src at least, what src stands for. It
// returns how many octets that are and how many of src it used: all if src is
// the last, otherwise all but qpTail octets at most.
func (d *qpDecoder) decode(dst, src []byte, last bool) (out, used int) {
	for used < len(src) {
		n, in := plainLines(dst[out:], src[used:])
		out += n
		used += in
		line := src[used:]
		n = bytes.IndexByte(line, '\n')
		if n < 0 && !last {
			if len(line) > qpTail {
				n, in := d.span(dst[out:], line, len(line)-qpTail)
				out += n
				used += in
			}
			return out, used
		}
		if n >= 0 {
			line = line[:n+1]
		}
		out += d.line(dst[out:], line)
		used += len(line)
	}
	return out, used
}

// plainLines decodes whole lines as far as they are as they should be: every "="
// begins an escape or ends the line, and no line ends in a blank. It takes eight
// octets at a time, and dst must be as long as src.
func plainLines(dst, src []byte) (out, used int) {
	i, o := 0, 0
	for len(src)-i >= 8 && len(dst)-o >= 8 {
		x := word(src[i:])
		binary.LittleEndian.PutUint64(dst[o:], x)
		marks := octetsEqual(x, '=') | octetsEqual(x, '\n')
		if marks == 0 {
			i += 8
			o += 8
			continue
		}
		n := bits.TrailingZeros64(marks) / 8
		i += n
		o += n
		for len(src)-i >= 3 && o < len(dst) && src[i] == '=' {
			hi, lo := hexValues[src[i+1]], hexValues[src[i+2]]
			if hi|lo >= 16 {
				end := lineEndLen(src[i+1:])
				if end == 0 {
					return out, used
				}
				i += 1 + end
				used, out = i, o
				break
			}
			dst[o] = hi<<4 | lo
			i += 3
			o++
		}
		if i < len(src) && o < len(dst) && src[i] == '\n' {
			if !plainEnd(src[used:i]) {
				return out, used
			}
			dst[o] = '\n'
			i++
			o++
			used, out = i, o
		}
	}
	return out, used
}

// plainEnd reports whether line, given without its LF, ends in nothing that must be
// dropped with the line end.
func plainEnd(line []byte) bool {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return len(line) == 0 || !isFWS(line[len(line)-1])
}

// line decodes one line with its line end.
func (d *qpDecoder) line(dst, line []byte) int {
	end := len(line) // of the text; behind it is the line end
	for end > 0 && classes[line[end-1]]&classFold != 0 {
		end--
	}
	// Blanks at the end were added on the way (RFC 2045 section 6.7 rule 3).
	text := end
	for text > 0 && end-text < maxQPBlanks && isWSP(line[text-1]) {
		text--
	}
	if text > 0 && line[text-1] == '=' { // a soft line break
		n, _ := d.span(dst, line[:text-1], text-1)
		return n
	}
	n, _ := d.span(dst, line[:text], text)
	return n + copy(dst[n:], line[end:])
}

// span decodes text, at least its first limit octets, and returns how many octets
// it wrote and used.
func (d *qpDecoder) span(dst, text []byte, limit int) (out, used int) {
	for used < limit {
		n := bytes.IndexByte(text[used:limit], '=')
		if n < 0 {
			return out + copy(dst[out:], text[used:limit]), limit
		}
		out += copy(dst[out:], text[used:used+n])
		used += n
		c, ok := unhex(text[used+1:])
		if ok {
			used += 3
		} else {
			c = '='
			used++
			d.bad = true
		}
		dst[out] = c
		out++
	}
	return out, used
}

// unhex returns the octet that two hexadecimal digits at the start of s stand
// for. Lower case is not allowed but met.
func unhex[T string | []byte](s T) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, lo := hexValues[s[0]], hexValues[s[1]]
	return hi<<4 | lo, hi|lo < 16
}

var hexValues = func() (t [256]byte) {
	for c := range t {
		switch {
		case '0' <= c && c <= '9':
			t[c] = byte(c - '0')
		case 'A' <= c && c <= 'F':
			t[c] = byte(c - 'A' + 10)
		case 'a' <= c && c <= 'f':
			t[c] = byte(c - 'a' + 10)
		default:
			t[c] = 0xFF
		}
	}
	return t
}()
