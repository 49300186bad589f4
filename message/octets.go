package message

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// What is done to each octet of a text is done to eight at a time here, as they lie in
// a word.

const (
	eachOctet = 0x0101010101010101 // the lowest bit of each of eight octets
	eightBits = 0x80 * eachOctet   // the highest
)

// word returns the first eight octets of b, the first of them lowest.
func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// octetsEqual returns x with the highest bit of each octet set that is c, up to the
// first of them; what it says of the octets behind that one is not to be relied on.
func octetsEqual(x uint64, c byte) uint64 {
	x ^= eachOctet * uint64(c)
	return (x - eachOctet) &^ x & eightBits
}

// replaceOctet puts by in the place of each c in b.
func replaceOctet(b []byte, c, by byte) {
	for ; len(b) >= 8; b = b[8:] {
		x := word(b)
		y := x ^ eachOctet*uint64(c)
		// An octet of y that is 0 is the only one that has no highest bit then.
		found := ^((y&^eightBits + (eightBits - eachOctet)) | y) & eightBits
		binary.LittleEndian.PutUint64(b, x^found>>7*uint64(c^by))
	}
	for i := range b {
		if b[i] == c {
			b[i] = by
		}
	}
}

// firstEightBit returns the index of the first octet over 127, -1 if there is none.
func firstEightBit(b []byte) int {
	i := 0
	for ; len(b)-i >= 32; i += 32 {
		w := (*[32]byte)(b[i:])
		if (word(w[0:])|word(w[8:])|word(w[16:])|word(w[24:]))&eightBits != 0 {
			break
		}
	}
	for ; len(b)-i >= 8; i += 8 {
		if high := word(b[i:]) & eightBits; high != 0 {
			return i + bits.TrailingZeros64(high)/8
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}

// countEightBit returns how many octets over 127 there are.
func countEightBit(b []byte) (n int) {
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(word(b) & eightBits)
	}
	for _, c := range b {
		n += int(c >> 7)
	}
	return n
}

// asciiRun returns how many octets b begins with that are not over 127.
func asciiRun(b []byte) int {
	if n := firstEightBit(b); n >= 0 {
		return n
	}
	return len(b)
}
