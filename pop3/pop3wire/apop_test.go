package pop3wire_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func TestTimestamp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ greeting, want string }{
		{"POP3 server ready <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>"},
		{"<a@b> ready", "<a@b>"},
		{"hello <world> <a+/=@b-c>", "<a+/=@b-c>"},
		{"a < b <1@2>", "<1@2>"},
		{"<<1@2>", "<1@2>"},
		{"ready", ""},
		{"<>", ""},
		{"<@>", ""},
		{"<a@b", ""},
		{"<a@>", ""},
		{"<@b>", ""},
		{"<a@b@c>", ""},
		{"<.a@b>", ""},
		{"<a.@b>", ""},
		{"<a..b@c>", ""},
		{"<a@b.>", ""},
		{"<a b@c>", ""},
		{"<a@\x80>", ""},
		{"<a\x00@b>", ""},
		{"<\"a\"@b>", ""},
		{"<" + strings.Repeat("a", 600) + "@b>", ""},
	} {
		got, ok := pop3wire.Timestamp([]byte(tt.greeting))
		require.Equal(t, tt.want != "", ok, "%q", tt.greeting)
		require.Equal(t, tt.want, string(got), "%q", tt.greeting)
	}
}

func ExampleApopDigest() {
	digest := pop3wire.ApopDigest("<1896.697170952@dbc.mtview.ca.us>", "tanstaaf")
	line, err := pop3wire.Apop{Name: "mrose", Digest: digest}.Append(nil)
	fmt.Printf("%q %v\n", line, err)
	// Output: "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n" <nil>
}

func FuzzTimestamp(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("POP3 server ready <1896.697170952@dbc.mtview.ca.us>"))
	f.Add([]byte("<<a@b>>"))
	f.Fuzz(func(t *testing.T, greeting []byte) {
		stamp, ok := pop3wire.Timestamp(greeting)
		switch {
		case !ok && stamp == nil:
		case !ok || !bytes.Contains(greeting, stamp) || !pop3wire.ValidTimestamp(stamp) || !plainTimestamp(string(stamp)):
			t.Fatalf("%q gives %q, %t", greeting, stamp, ok)
		}
	})
}

// plainTimestamp says whether stamp is <a@b> of visible ASCII without another of these
// three.
func plainTimestamp(stamp string) bool {
	inner, closed := strings.CutSuffix(strings.TrimPrefix(stamp, "<"), ">")
	left, right, found := strings.Cut(inner, "@")
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7F || r == '>' || r == '@' }
	return closed && found && stamp[0] == '<' && left != "" && right != "" && !strings.ContainsFunc(left+right, odd)
}
