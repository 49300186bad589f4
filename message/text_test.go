package message

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("abc", textChunk)
	for _, test := range []struct{ charset, body, want string }{
		{"", "abc", "abc"},
		{"", "ö", "ö"},
		{"", "\xf6", "ö"},
		{"us-ascii", "ö \xf6", "ö \uFFFD"},
		{"us-ascii", "ö \xf6\xf6", "Ã¶ öö"},
		{"us-ascii", long + "ö", long + "ö"},
		{"us-ascii", long + "\x80", long + "€"},
		{"us-ascii", "ö" + long + "\x80\x80", "Ã¶" + long + "€€"},
		{"us-ascii", "ö" + long + "\xc3", "ö" + long + "\uFFFD"},
		{"us-ascii", "\ufeffy\x82\x83", "y\uFFFD\uFFFD"},
		{"utf-8", "ö\xf6\xc3", "ö\uFFFD\uFFFD"},
		{"UTF8", "\xef\xbb\xbfö", "ö"},
		{"utf-8", long + "ö\xf6" + long, long + "ö\uFFFD" + long},
		{"iso-8859-1", "\xf6\x80", "ö€"},
		{"iso-8859-15", "\xa4", "€"},
		{"windows-1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
		{"koi8-r", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
		{"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"},
		{"shift_jis", "\x93\xfa\x96\x7b", "日本"},
		{"cp932", "\x93\xfa\x96\x7b", "日本"},
		{"gb2312", "\xd6\xd0", "中"},
		{"hz-gb-2312", "~{VP~}", "中"},
		{"big5", "\xa4\xa4", "中"},
		{"euc-kr", "\xc7\xd1", "한"},
		{"utf-16", "\x00a\x00b", "ab"},
		{"utf-16", "\xff\xfea\x00", "a"},
		{"utf-16le", "a\x00", "a"},
		{"ibm437", "\x81", "ü"},
		{"x-unknown", "ö", "ö"},
		{"x-unknown", "\xf6", "ö"},
		{"x-user-defined", "\xf6", "ö"},
		{"iso-2022-kr", "\x1b$)Ca\x0eGQ\x0f \x0eGQ b\r\nGQ\x1b", "a한 한 \uFFFD\r\nGQ\x1b"},
		{"iso-2022-kr", "\x1b$)C" + strings.Repeat("\x0eGQ\x0f", textChunk), strings.Repeat("한", textChunk)},
		// The examples of RFC 2152.
		{"utf-7", "Hi Mom +Jjo--!", "Hi Mom \u263a-!"},
		{"unicode-1-1-utf-7", "A+ImIDkQ.", "A\u2262\u0391."},
		{"utf-7", "+ZeVnLIqe-", "日本語"},
		{"utf-7", "Item 3 is +AKM-1.", "Item 3 is £1."},
		{"utf-7", "1 +- 1 + 2+", "1 + 1 + 2+"},
		{"utf-7", "+2D3cVQ-+2D0- +2D0AYQ- +3FUAYQ-+AGE +AP", "\U0001F455\uFFFD \uFFFDa \uFFFDaa \uFFFD"},
		{"utf-7", "ö", "\uFFFD\uFFFD"},
		{"utf-7", strings.Repeat("+ZeVnLIqe-", textChunk), strings.Repeat("日本語", textChunk)},
		{"\"'utf-8'\"", "ö", "ö"},
		{"iso-2022-jp", strings.Repeat("\x1b$BF|K\\\x1b(B", textChunk), strings.Repeat("日本", textChunk)},
	} {
		b := []byte("Content-Type: text/plain; charset=" + test.charset + "\r\nContent-Transfer-Encoding: binary\r\n\r\n" + test.body)
		m, err := ParseBytes(b)
		require.NoError(t, err)
		got, err := m.Root().AppendText(nil)
		require.NoError(t, err)
		require.Equal(t, test.want, string(got), "%s %.20q", test.charset, test.body)
		require.NoError(t, iotest.TestReader(m.Root().Text(), []byte(test.want)), "%s %.20q", test.charset, test.body)
		m, err = Parse(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		got, err = io.ReadAll(m.Root().Text())
		require.NoError(t, err)
		require.Equal(t, test.want, string(got), "%s %.20q", test.charset, test.body)
	}
}

// TestGuessFails has a file fail while a body is read ahead.
func TestValidUTF8(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"a", "\u00FC", "\u0416", "\u20AC", "\U0001F4E7", "\uFFFD", "\xC3", "\xBC", "\xC1\xBF", "\xC2", "\xDF\xBF", "\xE0\xB8", "\xED\xA0\x80", "\xF0\x9F", "\xF5\x80\x80\x80", "\xFF"} {
		for before := range 40 {
			for _, behind := range []string{"", "a", letter, strings.Repeat("a", 40), strings.Repeat("\u00FC", 9) + "\xFF"} {
				text := strings.Repeat("a", before) + letter + behind
				require.Equal(t, utf8.ValidString(text), validUTF8([]byte(text)), "%q", text)
			}
		}
	}
}

func TestAppendOctets(t *testing.T) {
	t.Parallel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, m := range []*charmap.Charmap{charmap.Windows1252, charmap.KOI8R, charmap.ISO8859_15} {
		for _, src := range [][]byte{nil, []byte("a"), []byte("\xE4"), all, bytes.Repeat([]byte("aaaaaaaaa\xE4"), 20)} {
			want, err := m.NewDecoder().Bytes(src)
			require.NoError(t, err)
			require.Equal(t, "ab"+string(want), string(appendOctets([]byte("ab"), src, m)))
		}
	}
}

func TestGuessFails(t *testing.T) {
	t.Parallel()
	b := []byte("\r\nö" + strings.Repeat("x", 4*bodyChunk))
	m, err := Parse(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	m.src = failingAt{bytes.NewReader(b), 2 * bodyChunk}
	_, err = io.ReadAll(m.Root().Text())
	require.ErrorIs(t, err, errDisk)
}

// TestMetaCharset has HTML say what charset it is in.
func TestMetaCharset(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ mediaType, head, want string }{
		{"text/html", "<meta charset=koi8-r>", "П"},
		{"text/html", "<html><META http-equiv=x><meta\nHTTP-EQUIV='Content-Type' content='text/html; charset = \"KOI8-R\"'>", "П"},
		{"text/html; charset=x-unknown", "<meta charset='koi8-r'/>", "П"},
		{"text/html", "<meta charset= ><meta charset=koi8-r", "П"},
		{"text/html", "<metax charset=koi8-r><!-- <meta charset=koi8-r> --><meta charset koi8-r>", "ð"},
		{"text/html", "<meta charset=x-unknown>", "ð"},
		{"text/html", "<meta charset=utf-7>+AGE-", "ð"},
		{"text/html", "<meta charset=hz-gb-2312>~{", "ð"},
		{"text/html", "<meta charset=utf-16le>", "\uFFFD"},
		{"text/html; charset=us-ascii", "<meta charset=koi8-r>", "ð"},
		{"text/html; charset=utf-8", "<meta charset=koi8-r>", "\uFFFD"},
		{"text/plain", "<meta charset=koi8-r>", "ð"},
		{"text/html", strings.Repeat(" ", metaOctets) + "<meta charset=koi8-r>", "ð"},
		{"text/html", "\ufeff<meta charset=koi8-r>", "\uFFFD"},
	} {
		for _, encoding := range []string{"binary", "base64"} {
			body := test.head + ">\xf0"
			if encoding == "base64" {
				body = string(base64Lines([]byte(body)))
			}
			m, err := ParseBytes([]byte("Content-Type: " + test.mediaType + "\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n" + body))
			require.NoError(t, err)
			got, err := m.Root().AppendText(nil)
			require.NoError(t, err)
			require.Equal(t, strings.TrimPrefix(test.head, "\ufeff")+">"+test.want, string(got))
			require.NoError(t, iotest.TestReader(m.Root().Text(), got))
		}
	}
}

func FuzzText(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("ö\xf6\xc3"), "us-ascii")
	f.Add([]byte("\x1b$BF|K\\\x1b(B"), "iso-2022-jp")
	f.Add([]byte("\xd8\x00\xdc\x00\xff"), "utf-16")
	f.Fuzz(func(t *testing.T, text []byte, charset string) {
		b := append([]byte("Content-Type: text/plain; charset=\""+charset+"\"\r\nContent-Transfer-Encoding: binary\r\n\r\n"), text...)
		m, err := ParseBytes(b)
		good(t, err)
		checkBodies(t, m)
	})
}
