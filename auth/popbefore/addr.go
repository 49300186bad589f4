package popbefore

import (
	"net"
	"net/netip"
	"slices"
)

// shared are the ranges, beyond those that netip knows of, whose addresses do not
// stand for one client: see the special-purpose address registries of IANA.
var shared = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),      // this network
	netip.MustParsePrefix("100.64.0.0/10"),  // behind carriers' translators
	netip.MustParsePrefix("192.0.0.0/24"),   // protocols' own: both ends of carriers' tunnels
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, and broadcast
	netip.MustParsePrefix("::/96"),          // IPv4 in the guise of IPv6, which nobody routes
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

// eligible returns the net that an address stands for, and whether that may have a
// grant.
func (g *Grants) eligible(addr netip.Addr) (netip.Prefix, bool) {
	if !addr.IsValid() {
		return netip.Prefix{}, false
	}
	addr = addr.WithZone("") // no prefix contains an address with a zone
	bits := addr.BitLen()
	if g.WholeIPv6Net && addr.Is6() {
		bits = 64
	}
	net := netip.PrefixFrom(addr, bits).Masked()
	switch {
	case overlaps(g.Deny, net):
		return net, false
	case contains(g.Allow, addr):
		return net, true
	case contains(shared[:], addr):
		return net, false
	}
	return net, addr.IsGlobalUnicast() && !addr.IsPrivate()
}

func contains(nets []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// overlaps reports whether any address of net is in nets.
func overlaps(nets []netip.Prefix, net netip.Prefix) bool {
	return slices.ContainsFunc(nets, net.Overlaps)
}
