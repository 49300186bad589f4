package message

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/storm"
)

func TestParseMediaType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, mediaType, rest string }{
		{"text/plain", "text/plain", ""},
		{" TEXT/Html ; a=b\r\n", "text/html", " ; a=b"},
		{"application/x-Very.Own+xml;a=b", "application/x-very.own+xml", ";a=b"},
		{"(c) text (d) / (e) plain (f); a=b", "text/plain", "; a=b"},
		{"text/plain charset=utf-8", "text/plain", " charset=utf-8"},
		{"text/plain, x", "text/plain", ", x"},
		{"text", "", ""},
		{"text/", "", ""},
		{"/plain", "", ""},
		{"", "", ""},
		{"\"text\"/plain", "", ""},
		{"text(/plain", "", ""},
	} {
		mediaType, rest, ok := parseMediaType([]byte(test.in))
		require.Equal(t, test.mediaType != "", ok, test.in)
		require.Equal(t, test.mediaType, mediaType, test.in)
		require.Equal(t, test.rest, string(rest), test.in)
	}
}

// TestParams has the forms of RFC 2045 section 5.1 and RFC 2231, and broken
// ones as they are met. A list that is not as it should be is read all the same.
func TestParams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   string
		want []string // name, value, ...
		ok   bool
	}{
		{``, nil, true},
		{`;;`, nil, true},
		{`; charset=UTF-8`, []string{"charset", "UTF-8"}, true},
		{`; (a) Charset (b) = (c) "utf-8" (d) ; x=y`, []string{"charset", "utf-8", "x", "y"}, true},
		{`;a="b;c=d\"e\\f"`, []string{"a", `b;c=d"e\f`}, true},
		{`;a=""`, []string{"a", ""}, true},
		{`;a=b;a=c`, []string{"a", "b"}, false},
		{`;name=b; filename="c"; name*=''d; filename*0=e`, []string{"name", "d", "filename", "e"}, true},
		{`;name=b; filename="=?utf-8?q?c?="`, []string{"name", "b", "filename", "=?utf-8?q?c?="}, false},

		// The examples of RFC 2231 section 3 and 4.
		{`; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"`, []string{"url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"}, true},
		{`; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A`, []string{"title", "This is ***fun***"}, true},
		{`; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn't it!"`, []string{"title", "This is even more ***fun*** isn't it!"}, true},

		{`; a*1=y; b=z; a*0=x; a*3=no`, []string{"a", "xy", "b", "z"}, false},
		{`; a*0*=utf-8''%c3; a*1*=%b6`, []string{"a", "ö"}, true},
		{`; a=plain; a*=utf-8''star`, []string{"a", "star"}, false},
		{`; a*=utf-8''star; a=plain`, []string{"a", "star"}, false},
		{`; a=plain; a*0=con; a*1=tinued`, []string{"a", "continued"}, false},
		{`; a=plain; a*=x-no''star`, []string{"a", "plain"}, false},
		{`; a=plain; a*1=no`, []string{"a", "plain"}, false},
		{`; a*2=y; a*1*=utf-8''%c3%b6; a*4=no`, []string{"a", "öy"}, false},
		{`; a*0*=utf-8''%c3%b6; a*1=%b6; a*2*=%c3%b6`, []string{"a", "ö%b6ö"}, true},
		{`; a*=utf-8''x; a*0=no; a=no`, []string{"a", "x"}, false},
		{`; a*=x-no''%E4`, []string{"a", "ä"}, true},
		{`; a*=''%c3%b6`, []string{"a", "ö"}, true},
		{`; a*=%c3%b6`, []string{"a", "ö"}, true},
		{`; a*=utf-8''%c3%b6%zz%4`, []string{"a", "ö%zz%4"}, true},
		{`; a*=iso-8859-1''%f6'%f6`, []string{"a", "ö'ö"}, true},
		{`; a*x=y; *=z`, []string{"a*x", "y", "*", "z"}, true},
		{`; a*0000=y; a*999=x`, []string{"a*0000", "y", "a", ""}, false}, // more than there may be

		{`; a=b c.txt; d=e`, []string{"a", "b c.txt", "d", "e"}, false},
		{`; a=report (1).pdf`, []string{"a", "report (1).pdf"}, false},
		{`; a=b (c)`, []string{"a", "b"}, true},
		{`; a=b c=d`, []string{"a", "b", "c", "d"}, false},
		{`; a="b" c; d=e`, []string{"a", "b", "d", "e"}, false},
		{`; a="b`, []string{"a", "b"}, false},
		{`; a; =b; c=d`, []string{"c", "d"}, false},
		{`; a=; c=d`, []string{"a", "", "c", "d"}, false},
		{`; a="x"(b;c=d`, []string{"a", "x"}, false},
		{`; a=[x]; b=ü`, []string{"a", "[x]", "b", "ü"}, false},
		{` charset=utf-8`, []string{"charset", "utf-8"}, true},
	} {
		var want []string
		params, ok := readParams(test.in)
		for _, p := range params {
			want = append(want, p.Name, p.Value)
		}
		require.Equal(t, test.want, want, test.in)
		require.Equal(t, test.ok, ok, test.in)
	}
}

// TestPiecesOfWords joins an encoded word that was cut up, which is not for RFC 2231 to
// read but what some programs write.
func TestPiecesOfWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ö.txt", parseParams(`; name*0="=?utf-8?q?=C3"; name*1="=B6.txt?="`).text("name"))
	require.Equal(t, "=?utf-8?q?a?=", parseParams(`; name*0*=utf-8''%3D?utf-8; name*1="?q?a?="`).text("name"))
}

func TestManyParams(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 300 {
		b.WriteString("; a*" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + "=x")
	}
	params, ok := readParams(b.String())
	require.False(t, ok)
	require.Equal(t, strings.Repeat("x", 200), params.Get("a"))
}

func TestFilename(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ header, want string }{
		{"Subject: x\n", ""},
		{"Content-Type: a/b; name=ct\n", "ct"},
		{"Content-Type: a/b; name=ct\nContent-Disposition: attachment; filename=cd\n", "cd"},
		{"Content-Type: a/b; name=ct\nContent-Disposition: attachment\n", "ct"},
		{"Content-Type: a/b; name*=utf-8''ct\nContent-Disposition: attachment; filename=cd\n", "cd"},
		{"Content-Type: a/b\nContent-Disposition: attachment; filename=plain; filename*=utf-8''star\n", "star"},
		{"Content-Disposition: attachment; filename=\"=?utf-8?q?=C3=B6?= x\"\n", "ö x"},
		{"Content-Disposition: attachment; filename*=utf-8''=%3Futf-8%3Fq%3Fx%3F=\n", "=?utf-8?q?x?="},
		{"Content-Disposition: attachment; filename=\"\xf6\"\n", "ö"},
		{"Content-Disposition: attachment; filename=\"a\n b.txt\"\n", "a b.txt"},
		{"Content-Disposition: attachment; filename*=utf-8''a%00%0D%0Ab\n", "a\uFFFD  b"},
		{"Content-Disposition: attachment; filename=\"../../etc/passwd\"\n", "../../etc/passwd"},
		{"Content-Disposition: filename=x\n", "x"},
		{"Content-Type: html; name=ct\n", "ct"},
		{"Content-Type: ;name=ct\n", "ct"},
		{"Content-Type: name=ct; x=y\n", "ct"},
		{"Content-Type: ct\n", ""},
	} {
		m, err := ParseBytes(crlf(test.header + "\n"))
		require.NoError(t, err)
		require.Equal(t, test.want, m.Root().Filename(), test.header)
	}
}

// FuzzParams compares with mime.ParseMediaType on what that can read and
// checks the promises of Params.
func FuzzParams(tf *testing.F) {
	f := storm.New(tf)
	f.Add(`; a="b\"c"; d*=utf-8'en'%c3%b6; e*0*=iso-8859-1''%f6; e*1=x; f=g h (i)`)
	f.Add(`;a*0="x";a*1*=%41;;=;a;"`)
	f.Add("; charset=utf-8;\r\n\tformat=\"flowed\" ; CHARSET = x")
	f.Fuzz(func(t *testing.T, s string) {
		params, _ := readParams(s)
		for i, p := range params {
			if params.find(p.Name) != params[i] || ascii.ToLower(p.Name) != p.Name || !utf8.ValidString(params.text(p.Name)) || p.extended && !utf8.ValidString(p.Value) {
				t.Fatalf("%+v among %+v", p, params)
			}
		}
		// One that is looked for alone is the one among all.
		params = parseParams(unfold([]byte(s)))
		for _, p := range append(params, Param{Name: "charset"}) {
			sameOctets(t, params.Get(p.Name), paramOf([]byte(s), p.Name), p.Name)
		}
		// What another program writes is read back.
		name := cleanText(s)
		if formatted := mime.FormatMediaType("a/b", map[string]string{"name": name}); formatted != "" {
			mediaType, rest, ok := parseMediaType([]byte(formatted))
			same(t, true, ok, formatted)
			same(t, "a/b", mediaType, formatted)
			params, ok := readParams(string(rest))
			same(t, true, ok || hasEncodedWord(name), formatted)
			same(t, name, params.Get("name"), formatted)
		}
	})
}
