package message

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestUnflow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"a \nb\nc\n", "a b\nc\n"},
		{"a \r\nb \r\n\r\nc", "a b \nc"},
		{"a\n  b\n >c\n From d\n", "a\n b\n>c\nFrom d\n"},
		{"> a \n> b\n>> c \n> d\ne", "> a b\n>> c \n> d\ne"},
		{">a \n>b\n>>>\n", "> a b\n>>> \n"},
		{"a \n-- \nb\n", "a \n-- \nb\n"},
		{"-- \nb \nc", "-- \nb c"},
		{" ", ""},
	} {
		require.Equal(t, test.want, string(Unflow(nil, []byte(test.in), false)), test.in)
	}
	require.Equal(t, "日本\n", string(Unflow(nil, []byte("日 \n本\n"), true)))
	p := parseString(t, "Content-Type: text/plain; Format=Flowed; DelSp=Yes\n\n").Root()
	flowed, delSp := p.Flowed()
	require.True(t, flowed && delSp)
	flowed, _ = parseString(t, "Content-Type: text/html; format=flowed\n\n").Root().Flowed()
	require.False(t, flowed)
}

func FuzzUnflow(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("> a \n> b\n>> c \n> d\n-- \ne \n f"), uint8(1))
	f.Fuzz(func(t *testing.T, src []byte, delSp uint8) {
		got := Unflow(nil, src, delSp&1 != 0)
		if len(got) > 2*len(src) {
			t.Fatalf("%d octets of %d", len(got), len(src))
		}
		for i, c := range got {
			if c == '\r' && strings.HasSuffix(string(got[:i+1]), "\r\n") {
				t.Fatalf("%q", got)
			}
		}
	})
}
