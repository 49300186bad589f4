package smtp_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// fromProxy is where testnet's Dial comes from.
var fromProxy = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}

// byAddress is a server that lets one client relay, which is not the proxy.
func byAddress(srv *smtp.Server) *smtp.Server {
	srv.MayRelay = func(_ context.Context, cs auth.ConnectionState) bool {
		return strings.HasPrefix(cs.RemoteAddr.String(), "198.51.100.7:")
	}
	return srv
}

const relayed = "EHLO client.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<bob@elsewhere.example>\r\n"

func TestServerProxyHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, say string
		srv       *smtp.Server
		want      []string
	}{
		{"the client may", "PROXY TCP4 198.51.100.7 192.0.2.2 50000 25\r\n" + relayed, &smtp.Server{ProxyFrom: fromProxy}, []string{"220 ", "250-", "250 ", "250 2.1.5 "}},
		{"another may not", "PROXY TCP4 198.51.100.8 192.0.2.2 50000 25\r\n" + relayed, &smtp.Server{ProxyFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"once only", "PROXY TCP4 198.51.100.8 192.0.2.2 50000 25\r\nPROXY TCP4 198.51.100.7 192.0.2.2 50000 25\r\n" + relayed, &smtp.Server{ProxyFrom: fromProxy}, []string{"220 ", "500 ", "250-", "250 ", "550 5.7.1 "}},
		{"the proxy itself", "PROXY UNKNOWN\r\n" + relayed, &smtp.Server{ProxyFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"no header from a proxy", relayed, &smtp.Server{ProxyFrom: fromProxy}, []string{""}},
		{"nobody is trusted", "PROXY TCP4 198.51.100.7 192.0.2.2 50000 25\r\n" + relayed, &smtp.Server{}, []string{"220 ", "500 ", "250-", "250 ", "550 5.7.1 "}},
		{"another is trusted", "PROXY TCP4 198.51.100.7 192.0.2.2 50000 25\r\n" + relayed, &smtp.Server{ProxyFrom: []netip.Prefix{netip.MustParsePrefix("192.0.2.3/32")}}, []string{"220 ", "500 ", "250-", "250 ", "550 5.7.1 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newSite(t, byAddress(tt.srv)).dial()
			_, _ = p.Write([]byte(tt.say))
			p.expect(tt.want...)
		})
	}
}

// TestServerProxyTLS: the header comes before TLS, also where TLS comes first.
func TestServerProxyTLS(t *testing.T) {
	t.Parallel()
	s := startSite(t, byAddress(withTLS(t, &smtp.Server{ProxyFrom: fromProxy})), true)
	t.Cleanup(s.close)
	p := s.dial()
	p.say("PROXY TCP4 198.51.100.7 192.0.2.2 50000 25\r\n")
	p.startTLS(s.tls)
	p.say(relayed)
	p.expect("220 ", "250-", "250 ", "250 2.1.5 ")
}

// TestServerProxyCounts: the clients of a proxy are counted one by one, and the proxy
// is not.
func TestServerProxyCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{ProxyFrom: fromProxy, MaxConnsPerAddr: 2})
	for _, tt := range []struct {
		client int
		want   string
	}{{1, "220 "}, {1, "220 "}, {1, "421 4.3.2 "}, {2, "220 "}, {2, "220 "}, {2, "421 4.3.2 "}, {3, "220 "}} {
		p := s.dial()
		p.say(fmt.Sprintf("PROXY TCP4 198.51.100.%d 192.0.2.2 50000 25\r\n", tt.client))
		p.expect(tt.want)
	}
}

// TestServerXclientCounts: so are the clients of one that uses XCLIENT.
func TestServerXclientCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{XclientFrom: fromProxy, MaxConnsPerAddr: 2})
	for _, tt := range []struct {
		client int
		want   []string
	}{
		{1, []string{"220 ", "250-"}},
		{1, []string{"220 ", "250-"}},
		{1, []string{"421 4.3.2 too many connections", ""}},
		{2, []string{"220 ", "250-"}},
	} {
		p := s.dial()
		p.expect("220 ")
		p.say("EHLO proxy.example.com\r\n")
		p.expect("250-")
		p.say(fmt.Sprintf("XCLIENT ADDR=198.51.100.%d\r\nEHLO client.example.com\r\n", tt.client))
		p.expect(tt.want...)
	}
}

// TestServerXclientCountsNobody: a proxy that does not tell whose connection it is has not
// all of them counted as its own.
func TestServerXclientCountsNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{XclientFrom: fromProxy, MaxConnsPerAddr: 2})
	for range 3 {
		p := s.dial()
		p.expect("220 ")
		p.say("EHLO proxy.example.com\r\n")
		p.expect("250-")
		p.say("XCLIENT LOGIN=alice\r\nEHLO client.example.com\r\n")
		p.expect("220 ", "250-")
	}
}

func TestServerXclient(t *testing.T) {
	t.Parallel()
	const trusted = "\n250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\n"
	for _, tt := range []struct {
		name, say string
		srv       *smtp.Server
		want      []string
	}{
		{"the client may", "XCLIENT ADDR=198.51.100.7 PORT=50000\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "250 2.1.5 "}},
		{"another may not", "XCLIENT ADDR=198.51.100.8 NAME=client.example.com\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"IPv6", "XCLIENT ADDR=IPV6:2001:db8::1\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"not known", "XCLIENT ADDR=[UNAVAILABLE]\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"a user", "XCLIENT ADDR=198.51.100.8 LOGIN=tim\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "250 2.1.5 "}},
		{"not known, in lower case", "XCLIENT addr=[unavailable]\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"IPv6, in lower case", "XCLIENT addr=ipv6:2001:db8::7\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"no user", "XCLIENT ADDR=198.51.100.8 LOGIN=[UNAVAILABLE]\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "250-", "250 ", "550 5.7.1 "}},
		{"twice", "XCLIENT ADDR=198.51.100.8\r\nXCLIENT ADDR=198.51.100.7\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "550 5.7.0 ", "250-", "250 ", "550 5.7.1 "}},
		{"no address", "XCLIENT ADDR=localhost\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"501 5.5.4 ", "250-", "250 ", "550 5.7.1 "}},
		{"no port", "XCLIENT ADDR=198.51.100.7 PORT=65536\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"501 5.5.4 ", "250-", "250 ", "550 5.7.1 "}},
		{"nothing", "XCLIENT\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"501 ", "250-", "250 ", "550 5.7.1 "}},
		{"in a transaction", "MAIL FROM:<>\r\nXCLIENT ADDR=198.51.100.7\r\nRSET\r\n" + relayed, &smtp.Server{XclientFrom: fromProxy}, []string{"250 ", "503 ", "250 ", "250-", "250 ", "550 5.7.1 "}},
		{"hello is forgotten", "XCLIENT ADDR=198.51.100.7\r\nMAIL FROM:<>\r\n", &smtp.Server{XclientFrom: fromProxy}, []string{"220 ", "503 5.5.1 send EHLO"}},
		{"nobody is trusted", "XCLIENT ADDR=198.51.100.7 LOGIN=tim\r\n" + relayed, &smtp.Server{}, []string{"550 5.7.0 ", "250-", "250 ", "550 5.7.1 "}},
		{"another is trusted", "XCLIENT ADDR=198.51.100.7 LOGIN=tim\r\n" + relayed, &smtp.Server{XclientFrom: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}, []string{"550 5.7.0 ", "250-", "250 ", "550 5.7.1 "}},
		{"refused by address", "XCLIENT ADDR=198.51.100.9\r\nEHLO a\r\n", &smtp.Server{XclientFrom: fromProxy, Hooks: smtp.Hooks{
			Connect: func(_ context.Context, cs auth.ConnectionState) error {
				if strings.HasPrefix(cs.RemoteAddr.String(), "198.51.100.9:") {
					return smtp.Reject("listed")
				}
				return nil
			},
		}}, []string{"554 listed", "503 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newSite(t, byAddress(tt.srv)).dial()
			p.expect("220 ")
			p.say("EHLO proxy.example.com\r\n")
			if tt.srv.XclientFrom != nil && tt.srv.XclientFrom[0] == fromProxy[0] {
				require.Contains(t, p.hear(), trusted)
			} else {
				require.NotContains(t, p.hear(), "XCLIENT")
			}
			p.say(tt.say)
			p.expect(tt.want...)
		})
	}
}

// TestServerProxyXclient: what follows a PROXY header is the client's, who has not the
// rights of its proxy.
func TestServerProxyXclient(t *testing.T) {
	t.Parallel()
	both := func() *smtp.Server {
		return byAddress(&smtp.Server{ProxyFrom: fromProxy, XclientFrom: append(fromProxy, netip.MustParsePrefix("198.51.100.9/32"))})
	}
	const forged = "EHLO a\r\nXCLIENT ADDR=198.51.100.7 LOGIN=tim\r\n" + relayed
	for _, header := range []string{"TCP4 198.51.100.8 192.0.2.2 50000 25", "UNKNOWN"} {
		p := newSite(t, both()).dial()
		p.say("PROXY " + header + "\r\n" + forged)
		p.expect("220 ")
		require.NotContains(t, p.hear(), "XCLIENT")
		p.expect("550 5.7.0 ", "250-", "250 ", "550 5.7.1 ")
	}
	p := newSite(t, both()).dial()
	p.say("PROXY TCP4 198.51.100.9 192.0.2.2 50000 25\r\n" + forged)
	p.expect("220 ", "250-XCLIENT ", "220 ", "250-", "250 ", "250 2.1.5 ")
}

// TestServerXclientTrace: the Received field names the client, and not the proxy.
func TestServerXclientTrace(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{XclientFrom: fromProxy})
	p := s.greeted()
	p.say("XCLIENT ADDR=198.51.100.7 PORT=50000\r\nEHLO client.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
	p.expect("220 ", "250-", "250 ", "250 ", "354 ", "250 ")
	require.Contains(t, string(s.letters()[0].tx.AppendReceived(nil, time.Now())), "from client.example.com ([198.51.100.7])")
}
