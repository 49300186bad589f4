package message

import (
	"bytes"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/storm"
)

// The targets in this file read what the standard library reads. Where it takes a text
// without an error, it has to be as we do, but for what each target says.

// FuzzPeerAddresses compares with net/mail. That decodes encoded words one by one, and
// in addresses too, where we take none with as much as the end of one for its domain; it
// puts a blank between all words of a name, and in a group it takes no name from a comment.
func FuzzPeerAddresses(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		`Jo "Q" Doe <jo@example.org>, (c) a.b@c (d), "x y"@d; g: h@i, <j@k>;`,
		"J. R. \"R.\"\tTolkien <t@example.org>,\r\n é <é@é>", `g:;, a@[192.0.2.1]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "=?") || strings.Contains(s, "?=") {
			return
		}
		want, err := mail.ParseAddressList(s)
		if err != nil {
			return
		}
		got, _ := ParseAddressList(s)
		same(t, len(want), len(got), s)
		for i, m := range got {
			same(t, want[i].Address, unquoteLocal(m.Addr), s)
			if want[i].Name == "" && strings.Contains(s, ":") && strings.Contains(s, "(") {
				continue
			}
			same(t, dropFWS(cleanText(want[i].Name)), dropFWS(m.Name), s)
		}
	})
}

// FuzzPeerDate compares with net/mail, but for zones with a name: it knows those of
// the machine it runs on. It also reads a number with a line end in it, no more than the
// first digits of a zone, and zones of 24 hours or 60 minutes; and two digits from 50 to
// 68 are the years from 2050 on for it, which RFC 5322 section 4.3 has in the century
// before.
func FuzzPeerDate(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Mon, 06 Jul 2026 10:00:01 +0200 (CEST)")
	f.Add("6 Jul 26 10:00 -0000")
	f.Add(" Tue , 1 Jan 1980 23:59:59 -1200")
	f.Fuzz(func(t *testing.T, s string) {
		sign := strings.LastIndexAny(s, "+-")
		if sign < 0 || sign != strings.IndexAny(s, "+-") || strings.ContainsAny(s, "\r\n") {
			return
		}
		if zone, end := digitsAt(s, sign+1); end != sign+5 || zone > 2359 || zone%100 > 59 {
			return
		}
		want, err := mail.ParseDate(s)
		if err != nil || 2050 <= want.Year() && want.Year() < 2069 {
			return
		}
		got, err := ParseDate(s)
		good(t, err)
		same(t, want.Unix(), got.Unix(), s)
	})
}

// FuzzPeerWords compares with mime, but for words that it leaves as they are, and for
// what is not in its charset: mime knows three of them, and decodes word by word. Its
// ISO-8859-1 has control characters where ours, windows-1252, has letters.
func FuzzPeerWords(tf *testing.F) {
	f := storm.New(tf)
	f.Add("=?utf-8?q?a=C3=B6?= b =?iso-8859-1?b?9g==?=")
	f.Add("=?UTF-8?Q?=C3=B6_?=  =?us-ascii?B?YWI=?= c=?utf-8?q?d?=e")
	var d mime.WordDecoder
	f.Fuzz(func(t *testing.T, s string) {
		want, err := d.DecodeHeader(s)
		if err != nil || !utf8.ValidString(s) || !utf8.ValidString(want) {
			return
		}
		if !strings.Contains(want, "=?") && !strings.ContainsRune(want, '\uFFFD') && !strings.ContainsFunc(want, isC1) {
			same(t, cleanText(want), DecodeText(s), s)
		}
	})
}

func isC1(r rune) bool { return 0x80 <= r && r < 0xA0 }

// FuzzPeerMediaType compares with mime, but for broken escapes and all charsets but
// two, which lose it the value, pieces whose number begins with a zero, values written
// in two ways, and quoted pairs, some of which it leaves as they are for the sake of
// Windows' paths. Control characters are blanks for it, and so are Unicode's; the
// Kelvin sign is a k.
func FuzzPeerMediaType(tf *testing.F) {
	f := storm.New(tf)
	f.Add(`Text/Plain; charset="utf-8"; Name=a`)
	f.Add(`a/b; d*=utf-8'en'%c3%b6; e*0*=us-ascii''%41; e*1="x y"; e*2*=%42`)
	f.Fuzz(func(t *testing.T, s string) {
		want, params, err := mime.ParseMediaType(s)
		if err != nil || !strings.Contains(want, "/") || strings.Contains(s, `\`) || hasControl(s) || padded(s) || strings.ContainsFunc(s, isWide) || !utf8.ValidString(s) {
			return
		}
		got, rest, ok := parseMediaType([]byte(s))
		same(t, true, ok, s)
		same(t, want, got, s)
		pieces, _ := readPieces(nil, string(rest))
		for i, p := range pieces {
			if p.extended && !plainlyEscaped(p) || slices.ContainsFunc(pieces[:i], func(q piece) bool {
				return p.name == q.name && (p.section == q.section || min(p.section, q.section) < 0)
			}) {
				return
			}
		}
		list, _ := readParams(string(rest))
		for name, value := range params {
			if utf8.ValidString(value) && name != "" && !strings.Contains(name, "*") {
				same(t, value, list.Get(name), s)
			}
		}
	})
}

func isWide(r rune) bool { return r >= 0x80 && (unicode.IsSpace(r) || r == '\u212A') }

// padded reports whether the number of a piece may begin with a zero.
func padded(s string) bool {
	for _, after, found := strings.Cut(s, "*0"); found; _, after, found = strings.Cut(after, "*0") {
		if after != "" && isDigit(after[0]) {
			return true
		}
	}
	return false
}

// plainlyEscaped reports whether each percent sign in p begins an escape, and whether
// the charset in front, if that is its place, is UTF-8 or US-ASCII.
func plainlyEscaped(p piece) bool {
	cs, _, found := strings.Cut(p.value, "'")
	if cs = ascii.ToLower(cs); p.section <= 0 && (strings.Count(p.value, "'") != 2 || cs != "utf-8" && cs != "us-ascii") || p.section > 0 && found {
		return false
	}
	for i := range len(p.value) {
		if p.value[i] == '%' {
			if _, ok := unhex(p.value[i+1:]); !ok {
				return false
			}
		}
	}
	return true
}

// FuzzPeerQP compares with mime/quotedprintable, but for a CR that ends no line: it
// drops those before a line end.
func FuzzPeerQP(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("a=C3=B6 =\r\nb \t\r\n=3D=20\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		want, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(src)))
		if err != nil || bytes.Count(src, []byte("\r")) > bytes.Count(src, []byte("\r\n")) {
			return
		}
		got, err := (&body{raw: src, encoding: EncodingQuotedPrintable}).appendTo(nil)
		good(t, err)
		sameOctets(t, want, got, string(src))
	})
}
