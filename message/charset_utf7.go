package message

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// utf7 is UTF-7 (RFC 2152), which no standard wants any more and some mail still has.
type utf7 struct{}

func (utf7) NewDecoder() *encoding.Decoder { return &encoding.Decoder{Transformer: new(utf7Decoder)} }

func (utf7) NewEncoder() *encoding.Encoder { return encoding.Replacement.NewEncoder() }

// utf7Decoder makes UTF-8 of UTF-7. What cannot be becomes U+FFFD.
//
//	shifted = "+" *base64 ["-"]
type utf7Decoder struct {
	shifted bool
	empty   bool   // nothing of what is shifted was met
	bits    uint32 // that belong to no unit of UTF-16 yet
	n       int    // how many they are
	high    rune   // the first half of a surrogate pair, or 0
}

func (d *utf7Decoder) Reset() { *d = utf7Decoder{} }

// utf7Room is how many octets one octet of UTF-7 may become.
const utf7Room = 3 * utf8.UTFMax

func (d *utf7Decoder) Transform(dst, src []byte, atEOF bool) (nd, ns int, err error) {
	for ; ns < len(src); ns++ {
		if len(dst)-nd < utf7Room {
			return nd, ns, transform.ErrShortDst
		}
		nd += len(d.octet(dst[nd:nd:len(dst)], src[ns]))
	}
	if atEOF {
		if len(dst)-nd < utf7Room {
			return nd, ns, transform.ErrShortDst
		}
		nd += len(d.unshift(dst[nd:nd:len(dst)]))
	}
	return nd, ns, nil
}

// octet appends what c completes.
func (d *utf7Decoder) octet(dst []byte, c byte) []byte {
	if d.shifted {
		if v := base64Values[c]; v != notBase64 {
			return d.base64(dst, v)
		}
		if c == '-' {
			if d.empty {
				d.shifted = false
				return append(dst, '+')
			}
			return d.unshift(dst)
		}
		dst = d.unshift(dst)
	}
	switch {
	case c == '+':
		d.shifted, d.empty = true, true
	case c >= utf8.RuneSelf:
		dst = utf8.AppendRune(dst, utf8.RuneError)
	default:
		dst = append(dst, c)
	}
	return dst
}

// base64 takes six bits.
func (d *utf7Decoder) base64(dst []byte, v uint8) []byte {
	d.empty = false
	d.bits = d.bits<<6 | uint32(v)
	if d.n += 6; d.n < 16 {
		return dst
	}
	d.n -= 16
	unit := rune(d.bits >> d.n)
	d.bits &= 1<<d.n - 1
	high := d.high
	d.high = 0
	switch r := utf16.DecodeRune(high, unit); {
	case r != utf8.RuneError:
		return utf8.AppendRune(dst, r)
	case high != 0:
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	if 0xD800 <= unit && unit < 0xDC00 {
		d.high = unit
		return dst
	}
	return utf8.AppendRune(dst, unit)
}

// unshift ends what is shifted. A "+" that begins nothing stands for itself.
func (d *utf7Decoder) unshift(dst []byte) []byte {
	switch {
	case d.shifted && d.empty:
		dst = append(dst, '+')
	case d.high != 0 || d.bits != 0:
		dst = utf8.AppendRune(dst, utf8.RuneError)
	}
	d.Reset()
	return dst
}
