package auth

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
)

var errPrepare = errors.New("auth: text cannot be prepared by SASLprep")

// prepare applies SASLprep (RFC 4013) to text as a query: code points that Unicode 3.2
// had not assigned pass. ASCII text without control characters is returned as it is,
// without an allocation. Other text must not be longer than 255 octets when it is
// prepared: some code points become eighteen.
//
// QUIRK: RFC 5802 section 2.2 has passwords treated as strings that are stored, in which
// no code point is unassigned. We let those pass, as RFC 8265, which replaces SASLprep,
// lets pass what newer versions of Unicode have assigned: users type it.
//
// Normalisation is that of the Unicode version of x/text, not of Unicode 3.2; by its
// stability policy they agree on all that 3.2 had assigned, save a handful of corrected
// code points.
func prepare(text string) (string, error) {
	if isPlainASCII(text) {
		return text, nil
	}
	if !utf8.ValidString(text) {
		return "", errPrepare
	}
	text = norm.NFKC.String(strings.Map(mapPrepared, text))
	// More than 30 combining marks in a row x/text parts by U+034F, which was mapped to
	// nothing before: other programs would make another text of them.
	if len(text) > maxText || strings.ContainsRune(text, '\u034F') {
		return "", errPrepare
	}
	return text, checkPrepared(text)
}

func isPlainASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// mapPrepared is the mapping of RFC 4013 section 2.1. U+200B stands in both
// tables; the first one named wins.
func mapPrepared(r rune) rune {
	switch {
	case unicode.Is(nonASCIISpace, r):
		return ' '
	case unicode.Is(mappedToNothing, r):
		return -1
	}
	return r
}

// checkPrepared refuses prohibited output (RFC 4013 section 2.3) and text whose
// direction is ambiguous (RFC 4013 section 2.4, RFC 3454 section 6).
func checkPrepared(text string) error {
	var rightToLeft, leftToRight, first, last bool
	for i, r := range text {
		if unicode.Is(prohibited, r) {
			return errPrepare
		}
		props, _ := bidi.LookupRune(r)
		class := props.Class()
		last = class == bidi.R || class == bidi.AL
		rightToLeft = rightToLeft || last
		leftToRight = leftToRight || class == bidi.L
		if i == 0 {
			first = last
		}
	}
	if rightToLeft && (leftToRight || !first || !last) {
		return errPrepare
	}
	return nil
}

// nonASCIISpace is table C.1.2 of RFC 3454.
var nonASCIISpace = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00A0, Hi: 0x00A0, Stride: 1},
		{Lo: 0x1680, Hi: 0x1680, Stride: 1},
		{Lo: 0x2000, Hi: 0x200B, Stride: 1},
		{Lo: 0x202F, Hi: 0x202F, Stride: 1},
		{Lo: 0x205F, Hi: 0x205F, Stride: 1},
		{Lo: 0x3000, Hi: 0x3000, Stride: 1},
	},
	LatinOffset: 1,
}

// mappedToNothing is table B.1 of RFC 3454.
var mappedToNothing = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00AD, Hi: 0x00AD, Stride: 1},
		{Lo: 0x034F, Hi: 0x034F, Stride: 1},
		{Lo: 0x1806, Hi: 0x1806, Stride: 1},
		{Lo: 0x180B, Hi: 0x180D, Stride: 1},
		{Lo: 0x200B, Hi: 0x200D, Stride: 1},
		{Lo: 0x2060, Hi: 0x2060, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1},
		{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1},
	},
	LatinOffset: 1,
}

// prohibited is the union of the tables C.1.2, C.2.1, C.2.2 and C.3 to C.9 of
// RFC 3454.
var prohibited = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0000, Hi: 0x001F, Stride: 1}, // C.2.1: ASCII control characters
		{Lo: 0x007F, Hi: 0x00A0, Stride: 1}, // C.2.1, C.2.2: control characters; C.1.2: space
		{Lo: 0x0340, Hi: 0x0341, Stride: 1}, // C.8: change of display
		{Lo: 0x06DD, Hi: 0x06DD, Stride: 1}, // C.2.2
		{Lo: 0x070F, Hi: 0x070F, Stride: 1}, // C.2.2
		{Lo: 0x1680, Hi: 0x1680, Stride: 1}, // C.1.2
		{Lo: 0x180E, Hi: 0x180E, Stride: 1}, // C.2.2
		{Lo: 0x2000, Hi: 0x200F, Stride: 1}, // C.1.2, C.2.2, C.8
		{Lo: 0x2028, Hi: 0x202F, Stride: 1}, // C.2.2, C.8, C.1.2
		{Lo: 0x205F, Hi: 0x2063, Stride: 1}, // C.1.2, C.2.2
		{Lo: 0x206A, Hi: 0x206F, Stride: 1}, // C.2.2, C.8
		{Lo: 0x2FF0, Hi: 0x2FFB, Stride: 1}, // C.7: ideographic description
		{Lo: 0x3000, Hi: 0x3000, Stride: 1}, // C.1.2
		{Lo: 0xD800, Hi: 0xF8FF, Stride: 1}, // C.5: surrogates; C.3: private use
		{Lo: 0xFDD0, Hi: 0xFDEF, Stride: 1}, // C.4: not characters
		{Lo: 0xFEFF, Hi: 0xFEFF, Stride: 1}, // C.2.2
		{Lo: 0xFFF9, Hi: 0xFFFF, Stride: 1}, // C.2.2, C.6: not for plain text; C.4
	},
	R32: []unicode.Range32{
		{Lo: 0x1D173, Hi: 0x1D17A, Stride: 1},  // C.2.2
		{Lo: 0x1FFFE, Hi: 0x1FFFF, Stride: 1},  // C.4, and so on for each plane
		{Lo: 0x2FFFE, Hi: 0x2FFFF, Stride: 1},  //
		{Lo: 0x3FFFE, Hi: 0x3FFFF, Stride: 1},  //
		{Lo: 0x4FFFE, Hi: 0x4FFFF, Stride: 1},  //
		{Lo: 0x5FFFE, Hi: 0x5FFFF, Stride: 1},  //
		{Lo: 0x6FFFE, Hi: 0x6FFFF, Stride: 1},  //
		{Lo: 0x7FFFE, Hi: 0x7FFFF, Stride: 1},  //
		{Lo: 0x8FFFE, Hi: 0x8FFFF, Stride: 1},  //
		{Lo: 0x9FFFE, Hi: 0x9FFFF, Stride: 1},  //
		{Lo: 0xAFFFE, Hi: 0xAFFFF, Stride: 1},  //
		{Lo: 0xBFFFE, Hi: 0xBFFFF, Stride: 1},  //
		{Lo: 0xCFFFE, Hi: 0xCFFFF, Stride: 1},  //
		{Lo: 0xDFFFE, Hi: 0xDFFFF, Stride: 1},  //
		{Lo: 0xE0001, Hi: 0xE0001, Stride: 1},  // C.9: tags
		{Lo: 0xE0020, Hi: 0xE007F, Stride: 1},  // C.9
		{Lo: 0xEFFFE, Hi: 0x10FFFF, Stride: 1}, // C.4; C.3: private use
	},
	LatinOffset: 2,
}
