package message

import (
	"testing"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/stretchr/testify/require"
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
