package message

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
)

func TestListFields(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"<mailto:a@b>":                         {"mailto:a@b"},
		"(a <b>) <https://x/\r\n y>, <z:> (c)": {"https://x/y", "z:"},
		"NO (closed)":                          nil,
		"<>, <a":                               nil,
		"https://x/":                           nil,
		"<https://x/\x00.evil.test/>, <z:>":    {"z:"},
		"<https://x/\xff>":                     {"https://x/\xff"},
	} {
		h := ParseHeader([]byte("List-Unsubscribe: " + in + "\r\n"))
		require.Equal(t, want, h.ListURLs("List-Unsubscribe"), in)
	}
	for in, want := range map[string][2]string{
		"<a.example.org>":                         {"a.example.org", ""},
		`"Friends, <all>" <a.example.org> (x)`:    {"a.example.org", "Friends, <all>"},
		"=?utf-8?q?J=C3=B6?= <a.\r\n example.org": {"a.example.org", "Jö"},
		"a.example.org":                           {"a.example.org", ""},
		"":                                        {"", ""},
	} {
		id, name := ParseHeader([]byte("List-Id: " + in + "\r\n")).ListID()
		require.Equal(t, want, [2]string{id, name}, in)
	}
	require.True(t, ParseHeader([]byte("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")).OneClick())
	require.False(t, ParseHeader([]byte("List-Unsubscribe-Post: x\r\n")).OneClick())
	require.Equal(t, []string{"a b", "ö"}, ParseHeader([]byte("Keywords: a b,, =?utf-8?q?=C3=B6?=\r\n")).Keywords())
	require.Equal(t, []string{`a, "b"`, "c (d, e)", `"f`, "g (h"}, ParseHeader([]byte("Keywords: \"a, \\\"b\\\"\", c (d, e), \"f, g (h\r\n")).Keywords())
	require.Equal(t, []string{"a@b", "c@d"}, ParseHeader([]byte("In-Reply-To: Your message a@b of c@d\r\n")).MessageIDs("In-Reply-To"))
}

// TestRFC2369 checks what is demanded of who reads the fields of mailing lists.
func TestRFC2369(t *testing.T) {
	t.Parallel()
	urls := func(s string) []string { return ParseHeader([]byte("List-Help: " + s + "\r\n")).ListURLs("List-Help") }
	t.Run("blanks in brackets are ignored", func(t *testing.T) {
		rfc.Covers(t, "rfc2369-2-1", "rfc2919-3-4")
		require.Equal(t, []string{"mailto:a@b?subject=x"}, urls("< mailto:a@b?sub\r\n\tject=x >"))
		id, _ := ParseHeader([]byte("List-Id: x < a.b\r\n .c >\r\n")).ListID()
		require.Equal(t, "a.b.c", id)
	})
	t.Run("what ends the URLs", func(t *testing.T) {
		rfc.Covers(t, "rfc2369-2-3", "rfc2369-2-4", "rfc2369-2-5", "rfc2369-2-6")
		require.Empty(t, urls("NO <a:>"))
		require.Empty(t, urls("(c) x <a:>"))
		require.Equal(t, []string{"a:"}, urls("<a:> x <b:>, <c:>"))
		require.Equal(t, []string{"a:"}, urls("<a:>, x <b:>, <c:>"))
		require.Equal(t, []string{"a:", "b:"}, urls("(<x:>) <a:> (c) , (d) <b:> (e)"))
	})
	t.Run("an identifier is what is in the brackets", func(t *testing.T) {
		rfc.Covers(t, "rfc2919-6-1")
		for _, s := range []string{"<a.b>", "Name <a.b>", `"<x.y>" <a.b>`, "Other Name\r\n <a.b> (c)"} {
			id, _ := ParseHeader([]byte("List-Id: " + s + "\r\n")).ListID()
			require.Equal(t, "a.b", id)
		}
	})
	t.Run("one click is said by one pair alone", func(t *testing.T) {
		rfc.Covers(t, "rfc8058-3.1-2")
		for s, want := range map[string]bool{"List-Unsubscribe=One-Click": true, "list-unsubscribe=ONE-CLICK": true, "": false, "List-Unsubscribe=One-Click&x=y": false, "List-Unsubscribe": false} {
			require.Equal(t, want, ParseHeader([]byte("List-Unsubscribe-Post: "+s+"\r\n")).OneClick(), s)
		}
	})
}

func FuzzList(tf *testing.F) {
	f := storm.New(tf)
	f.Add(`"Friends" (<x>) <mailto:a@b>, <https://example.org/a b> NO`)
	f.Fuzz(func(t *testing.T, s string) {
		h := ParseHeader([]byte("List-Id: " + s + "\r\n"))
		urls := h.ListURLs("List-Id")
		id, _ := h.ListID()
		_ = h.MessageIDs("List-Id")
		for _, u := range append(urls, id) {
			for i := range len(u) {
				if u[i] <= ' ' {
					t.Fatalf("%q in %q", u, s)
				}
			}
		}
	})
}
