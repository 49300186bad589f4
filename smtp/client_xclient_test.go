package smtp

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
)

// A proxy tells the server what it knows of its client, as far as the server wants
// to hear it, and then begins the session anew.
func TestClient_OnBehalfOf(t *testing.T) {
	t.Parallel()
	const all = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
	tcp := func(s string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(s)) }
	for name, tt := range map[string]struct {
		offer string
		state auth.ConnectionState
		line  string // that is sent; empty: the extension is missing
		hello string // that begins the session anew
	}{
		"all": {
			all,
			auth.ConnectionState{RemoteAddr: tcp("198.51.100.7:50000"), LocalAddr: tcp("192.0.2.2:25"), Hello: "a+b.example", Identity: &auth.Identity{User: "tim"}},
			"XCLIENT ADDR=198.51.100.7 PORT=50000 HELO=a+2Bb.example LOGIN=tim DESTADDR=192.0.2.2 DESTPORT=25",
			"EHLO c", // as that of the client cannot be said
		},
		"its name": {
			"XCLIENT ADDR HELO",
			auth.ConnectionState{RemoteAddr: tcp("198.51.100.7:50000"), Hello: "laptop.example"},
			"XCLIENT ADDR=198.51.100.7 HELO=laptop.example",
			"EHLO laptop.example",
		},
		"IPv6": {
			"XCLIENT ADDR PORT",
			auth.ConnectionState{RemoteAddr: tcp("[2001:db8::1%eth0]:50000")},
			"XCLIENT ADDR=IPV6:2001:db8::1 PORT=50000",
			"EHLO c",
		},
		"nothing known": {
			"XCLIENT LOGIN ADDR HELO",
			auth.ConnectionState{Hello: "ü", RemoteAddr: &net.UnixAddr{Name: "/run/x"}},
			"XCLIENT ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE] LOGIN=[UNAVAILABLE]",
			"EHLO c",
		},
		"no XCLIENT": {"X", auth.ConnectionState{}, "", ""},
		"no ADDR":    {"XCLIENT LOGIN", auth.ConnectionState{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &echo{offers: []string{tt.offer}}
			c, err := NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "c", OnBehalfOf: &tt.state})
			if tt.line == "" {
				missing := new(ExtensionError)
				require.ErrorAs(t, err, &missing)
				require.Equal(t, "XCLIENT", missing.Keyword)
				p.expect(t, "EHLO c", "QUIT")
				return
			}
			require.NoError(t, err)
			p.expect(t, "EHLO c", tt.line, tt.hello)
			c.Close()
		})
	}
}

// Our own server, and the policy on it, see the client instead of the proxy, over
// the same TLS; a proxy that it does not trust does not get that far.
func TestClient_OnBehalfOfToOurServer(t *testing.T) {
	t.Parallel()
	server, client := testnet.Cert(t)
	for _, trusted := range []bool{true, false} {
		seen := make(chan auth.ConnectionState, 1)
		srv := &Server{
			Hostname: "mx.example.org", TLSConfig: server,
			MayRelay: func(_ context.Context, cs auth.ConnectionState) bool {
				return cs.RemoteAddr.String() == "198.51.100.7:50000"
			},
			Handler: HandlerFunc(func(_ context.Context, tx *Transaction) error {
				seen <- tx.Conn
				return nil
			}),
		}
		if trusted {
			srv.XclientFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		go srv.Serve(ln)
		t.Cleanup(func() { srv.Close() })
		of := &auth.ConnectionState{
			RemoteAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("198.51.100.7:50000")), Hello: "laptop.example", Identity: &auth.Identity{User: "tim"},
		}
		c, err := Dial(t.Context(), ln.Addr().String(), &ClientConfig{TLSConfig: client, Hello: "proxy.example.org", OnBehalfOf: of})
		if !trusted {
			require.ErrorAs(t, err, new(*ExtensionError))
			continue
		}
		require.NoError(t, err)
		sends(t, c, Accepted, "", "b", 250)
		got := <-seen
		require.Equal(t, "tim", got.Identity.User)
		require.Equal(t, "laptop.example", got.Hello)
		require.NotNil(t, got.TLS)
		require.NoError(t, c.Quit(t.Context()))
	}
}
