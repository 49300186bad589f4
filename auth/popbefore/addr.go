package popbefore

import (
	"net"
	"net/netip"
)

// shared are the ranges, beyond those that netip knows of, whose addresses do not
// stand for one client: see the special-purpose address registries of IANA.
var shared = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network
	netip.MustParsePrefix("100.64.0.0/10"),  // behind carriers' translators
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),   // translators from IPv6 to IPv4
	netip.MustParsePrefix("64:ff9b:1::/48"), // the same, of local networks
	netip.MustParsePrefix("fec0::/10"),      // site-local, as private as private ones
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
