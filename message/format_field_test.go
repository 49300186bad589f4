package message

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
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
		{"X-Text", "=?utf-8?q?" + strings.Repeat("x", 63) + "?= =?utf-8?q?y?="},
	} {
		b, err := x.Append([]byte("A: b\r\n"))
		require.NoError(t, err)
		h := ParseHeader(b)
		require.Equal(t, 2, h.Len(), "%q", b)
		require.Equal(t, string(b), string(h.Raw()))
		require.Equal(t, strings.TrimSpace(DecodeText(x.Value)), strings.TrimSpace(h.Text(x.Name)))
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

// FuzzExtraField: what Append writes is one field, in lines that anybody takes, and says
// what was given.
func FuzzExtraField(tf *testing.F) {
	f := storm.New(tf)
	f.Add("Subject", "Grüße =?utf-8?q?x?= ")
	f.Add(strings.Repeat("x", maxFieldName), "a é b")
	f.Add("X-A", strings.Repeat("word  \t", 30)+"=?utf-8?b?w6k=?= x")
	f.Add("A:\r\nB", "\r\nC: d")
	f.Fuzz(func(t *testing.T, name, value string) {
		b, err := ExtraField{name, value}.Append(nil)
		if err != nil {
			same(t, 0, len(b), "octets of a field that was refused")
			return
		}
		h := ParseHeader(b)
		field, ok := h.Lookup(name)
		if !ok || h.Len() != 1 || !bytes.Equal(h.Raw(), b) {
			t.Fatalf("not one field: %q", b)
		}
		same(t, name, field.Name(), "name")
		trimmed := strings.Trim(value, " \t")
		if plain := isASCII([]byte(value)); plain {
			same(t, DecodeText(unfold([]byte(trimmed))), field.Text(), "text")
		} else {
			same(t, cleanText(trimmed), field.Text(), "text")
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(b), "\r\n"), "\r\n") {
			most := maxLine
			if !isASCII([]byte(value)) && strings.Contains(strings.TrimPrefix(line, name+":"), "=?") {
				most = 76
			}
			if len(line) > most || !isPrintable(strings.ReplaceAll(line, "\t", " "), false) || strings.Trim(line, " \t") == "" {
				t.Fatalf("line %q", line)
			}
		}
	})
}
