package message

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// charset is how octets become text.
type charset struct {
	kind charsetKind
	enc  encoding.Encoding // of charsetOctets and charsetOther
}

type charsetKind uint8

const (
	// charsetGuessed is UTF-8 if most of it is valid as that, otherwise
	// windows-1252: for text that does not say, or says us-ascii. See tally.
	charsetGuessed charsetKind = iota
	charsetUTF8
	// charsetOctets has a *charmap.Charmap, in which an octet is a character
	// and ASCII is ASCII.
	charsetOctets
	charsetOther
)

// appendText appends to dst what src is as UTF-8.
func (c charset) appendText(dst, src []byte) []byte {
	switch c.kind {
	case charsetOther:
		return appendTransformed(dst, src, c.enc.NewDecoder())
	case charsetOctets:
		return appendOctets(dst, src, c.enc.(*charmap.Charmap))
	case charsetGuessed:
		if validUTF8(src) {
			return append(dst, src...)
		}
		if !mostlyUTF8(src) {
			return appendOctets(dst, src, charmap.Windows1252)
		}
	}
	return appendValid(dst, src)
}

// tally counts what speaks for UTF-8 in a text of which nothing is known, and what
// against. In a text of single octets hardly a letter is valid as UTF-8 by chance; in
// one that was UTF-8, and was cut in the midst of a character or got a word of
// another charset put in, few are not.
type tally struct {
	characters int // outside ASCII
	others     int // octets that belong to none
}

func (t *tally) add(b []byte) {
	for i := 0; i < len(b); {
		n := 1
		switch c := b[i]; {
		case c < utf8.RuneSelf:
			if len(b)-i >= 8 && word(b[i:])&eightBits == 0 {
				n = asciiRun(b[i:])
			}
		case c < 0xC2 || c > 0xF4: // begins no character
			t.others++
		default:
			if _, n = utf8.DecodeRune(b[i:]); n > 1 {
				t.characters++
			} else {
				t.others++
			}
		}
		i += n
	}
}

func (t *tally) isUTF8() bool { return t.characters >= t.others }

// mostlyUTF8 reports whether b is to be read as UTF-8 when nothing says what it is.
func mostlyUTF8(b []byte) bool {
	if validUTF8(b) {
		return true
	}
	var t tally
	t.add(b)
	return t.isUTF8()
}

// octetTable says what each octet is in a charset of single octets, as UTF-8.
type octetTable [256]struct {
	text [3]byte
	n    uint8
}

var octetTables sync.Map // *charmap.Charmap -> *octetTable, of those that were met

func tableOf(m *charmap.Charmap) *octetTable {
	if t, ok := octetTables.Load(m); ok {
		return t.(*octetTable)
	}
	t := new(octetTable)
	for c := range t {
		t[c].n = uint8(utf8.EncodeRune(t[c].text[:], m.DecodeByte(byte(c))))
	}
	octetTables.Store(m, t)
	return t
}

// appendOctets appends to dst the characters that the octets of src are in m.
func appendOctets(dst, src []byte, m *charmap.Charmap) []byte {
	t := tableOf(m)
	dst = slices.Grow(dst, len(src)+2*countEightBit(src)+2)
	out := dst[len(dst):cap(dst)]
	n := 0
	for i := 0; i < len(src); {
		if len(src)-i >= 8 && word(src[i:])&eightBits == 0 {
			run := asciiRun(src[i:])
			n += copy(out[n:], src[i:i+run])
			i += run
			continue
		}
		c := &t[src[i]]
		*(*[3]byte)(out[n:]) = c.text // what is too much is overwritten
		n += int(c.n)
		i++
	}
	return dst[:len(dst)+n]
}

func isASCII(b []byte) bool { return firstEightBit(b) < 0 }

// validUTF8 is utf8.Valid for text that has long runs of ASCII.
func validUTF8(b []byte) bool {
	for {
		n := firstEightBit(b)
		if n < 0 {
			return true
		}
		for b = b[n:]; len(b) > 0; b = b[n:] {
			n = 1
			switch c := b[0]; {
			case c < utf8.RuneSelf:
			case 0xC2 <= c && c < 0xE0 && len(b) > 1 && b[1]&0xC0 == 0x80:
				n = 2
			default:
				if _, n = utf8.DecodeRune(b); n == 1 {
					return false
				}
			}
			if len(b) >= 8 && word(b)&eightBits == 0 {
				break
			}
		}
	}
}

// appendValid appends src to dst with U+FFFD for what is not UTF-8.
func appendValid(dst, src []byte) []byte {
	if validUTF8(src) {
		return append(dst, src...)
	}
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		dst = utf8.AppendRune(dst, r)
		src = src[n:]
	}
	return dst
}

// appendTransformed appends to dst what t makes of src. Decoders of x/text write
// U+FFFD for what they cannot read, so no error is possible but a lack of room.
func appendTransformed(dst, src []byte, t transform.Transformer) []byte {
	for {
		if cap(dst)-len(dst) < 2*utf8.UTFMax {
			dst = append(dst, make([]byte, len(src)+len(src)/2+4*utf8.UTFMax)...)[:len(dst)]
		}
		nd, ns, err := t.Transform(dst[len(dst):cap(dst)], src, true)
		dst = dst[:len(dst)+nd]
		src = src[ns:]
		if err != transform.ErrShortDst {
			return dst
		}
		if nd == 0 && ns == 0 {
			dst = append(dst, make([]byte, cap(dst))...)[:len(dst)]
		}
	}
}

// cleanText makes text for people of a field's value: valid UTF-8 on one line
// without control characters.
func cleanText(s string) string {
	if !utf8.ValidString(s) {
		s = string(charset{}.appendText(nil, []byte(s)))
	}
	return withoutControls(s)
}

// withoutControls is cleanText for valid UTF-8.
func withoutControls(s string) string {
	if !mayHaveControl(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r' || r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029:
			return ' ' // they begin a line, as Unicode has it
		case isControl(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// isControl reports whether r is a control character: of ASCII, or of those that
// terminals obey as well.
func isControl(r rune) bool { return r < ' ' || 0x7F <= r && r < 0xA0 }

func hasControl(s string) bool {
	return mayHaveControl(s) && strings.IndexFunc(s, isControl) >= 0
}

// mayHaveControl reports false if s has no octet that is or begins a control character.
func mayHaveControl(s string) bool {
	met := uint8(0)
	for i := range len(s) {
		met |= classes[s[i]]
	}
	return met&classControl != 0
}
