package message

import (
	"mime"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestDecodeText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"Grüße", "Grüße"},
		{"Gr\xfc\xdfe", "Grüße"},
		{"a\tb\x00c\rd\x7f", "a b\uFFFDc d\uFFFD"},
		{"=?utf-8?q?a=C2=9B31m=C2=85b=E2=80=A8c?=", "a\uFFFD31m b c"},
		// The examples of RFC 2047 section 8.
		{"=?ISO-8859-1?Q?a?=", "a"},
		{"=?ISO-8859-1?Q?a?= b", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"},
		{"=?ISO-8859-1?Q?a_b?=", "a b"},
		{"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
		{"=?US-ASCII?Q?Keith_Moore?= =?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keith MooreKeld Jørn Simonsen"},
		{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\t=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=", "If you can read this you understand the example."},
		// A character in two words.
		{"=?utf-8?B?w6TD?= =?utf-8?B?tg==?=", "äö"},
		{"=?utf-8?q?=C3?= =?UTF-8?b?tg==?=", "ö"},
		// RFC 2231 section 5.
		{"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
		// An unknown charset spoils its own word only.
		{"=?x-no?q?abc?= =?utf-8?q?=C3=B6?=", "=?x-no?q?abc?= ö"},
		{"=?x-no?q?\xe9?= =?utf-8?q?=C3=B6?=", "=?x-no?q?é?= ö"},
		{"=?utf-8?q?=C3=B6?= =?x-no?q?a?= =?x-not?q?b?= =?utf-8?q?=C3=B6?= c", "ö =?x-no?q?a?= =?x-not?q?b?= ö c"},
		{"=?unknown-8bit?q?=F6_=E9?=", "ö é"},
		{"a =?x-no?q?b?= =?x-no?q?c?= d", "a =?x-no?q?b?= =?x-no?q?c?= d"},
		// Where no word should be, and words that are none.
		{"a=?utf-8?q?b?=c", "abc"},
		{`"=?utf-8?q?=C3=B6?="`, `"ö"`},
		{"=?utf-8?q?a b?=", "a b"},
		{"=?utf-8?q?a=?b?=", "=?utf-8?q?a=?b?="},
		{"=?utf-8?q?a?b?=", "a?b"},
		{"=?utf-8?q??=x", "x"},
		{"=?utf-8?q?a", "=?utf-8?q?a"},
		{"=?utf-8?z?a?=", "=?utf-8?z?a?="},
		{"=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b"},
		{"=??q?a?=", "=??q?a?="},
		{"=?=?=?", "=?=?=?"},
		{"=?utf-8?b?YWJ?=", "ab"},
		{"=?utf-8?b?Y!W-J*j?=", "abc"},
		{"=?utf-8?q?a=Zb=?=", "a=Zb="},
		{"=?utf-8?q?a=0D=0AX:_y?=", "a  X: y"},
		{"=?us-ascii?q?=C3=B6?= =?us-ascii?q?=F6?=", "ö\uFFFD"},
		{"=?us-ascii?q?=C3=B6?= =?us-ascii?q?=F6=E4?=", "Ã¶öä"},
		// UTF-8 that was cut in the midst of a character, and what was never UTF-8.
		{"Юникод запрещен\xd1", "Юникод запрещен\uFFFD"},
		{"Gr\xfc\xdfe, J\xfcrgen \xc3\xb6", "Grüße, Jürgen Ã¶"},
		{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
		{"=?gb2312?B?1tA=?= =?gb2312?B?zsQ=?=", "中文"},
	} {
		require.Equal(t, test.want, DecodeText(test.in), "%q", test.in)
	}
}

// FuzzHeaderText compares with mime.WordDecoder on what that can read, and checks
// that text is always fit for people.
func FuzzHeaderText(tf *testing.F) {
	f := storm.New(tf)
	f.Add("=?utf-8?q?a=C3=B6?= b =?iso-8859-1?b?9g==?=")
	f.Add("=?utf-8?q?=C3?==?utf-8?q?=B6?=?=")
	f.Add("=?a?q?=?a?b??=\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := DecodeText(s)
		if !utf8.ValidString(got) || cleanText(got) != got {
			t.Fatalf("%q", got)
		}

		// What was encoded by another program comes back.
		for _, encoder := range []mime.WordEncoder{mime.QEncoding, mime.BEncoding} {
			clean := cleanText(s)
			if encoded := encoder.Encode("utf-8", clean); encoded != clean {
				same(t, clean, DecodeText(encoded), encoded)
			}
		}
	})
}
