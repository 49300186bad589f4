package pop3_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// TestServerProxy: a session has the address that a trusted proxy tells, and nobody else
// can tell one.
func TestServerProxy(t *testing.T) {
	t.Parallel()
	const header = "PROXY TCP4 198.51.100.7 192.0.2.2 50000 110\r\n"
	const login = "USER mrose\r\nPASS secret\r\nQUIT\r\n"
	for name, tt := range map[string]struct {
		trusted, say string
		from         string // "": cut, or nobody has tried to log in
	}{
		"told":               {"192.0.2.1/32", header + login, "198.51.100.7:50000"},
		"none of its own":    {"192.0.2.1/32", "PROXY UNKNOWN\r\n" + login, "192.0.2.1:50000"},
		"left out":           {"192.0.2.1/32", login, ""},
		"of no proxy":        {"192.0.2.9/32", header + login, "192.0.2.1:50000"},
		"told a second time": {"192.0.2.1/32", header + "PROXY TCP4 198.51.100.8 192.0.2.2 50000 110\r\n" + login, "198.51.100.7:50000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := ""
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
				s.ProxyFrom = []netip.Prefix{netip.MustParsePrefix(tt.trusted)}
				s.Auth = &auth.Server{Passwords: testPasswords, InsecureAllowCleartext: true, Observe: func(_ context.Context, e auth.Event) {
					from = e.State.RemoteAddr.String()
				}}
			})
			answer := r.talk(t, tt.say)
			require.Equal(t, tt.from, from, answer)
			require.Equal(t, tt.from == "", answer == "")
		})
	}
}
