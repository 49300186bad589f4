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
// the index; notPair marks what is not in the alphabet. Of its 128 KiB base64
// touches an eighth. It is made when it is first used.
var base64Pairs = sync.OnceValue(func() *base64Table {
	t := new(base64Table)
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

type base64Table [1 << 16]uint16

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
		dst, src = t.lines(dst, src)
		for len(src) >= 8 && len(dst) >= 8 {
			if t.eight((*[8]byte)(dst), (*[8]byte)(src))&notEight != 0 {
				break
			}
			dst, src = dst[6:], src[8:]
		}
		if len(src) >= 4 && len(dst) >= 3 {
			a, b := t.pair(src), t.pair(src[2:])
			if (a|b)&notPair == 0 {
				dst[0], dst[1], dst[2] = byte(a>>4), byte(a<<4|b>>8), byte(b)
				dst, src = dst[3:], src[4:]
			}
		}
		end := lineEndLen(src)
		if end == 0 {
			return dst, src
		}
		src = src[end:]
	}
}

// lines decodes lines of 76 characters, which are most of all base64 there is (RFC
// 2045 section 6.8 allows no more), up to the first that is anything else. A line takes
// no branch but two, so that it is as fast as tables are.
func (t *base64Table) lines(dst, src []byte) ([]byte, []byte) {
	for len(src) >= 78 && len(dst) >= 62 {
		d, s := (*[62]byte)(dst), (*[78]byte)(src)
		end := lineEndLen(s[76:])
		if end == 0 {
			break
		}
		bad := t.eight((*[8]byte)(d[0:]), (*[8]byte)(s[0:]))
		bad |= t.eight((*[8]byte)(d[6:]), (*[8]byte)(s[8:]))
		bad |= t.eight((*[8]byte)(d[12:]), (*[8]byte)(s[16:]))
		bad |= t.eight((*[8]byte)(d[18:]), (*[8]byte)(s[24:]))
		bad |= t.eight((*[8]byte)(d[24:]), (*[8]byte)(s[32:]))
		bad |= t.eight((*[8]byte)(d[30:]), (*[8]byte)(s[40:]))
		bad |= t.eight((*[8]byte)(d[36:]), (*[8]byte)(s[48:]))
		bad |= t.eight((*[8]byte)(d[42:]), (*[8]byte)(s[56:]))
		bad |= t.eight((*[8]byte)(d[48:]), (*[8]byte)(s[64:]))
		x, y := t.pair(s[72:]), t.pair(s[74:])
		binary.BigEndian.PutUint64(d[54:], uint64(x)<<52|uint64(y)<<40)
		if bad&notEight|uint64(x|y)&notPair != 0 {
			break
		}
		dst, src = dst[57:], src[76+end:]
	}
	return dst, src
}

// lineEndLen returns the length of the line end that b begins with, 0 if there is none.
func lineEndLen(b []byte) int {
	switch {
	case len(b) >= 2 && b[0] == '\r' && b[1] == '\n':
		return 2
	case len(b) >= 1 && b[0] == '\n':
		return 1
	}
	return 0
}

// eight decodes eight characters. Two octets of dst more than the six they stand for are
// overwritten. In what it returns the bits notEight are set if one of the
// characters is not in the alphabet.
func (t *base64Table) eight(dst, src *[8]byte) uint64 {
	// Two pairs lie in one word so far apart that their marks fall between them.
	ac := uint64(t.pair(src[0:]))<<24 | uint64(t.pair(src[4:]))
	bd := uint64(t.pair(src[2:]))<<24 | uint64(t.pair(src[6:]))
	binary.BigEndian.PutUint64(dst[:], (ac<<12|bd)<<16)
	return ac | bd
}

const notEight = notPair<<24 | notPair

func (t *base64Table) pair(src []byte) uint16 { return t[binary.LittleEndian.Uint16(src)] }

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
