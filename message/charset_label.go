package message

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/posthouse/posthouse/internal/ascii"
)

// charsetAliases are labels met in mail that neither registry lists, or for which
// the WHATWG Encoding standard has no decoder.
var charsetAliases = func() map[string]encoding.Encoding {
	aliases := make(map[string]encoding.Encoding)
	for _, c := range []struct {
		enc    encoding.Encoding
		labels string
	}{
		{unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16"}, // RFC 2781 section 4.3
		{utf7{}, "utf-7 utf7 csutf7 unicode-1-1-utf-7 x-unicode-2-0-utf-7"},
		{charmap.Windows1251, "windows1251 win-1251 win1251"},
		{charmap.Windows1252, "windows1252 win-1252 win1252 cp-1252 x-windows-1252 ansi x-ansi latin-1 8859-1"},
		{charmap.Windows874, "cp874"},
		{charmap.CodePage858, "cp858 ibm00858"},
		{charmap.KOI8R, "koi8r"},
		{charmap.Macintosh, "macroman"},
		// All but the first have characters more, which few texts use.
		{japanese.ISO2022JP, "iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-2004 iso-2022-jp-ms cp50220 cp50221 cp50222"},
		{japanese.ShiftJIS, "cp932"},
		{japanese.EUCJP, "eucjp"},
		{iso2022KR{}, "iso-2022-kr csiso2022kr"},
		{korean.EUCKR, "cp949 uhc x-windows-949"},
		{simplifiedchinese.HZGB2312, "hz-gb-2312 hz"},
		{simplifiedchinese.GBK, "cp936 euc-cn windows-936"},
		{traditionalchinese.Big5, "cp950 windows-950 x-big5 chinesebig5"},
	} {
		for label := range strings.FieldsSeq(c.labels) {
			aliases[label] = c.enc
		}
	}
	return aliases
}()

// findCharset returns the charset of that label, and whether it is known.
// No label is charsetGuessed, and known.
func findCharset(label string) (charset, bool) {
	label = ascii.ToLower(strings.Trim(label, " \t\"'"))
	switch label {
	case "", "unknown-8bit", "us-ascii", "us_ascii", "usascii", "ascii", "ansi_x3.4-1968", "iso646-us":
		return charset{}, true
	case "utf-8", "utf8", "utf_8", "x-utf-8", "utf-8mb4", "unicode-1-1-utf-8":
		return charset{kind: charsetUTF8}, true
	}
	if e, ok := charsetAliases[label]; ok {
		return newCharset(e), true
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement && e != charmap.XUserDefined {
		return newCharset(e), true
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return newCharset(e), true
	}
	return charset{}, false
}

func newCharset(e encoding.Encoding) charset {
	switch e {
	case charmap.CodePage037, charmap.CodePage1047, charmap.CodePage1140: // EBCDIC
		return charset{charsetOther, e}
	}
	if _, ok := e.(*charmap.Charmap); ok {
		return charset{charsetOctets, e}
	}
	return charset{charsetOther, e}
}
