package popbefore

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

func tcp(addr string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)) }

// login is the event of a good login over POP3 with TLS.
func login(user, from string) auth.Event {
	return auth.Event{
		State:     auth.ConnectionState{ID: "p-1", Protocol: auth.POP3, RemoteAddr: tcp(from), TLS: &tls.ConnectionState{}},
		Mechanism: "USER",
		User:      user,
		Identity:  &auth.Identity{User: user, Name: user, Mechanism: "USER"},
	}
}

// sender is the state of a client that wants to send.
func sender(from string) auth.ConnectionState {
	return auth.ConnectionState{ID: "s-1", Protocol: auth.Submission, RemoteAddr: tcp(from)}
}

func TestGrantIsForTheExactAddress(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
	g.Observe(t.Context(), login("ann", "[2001:db8::7]:110"))
	for from, want := range map[string]bool{
		"192.0.2.7:4321":            true,
		"[::ffff:192.0.2.7]:4321":   true, // the same, through a socket for both families
		"192.0.2.8:4321":            false,
		"[2001:db8::7]:99":          true,
		"[2001:db8::8]:99":          false, // of the same /64
		"[2001:db8:0:1::7]:99":      false,
		"[::192.0.2.7]:4321":        false,
		"[64:ff9b::192.0.2.7]:4321": false,
	} {
		require.Equal(t, want, g.MayRelay(t.Context(), sender(from)), from)
	}
	require.False(t, g.MayRelay(t.Context(), auth.ConnectionState{Protocol: auth.SMTP}))
	require.False(t, g.MayRelay(t.Context(), auth.ConnectionState{Protocol: auth.SMTP, RemoteAddr: &net.UnixAddr{Name: "192.0.2.7"}}))
}

func TestGrantEndsAfterTheWindow(t *testing.T) {
	t.Parallel()
	for window, want := range map[time.Duration]time.Duration{0: 15 * time.Minute, time.Hour: time.Hour, -1: 15 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			g := &Grants{Window: window}
			start := time.Now()
			g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
			time.Sleep(want - 1)
			require.True(t, g.MayRelay(t.Context(), sender("192.0.2.7:1")))
			time.Sleep(time.Nanosecond)
			require.False(t, g.MayRelay(t.Context(), sender("192.0.2.7:1")), "sending does not renew it")
			require.Zero(t, g.own.Len())

			g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
			time.Sleep(want / 2)
			g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
			time.Sleep(want - 1)
			found, err := g.Lookup(t.Context(), sender("192.0.2.7:1"))
			require.NoError(t, err)
			require.Len(t, found, 1, "a new login does")
			require.Equal(t, want+want/2, found[0].Start.Sub(start))
		})
	}
}

func TestWhatGivesAGrant(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(*auth.Event)
		want   bool
		clear  bool // and with InsecureAllowCleartext
	}{
		{"a good login", func(*auth.Event) {}, true, true},
		{"without TLS", func(e *auth.Event) { e.State.TLS = nil }, false, true},
		{"a failed one", func(e *auth.Event) { e.Identity, e.Err = nil, auth.ErrCredentials }, false, false},
		{"one that failed after all", func(e *auth.Event) { e.Err = errors.New("late") }, false, false},
		{"no identity", func(e *auth.Event) { e.Identity = nil }, false, false},
		{"of nobody", func(e *auth.Event) { e.Identity.Mechanism = "ANONYMOUS" }, false, false},
		{"over SMTP", func(e *auth.Event) { e.State.Protocol = auth.SMTP }, false, false},
		{"over submission", func(e *auth.Event) { e.State.Protocol = auth.Submission }, false, false},
		{"no address", func(e *auth.Event) { e.State.RemoteAddr = nil }, false, false},
		{"Unix socket", func(e *auth.Event) { e.State.RemoteAddr = &net.UnixAddr{} }, false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, insecure := range []bool{false, true} {
				g := &Grants{InsecureAllowCleartext: insecure}
				e := login("tim", "192.0.2.7:110")
				row.change(&e)
				g.Observe(t.Context(), e)
				want := row.want || insecure && row.clear
				require.Equal(t, want, g.MayRelay(t.Context(), sender("192.0.2.7:1")), "insecure: %v", insecure)
				require.Equal(t, want, g.own.Len() == 1)
			}
		})
	}
}

func TestRangesThatGetNoGrant(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]bool{
		"127.0.0.1":           false,
		"127.255.0.1":         false,
		"::1":                 false,
		"::ffff:127.0.0.1":    false,
		"10.1.2.3":            false,
		"172.16.0.1":          false,
		"172.32.0.1":          true,
		"192.168.1.1":         false,
		"fc00::1":             false,
		"fdff::1":             false,
		"100.63.255.255":      true,
		"100.64.0.1":          false,
		"100.127.255.255":     false,
		"100.128.0.0":         true,
		"169.254.1.1":         false,
		"fe80::1":             false,
		"fe80::1%eth0":        false,
		"fec0::1":             false,
		"0.0.0.0":             false,
		"0.1.2.3":             false,
		"::":                  false,
		"192.0.0.2":           false,
		"192.0.1.1":           true,
		"::10.1.2.3":          false,
		"::198.51.100.1":      false,
		"224.0.0.1":           false,
		"ff02::1":             false,
		"255.255.255.255":     false,
		"240.0.0.1":           false,
		"64:ff9b::198.51.1.1": false,
		"64:ff9b:1::1":        false,
		"198.51.100.1":        true,
		"2001:db8::1":         true,
	} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			addr := netip.AddrPortFrom(netip.MustParseAddr(from), 110).String()
			g := new(Grants)
			g.Observe(t.Context(), login("tim", addr))
			require.Equal(t, want, g.MayRelay(t.Context(), sender(addr)))

			// Listed, it gets one; listing another range helps nothing.
			listed := netip.MustParseAddr(from).Unmap().WithZone("")
			allowed := &Grants{Allow: []netip.Prefix{netip.PrefixFrom(listed, listed.BitLen())}}
			allowed.Observe(t.Context(), login("tim", addr))
			require.True(t, allowed.MayRelay(t.Context(), sender(addr)))
			other := &Grants{Allow: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}
			other.Observe(t.Context(), login("tim", addr))
			require.Equal(t, want, other.MayRelay(t.Context(), sender(addr)))
		})
	}
}

func TestMayRelayByProtocol(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
	for protocol, want := range map[auth.Protocol]bool{auth.SMTP: true, auth.Submission: true, auth.LMTP: false, auth.POP3: false, "": false} {
		cs := sender("192.0.2.7:1")
		cs.Protocol = protocol
		require.Equal(t, want, g.MayRelay(t.Context(), cs), protocol)
	}
}

func TestLookupTellsWho(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := new(Grants)
		e := login("tim", "[::ffff:192.0.2.7]:110")
		e.Identity = &auth.Identity{User: "admin", Name: "tim"}
		g.Observe(t.Context(), e)
		found, err := g.Lookup(t.Context(), sender("192.0.2.7:1"))
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NotEmpty(t, found[0].ID)
		require.Equal(t, []Grant{{
			ID: found[0].ID, Net: netip.MustParsePrefix("192.0.2.7/32"), Identity: *e.Identity, Session: "p-1",
			Start: time.Now(), Messages: 100, Recipients: 1000,
		}}, found)
	})
}

func TestSeveralUsersOfOneAddress(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	users := func() (names []string) {
		found, err := g.Lookup(t.Context(), sender("192.0.2.4:9"))
		require.NoError(t, err)
		for _, grant := range found {
			names = append(names, grant.Identity.User)
		}
		return names
	}
	for _, user := range []string{"tim", "ann", "tim", "joe"} {
		g.Observe(t.Context(), login(user, "192.0.2.4:1"))
	}
	require.Equal(t, []string{"joe", "tim", "ann"}, users(), "the newest first, and each once")
	require.NoError(t, g.Revoke(t.Context(), "tim"))
	require.Equal(t, []string{"joe", "ann"}, users())
	for i := range mostPerNet - 1 {
		g.Observe(t.Context(), login(strconv.Itoa(i), "192.0.2.4:1"))
	}
	require.Len(t, users(), mostPerNet)
	require.NotContains(t, users(), "ann", "whose login is the longest ago")
	require.Contains(t, users(), "joe")
	require.Equal(t, mostPerNet, g.own.Len())
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	require.NoError(t, g.Revoke(t.Context(), "tim")) // of nothing
	for _, e := range []auth.Event{
		login("tim", "192.0.2.1:1"), login("tim", "192.0.2.2:1"), login("ann", "192.0.2.3:1"),
		login("tim", "192.0.2.4:1"), login("ann", "192.0.2.4:1"), // one after the other behind one router
	} {
		g.Observe(t.Context(), e)
	}
	require.NoError(t, g.Revoke(t.Context(), "tim"))
	for from, want := range map[string]bool{"192.0.2.1": false, "192.0.2.2": false, "192.0.2.3": true, "192.0.2.4": true} {
		require.Equal(t, want, g.MayRelay(t.Context(), sender(from+":9")), from)
	}
	require.Equal(t, 2, g.own.Len())

	// Both names of an identity count.
	e := login("tim", "192.0.2.6:1")
	for _, name := range []string{"admin", "tim"} {
		e.Identity = &auth.Identity{User: "admin", Name: "tim"}
		g.Observe(t.Context(), e)
		require.True(t, g.MayRelay(t.Context(), sender("192.0.2.6:9")))
		require.NoError(t, g.Revoke(t.Context(), name))
		require.False(t, g.MayRelay(t.Context(), sender("192.0.2.6:9")), name)
	}
	g.Observe(t.Context(), login("tim", "192.0.2.1:1"))
	require.True(t, g.MayRelay(t.Context(), sender("192.0.2.1:9")), "with the new password")
}

func TestRevokeNet(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	for _, from := range []string{"192.0.2.1:1", "192.0.2.2:1", "198.51.100.1:1", "[2001:db8::1]:1"} {
		g.Observe(t.Context(), login("tim", from))
	}
	for _, row := range []struct {
		net  string
		left int
	}{{"192.0.2.1/32", 3}, {"203.0.113.0/24", 3}, {"192.0.2.0/24", 2}, {"2001:db8::/32", 1}, {"0.0.0.0/0", 0}} {
		require.NoError(t, g.RevokeNet(t.Context(), netip.MustParsePrefix(row.net)))
		require.Equal(t, row.left, g.own.Len(), row.net)
		require.Equal(t, row.left, g.own.byNet.Len())
		require.Equal(t, row.left, g.own.byID.Len())
	}
}

func TestWholeIPv6Net(t *testing.T) {
	t.Parallel()
	g := &Grants{WholeIPv6Net: true, Deny: []netip.Prefix{netip.MustParsePrefix("2001:db8:0:2::9/128")}}
	g.Observe(t.Context(), login("tim", "[2001:db8::7]:110"))
	g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
	g.Observe(t.Context(), login("tim", "[2001:db8:0:2::7]:110")) // shares its net with what is denied
	for from, want := range map[string]bool{
		"[2001:db8::8]:1":            true,
		"[2001:db8::ffff:ffff:1]:1":  true,
		"[2001:db8:0:1::7]:1":        false,
		"[2001:db8:0:2::7]:1":        false,
		"192.0.2.7:1":                true,
		"192.0.2.8:1":                false,
		"[::ffff:192.0.2.7]:1":       true,
		"[2001:db8:0:0:1:2:3:4]:999": true,
	} {
		require.Equal(t, want, g.MayRelay(t.Context(), sender(from)), from)
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
	proxy := netip.MustParsePrefix("192.0.2.7/32")
	g := &Grants{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Deny: []netip.Prefix{proxy}}
	g.Observe(t.Context(), login("tim", "192.0.2.7:110"))
	g.Observe(t.Context(), login("tim", "192.0.2.8:110"))
	require.False(t, g.MayRelay(t.Context(), sender("192.0.2.7:1")), "what is denied is not allowed")
	require.True(t, g.MayRelay(t.Context(), sender("192.0.2.8:1")))

	// What another machine gave, which knew the proxy less well, serves for nothing here.
	shared := new(Memory)
	(&Grants{Store: shared}).Observe(t.Context(), login("tim", "192.0.2.7:110"))
	require.Equal(t, 1, shared.Len())
	require.False(t, (&Grants{Store: shared, Deny: g.Deny}).MayRelay(t.Context(), sender("192.0.2.7:1")))
	require.True(t, (&Grants{Store: shared}).MayRelay(t.Context(), sender("192.0.2.7:1")))
}

func TestMaxGrants(t *testing.T) {
	t.Parallel()
	g := &Grants{Store: &Memory{MaxGrants: 3}}
	for _, from := range []string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.1:1", "192.0.2.4:1"} {
		g.Observe(t.Context(), login("tim", from))
	}
	require.Equal(t, 3, g.Store.(*Memory).Len())
	for from, want := range map[string]bool{"192.0.2.1:9": true, "192.0.2.2:9": false, "192.0.2.3:9": true, "192.0.2.4:9": true} {
		require.Equal(t, want, g.MayRelay(t.Context(), sender(from)), from)
	}
}

func TestMaxGrantsDefault(t *testing.T) {
	t.Parallel()
	g := new(Grants)
	e := login("tim", "192.0.2.1:1")
	addr := netip.MustParseAddr("198.18.0.0")
	for range defaultMaxGrants + 10 {
		e.State.RemoteAddr = &net.TCPAddr{IP: addr.AsSlice()}
		g.Observe(t.Context(), e)
		addr = addr.Next()
	}
	require.Equal(t, defaultMaxGrants, g.own.Len())
	require.Equal(t, defaultMaxGrants, g.own.byNet.Len())
	require.Equal(t, defaultMaxGrants, g.own.byID.Len())
}

func TestEndedGrantsAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := new(Grants)
		for i := range 100 {
			g.Observe(t.Context(), login("tim", "192.0.2."+strconv.Itoa(i)+":1"))
		}
		time.Sleep(defaultWindow)
		g.Observe(t.Context(), login("tim", "192.0.2.200:1"))
		require.Equal(t, 1, g.own.Len())
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	store := &Memory{MaxGrants: 10}
	g := &Grants{Store: store}
	ctx := context.Background()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				from := "192.0.2." + strconv.Itoa((i*j)%30+1) + ":1"
				g.Observe(ctx, login("tim", from))
				g.MayRelay(ctx, sender(from))
				_, _ = g.Relay(ctx, Message{Conn: sender(from), Recipients: 1})
				if j%50 == 0 {
					_ = g.Revoke(ctx, "tim")
				}
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, store.Len(), 10)
	require.Equal(t, store.Len(), store.byNet.Len())
	require.Equal(t, store.Len(), store.byID.Len())
}
