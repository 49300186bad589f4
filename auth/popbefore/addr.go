package popbefore

import (
	"net"
	"net/netip"
)

// shared are ranges, beyond those that netip knows of, whose addresses do not
// stand for one client.
var shared = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),     // this network, RFC 1122 section 3.2.1.3
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' translators, RFC 6598 section 7
	netip.MustParsePrefix("240.0.0.0/4"),   // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),  // translators, RFC 6052 section 2.1
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("fec0::/10"), // site-local, RFC 3879
}

// addrOf returns the address of a peer; the zero Addr if it has none.
func addrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case nil:
		return netip.Addr{}
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// eligible says whether an address may have a grant.
func (g *Grants) eligible(addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	addr = addr.WithZone("") // no prefix contains an address with a zone
	for _, p := range g.Allow {
		if p.Contains(addr) {
			return true
		}
	}
	for _, p := range shared {
		if p.Contains(addr) {
			return false
		}
	}
	return addr.IsGlobalUnicast() && !addr.IsPrivate()
}
