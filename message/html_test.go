package message

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestAppendHTMLText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"a  b\r\n\tc", "a b c"},
		{"<p>a</p><p>b</p>", "a\n\nb"},
		{"<div>a</div><div>b<br>c<br><br>d</div>", "a\nb\nc\n\nd"},
		{"<html><head><title>t</title><style>a{}</style></head><body>x<script>1<2</script>y", "xy"},
		{"<ul><li>a<li><b>b</b> c</ul>d", "- a\n- b c\n\nd"},
		{"<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc"},
		{"a <pre>b  c\n d</pre> e", "a\n\nb  c\n d\n\ne"},
		{"&lt;b&gt; &amp;nbsp; a&nbsp;&nbsp;b &#246; &#x1F600; &bogus; & &", "<b> &nbsp; a  b ö 😀 &bogus; & &"},
		{`<img src=x alt="a &amp; b"> <IMG ALT='c'><img alt=d><a href="x>y">e</a>`, "a & b cde"},
		{"a<!-- <p> -->b<!doctype x>c<?x?>d</>e", "abcde"},
		{"1 < 2 <3 << <", "1 < 2 <3 << <"},
		{"a<!-- b", "a"},
		{"a<b title=\"c", "a"},
		{"a<script>b", "a"},
		{"a<script>b</Script >c", "ac"},
		// What hides text here and not in a browser would hide it from who filters mail.
		{"a<!-->b<!--->c<!-- --!>d<!-- -- > ->e--->f<!--", "abcdf"},
		{`a<b =">b`, "ab"},
		{`a<b/=">b<b x=>c<b x = >d<b x/y="z>"/>e<b "x>f`, "abcdef"},
		{"a<b x='>\f'\f>b<br\f/>c", "ab\nc"},
		{"a<script-x>b<style.y>c<script:z>d<scripts>e", "abcde"},
		{"a<script>b</scripts>c</script/>d", "ad"},
		{"a<svg/>b<math>c<svg><title>d</title><text>e</text></svg><textarea>f", "abcef"},
		{"a<svg><style>b</svg>c<script>d</script>e<math><script>f<p>g", "ace\n\ng"},
		{`<img data-alt=a alt=b><img alt=""alt=c>`, "b"},
		{"a\x00\x07b\u2028", "a\uFFFD\uFFFDb\u2028"},
		{"<p", ""},
	} {
		require.Equal(t, "x"+test.want, string(AppendHTMLText([]byte("x"), []byte(test.in))), test.in)
	}
}

// TestHTMLCorpus checks the invariants on HTML of real mail.
func TestHTMLCorpus(t *testing.T) {
	t.Parallel()
	for _, file := range filesBelow(t, sharedData(t, "mime", "mimekit"), ".html") {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		checkHTML(t, []byte(strings.ToValidUTF8(string(b), "?")))
	}
}

func checkHTML(t testing.TB, src []byte) {
	got := AppendHTMLText(nil, src)
	if len(got) > 3*len(src) || utf8.Valid(src) && !utf8.Valid(got) {
		t.Fatalf("%d octets of %d: %q", len(got), len(src), got)
	}
	for _, r := range string(got) {
		if unicode.IsControl(r) && r != '\n' {
			t.Fatalf("%q of %q", got, src)
		}
	}
}

func FuzzHTML(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte(`<p>a</p><ul><li>b<br></ul><img alt="c&lt;"><!-- d --><script>e</script><pre> f </pre>&#246;`), uint8(50))
	f.Add([]byte("a<table><tr><td>b<td title='c>d'>e</table>\xff\x00<"), uint8(0))
	f.Fuzz(func(t *testing.T, src []byte, limit uint8) {
		checkHTML(t, src)
		m, err := ParseBytes(append([]byte("Content-Type: text/html; charset=utf-8\r\n\r\n"), src...))
		if err != nil {
			t.Fatal(err)
		}
		checkPreview(t, m, int(limit))
	})
}

func checkPreview(t testing.TB, m *Message, limit int) {
	t.Helper()
	s, err := m.Preview(limit)
	if limit == 0 {
		limit = defaultPreview
	}
	if err != nil || !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.TrimSpace(s) != s {
		t.Fatalf("%v, %q", err, s)
	}
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf) {
			t.Fatalf("%q", s)
		}
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"\n", ""},
		{"\nHello,\n\n  you  there\n", "Hello, you there"},
		{"\nJo wrote:\n> a\n> b\nI agree.\n-- \nBob", "I agree."},
		{"\nI agree.\n\nJo wrote:\n\n> a\n", "I agree."},
		{"\n> a\n> b\n", "> a > b"},
		{"\n-- \nBob\n", "-- Bob"},
		{"Content-Type: text/plain; charset=utf-8\n\na\u202eb\u200b\u00adc\x07\u034f \u00a0d", "abc d"},
		{"Content-Type: text/plain; format=flowed\n\n> a \n> b\nc \nd\n", "c d"},
		{"Content-Type: text/html; charset=utf-8\n\n<style>x</style><p>Grüße</p><p>b", "Grüße b"},
		{"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: image/png\n\nx\n--a\n\n \n--a\n\nb\n--a--\n", "b"},
		{"Content-Type: image/png\n\nx", ""},
	} {
		got, err := parseString(t, test.in).Preview(0)
		require.NoError(t, err)
		require.Equal(t, test.want, got, test.in)
	}
	m := parseString(t, "\n"+strings.Repeat("äö ", 100))
	for limit, want := range map[int]string{1: "ä", 2: "äö", 3: "äö", 4: "äö ä"} {
		got, err := m.Preview(limit)
		require.NoError(t, err)
		require.Equal(t, want, got, fmt.Sprint(limit))
	}
}
