package message

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// charset is how octets become text.
type charset struct {
	kind charsetKind
	enc  encoding.Encoding // of charsetTable
}

type charsetKind uint8

const (
	// charsetGuessed is UTF-8 if all of it is valid as that, otherwise
	// windows-1252: for text that does not say, or says us-ascii.
	charsetGuessed charsetKind = iota
	charsetUTF8
	charsetTable
)

// charsetAliases are labels met in mail that neither registry lists, or for which
// the WHATWG Encoding standard has no decoder.
var charsetAliases = map[string]encoding.Encoding{
	"utf-16":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM), // RFC 2781 section 4.3
	"hz-gb-2312": simplifiedchinese.HZGB2312,
	"cp932":      mustEncoding("shift_jis"),
	"cp936":      mustEncoding("gbk"),
	"cp949":      mustEncoding("euc-kr"),
	"cp950":      mustEncoding("big5"),
}

func mustEncoding(label string) encoding.Encoding {
	e, err := htmlindex.Get(label)
	if err != nil {
		panic("message: no encoding for " + label)
	}
	return e
}

// findCharset returns the charset of that label, and whether it is known.
// No label is charsetGuessed, and known.
func findCharset(label string) (charset, bool) {
	label = toLower(strings.Trim(label, " \t\"'"))
	switch label {
	case "", "us-ascii", "ascii", "ansi_x3.4-1968", "iso646-us":
		return charset{}, true
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return charset{kind: charsetUTF8}, true
	}
	if e, ok := charsetAliases[label]; ok {
		return charset{charsetTable, e}, true
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return charset{charsetTable, e}, true
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return charset{charsetTable, e}, true
	}
	return charset{}, false
}

// appendText appends to dst what src is as UTF-8.
func (c charset) appendText(dst, src []byte) []byte {
	switch c.kind {
	case charsetTable:
		return appendTransformed(dst, src, c.enc.NewDecoder())
	case charsetGuessed:
		if !utf8.Valid(src) {
			return appendTransformed(dst, src, charmap.Windows1252.NewDecoder())
		}
	}
	return appendValid(dst, src)
}

// appendValid appends src to dst with U+FFFD for what is not UTF-8.
func appendValid(dst, src []byte) []byte {
	if utf8.Valid(src) {
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
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7F {
			return rewriteText(s)
		}
	}
	return s
}

func rewriteText(s string) string {
	if !utf8.ValidString(s) {
		s = string(appendTransformed(nil, []byte(s), charmap.Windows1252.NewDecoder()))
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r' || r == '\n':
			return ' '
		case r < ' ' || r == 0x7F:
			return utf8.RuneError
		}
		return r
	}, s)
}
