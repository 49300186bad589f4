package pop3wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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

func FuzzTimestamp(f *testing.F) {
	f.Add([]byte("POP3 server ready <1896.697170952@dbc.mtview.ca.us>"))
	f.Add([]byte("<<a@b>>"))
	f.Fuzz(func(t *testing.T, greeting []byte) {
		stamp, ok := pop3wire.Timestamp(greeting)
		require.Equal(t, ok, len(stamp) > 0)
		if ok {
			require.Contains(t, string(greeting), string(stamp))
			require.True(t, pop3wire.ValidTimestamp(stamp))
			require.Regexp(t, `^<[!-=?A-~]+@[!-=?A-~]+>$`, string(stamp))
		}
	})
}
