package message

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExtraFieldAppend(t *testing.T) {
	t.Parallel()
	for _, x := range []ExtraField{
		{"Subject", "[list] Grüße"},
		{"X-Text", ""},
		{"List-Id", " <a.example.org>\t"},
		{"Received", "from a"},
		{"From", "a@b, c@d"},
		{"Subject", strings.Repeat("word ", 50)},
		{"Subject", strings.Repeat("é ", 200)},
		{strings.Repeat("x", maxFieldName), "é"},
	} {
		b, err := x.Append([]byte("A: b\r\n"))
		require.NoError(t, err)
		h := ParseHeader(b)
		require.Equal(t, 2, h.Len(), "%q", b)
		require.Equal(t, string(b), string(h.Raw()))
		require.Equal(t, strings.TrimSpace(x.Value), strings.TrimSpace(h.Text(x.Name)))
		if x.Name != "Subject" && x.Name != "From" {
			require.Contains(t, write(t, &Draft{From: me, Extra: []ExtraField{x}}), string(b[len("A: b"):]), "as a Draft writes it")
		}
	}
	for _, x := range []ExtraField{
		{"", "x"},
		{"X Y", "x"},
		{"X:", "x"},
		{"X\r\nY", "x"},
		{"Ü", "x"},
		{strings.Repeat("x", maxFieldName+1), "x"},
		{"X", "a\r\nBcc: b"},
		{"X", "a\n b"},
		{"X", "\x00"},
		{"X", "\xff"},
		{"X", "a =?b?= c"},
		{"Received", "from ä"},
		{"X", strings.Repeat("x", 999)},
	} {
		b, err := x.Append([]byte("A: b\r\n"))
		require.Error(t, err)
		require.NotRegexp(t, `[\x00-\x1f\x7f]`, err.Error())
		require.Equal(t, "A: b\r\n", string(b))
	}
}
