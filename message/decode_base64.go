package message

import (
	"encoding/binary"
	"sync"
)

// base64Decoder undoes base64 (RFC 2045 section 6.8) a chunk at a time. What is not
// in the alphabet is passed over, padding ends the data, and missing padding
// is made up for. The zero value is ready.
type base64Decoder struct {
	quantum uint32 // the characters of an unfinished group of four, 6 bits each
	n       int    // how many of them there are
	padding int    // how many padding characters are still due
	ended   bool   // padding was met
	bad     bool   // something was not as it should be
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// notBase64 is the value of what is not in the alphabet.
const notBase64 = 0xFF

var base64Values = func() (t [256]uint8) {
	for c := range t {
		t[c] = notBase64
	}
	for v, c := range []byte(base64Alphabet) {
		t[c] = uint8(v)
	}
	return t
}()

// base64Pairs has the twelve bits of two characters, the first in the low octet of
// the index; a value above them marks what is not in the alphabet. Of its 128 KiB
// base64 touches an eighth. It is made when it is first used.
var base64Pairs = sync.OnceValue(func() *[1 << 16]uint16 {
	t := new([1 << 16]uint16)
	for i := range t {
		t[i] = notPair
	}
	for v, c := range []byte(base64Alphabet) {
		for w, d := range []byte(base64Alphabet) {
			t[int(c)|int(d)<<8] = uint16(v<<6 | w)
		}
	}
	return t
})

const notPair = 1 << 15

// base64Room is how many octets decode and finish may write for n characters.
func base64Room(n int) int { return n/4*3 + 8 }

// decode writes to dst, which has base64Room(len(src)), what src stands for, and
// returns how many octets that are.
func (d *base64Decoder) decode(dst, src []byte) int {
	room := len(dst)
	for len(src) > 0 && !d.ended {
		if d.n == 0 {
			if dst, src = decodeGroups(dst, src); len(src) == 0 {
				break
			}
		}
		dst = dst[d.octet(dst, src[0]):]
		src = src[1:]
	}
	if d.ended {
		d.behind(src)
	}
	return room - len(dst)
}

// decodeGroups decodes whole groups as far as there are nothing but those and line
// ends between them. It returns what is left of both.
func decodeGroups(dst, src []byte) ([]byte, []byte) {
	t := base64Pairs()
	for {
		for len(src) >= 8 && len(dst) >= 8 {
			x := binary.LittleEndian.Uint64(src)
			a, b, c, d := t[uint16(x)], t[uint16(x>>16)], t[uint16(x>>32)], t[uint16(x>>48)]
			if (a|b|c|d)&notPair != 0 {
				break
			}
			binary.BigEndian.PutUint64(dst, uint64(a)<<52|uint64(b)<<40|uint64(c)<<28|uint64(d)<<16)
			dst, src = dst[6:], src[8:]
		}
		if len(src) >= 4 && len(dst) >= 3 {
			x := binary.LittleEndian.Uint32(src)
			if a, b := t[uint16(x)], t[uint16(x>>16)]; (a|b)&notPair == 0 {
				dst[0], dst[1], dst[2] = byte(a>>4), byte(a<<4|b>>8), byte(b)
				dst, src = dst[3:], src[4:]
			}
		}
		if len(src) < 2 || src[0] != '\r' || src[1] != '\n' {
			return dst, src
		}
		src = src[2:]
	}
}

// octet takes one character and writes what it completes.
func (d *base64Decoder) octet(dst []byte, c byte) int {
	switch v := base64Values[c]; {
	case v != notBase64:
		d.quantum = d.quantum<<6 | uint32(v)
		if d.n++; d.n == 4 {
			dst[0], dst[1], dst[2] = byte(d.quantum>>16), byte(d.quantum>>8), byte(d.quantum)
			d.quantum, d.n = 0, 0
			return 3
		}
	case c == '=' && d.n >= 2:
		d.ended, d.padding = true, 3-d.n
		return d.tail(dst)
	case !isFWS(c):
		d.bad = true
	}
	return 0
}

// behind looks at what follows the padding.
func (d *base64Decoder) behind(src []byte) {
	if d.bad {
		return
	}
	for _, c := range src {
		switch {
		case isFWS(c):
		case c == '=' && d.padding > 0:
			d.padding--
		default:
			d.bad = true
			return
		}
	}
}

// finish writes to dst what an unfinished group stands for. Two or three
// characters are one or two octets that lack their padding; one is nothing.
func (d *base64Decoder) finish(dst []byte) int {
	if d.n > 0 || d.padding > 0 {
		d.bad = true
	}
	return d.tail(dst)
}

func (d *base64Decoder) tail(dst []byte) int {
	q := d.quantum << (6 * (4 - d.n))
	n := max(d.n-1, 0)
	for i := range n {
		dst[i] = byte(q >> (16 - 8*i))
	}
	d.quantum, d.n = 0, 0
	return n
}
