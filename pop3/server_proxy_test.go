package pop3_test

import (
	"bufio"
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// TestServerProxyBudget: failures are counted of the network that a trusted proxy tells,
// and of the proxy's if it is none.
func TestServerProxyBudget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, trusted string
		first, second string // what is said for a proxy before a login
		delayed       bool
	}{
		{"one client", "192.0.2.1/32", "PROXY TCP4 198.51.100.7 192.0.2.2 1 110\r\n", "PROXY TCP4 198.51.100.8 192.0.2.2 1 110\r\n", true},
		{"two clients", "192.0.2.1/32", "PROXY TCP4 198.51.100.7 192.0.2.2 1 110\r\n", "PROXY TCP4 203.0.113.7 192.0.2.2 1 110\r\n", false},
		{"of no proxy", "192.0.2.9/32", "PROXY TCP4 198.51.100.7 192.0.2.2 1 110\r\n", "PROXY TCP4 203.0.113.7 192.0.2.2 1 110\r\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
					s.ProxyFrom = []netip.Prefix{netip.MustParsePrefix(tt.trusted)}
					s.Auth.Budget = &auth.Budget{PerNet: 1}
				})
				login := func(header, user string) time.Duration {
					began := time.Now()
					require.Contains(t, r.talk(t, header+"USER "+user+"\r\nPASS wrong\r\nQUIT\r\n"), "-ERR [AUTH]")
					return time.Since(began)
				}
				require.Zero(t, login(tt.first, "mrose"))
				want := time.Duration(0)
				if tt.delayed {
					want = time.Second
				}
				require.Equal(t, want, login(tt.second, "odd"))
			})
		})
	}
}

// TestServerProxyCounts: the clients of a proxy are counted one by one, and the proxy
// is not; who is one too many is told so, as everybody is.
func TestServerProxyCounts(t *testing.T) {
	t.Parallel()
	r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.ProxyFrom, s.MaxConnsPerAddr = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}, 2
	})
	for _, tt := range []struct{ client, want string }{
		{"7", "+OK "}, {"7", "+OK "}, {"7", "-ERR [SYS/TEMP] too many connections"}, {"8", "+OK "}, {"8", "+OK "}, {"8", "-ERR [SYS/TEMP] "},
	} {
		nc := r.dial(t)
		_, err := nc.Write([]byte("PROXY TCP4 198.51.100." + tt.client + " 192.0.2.2 50000 110\r\n"))
		require.NoError(t, err)
		greeting, err := bufio.NewReader(nc).ReadString('\n')
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(greeting, tt.want), "client %s: %q", tt.client, greeting)
	}
	require.Contains(t, r.logs.String(), "too many connections")
}

// TestServerThrottled: an attempt that is not looked at is no refusal.
func TestServerThrottled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
			s.Auth.Budget = &auth.Budget{PerAccount: 1, MaxDelayed: 1}
		})
		require.Contains(t, r.talk(t, "USER mrose\r\nPASS wrong\r\nQUIT\r\n"), "-ERR [AUTH]")
		waiting := make(chan string)
		go func() { waiting <- r.talk(t, "USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n") }()
		synctest.Wait()
		require.Contains(t, r.talk(t, "USER mrose\r\nPASS tanstaaf\r\nQUIT\r\n"), "-ERR [SYS/TEMP] too many failed logins")
		require.Contains(t, <-waiting, "+OK maildrop has ")
		require.NotContains(t, r.logs.String(), "level=ERROR")
	})
}
