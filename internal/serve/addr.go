package serve

import (
	"net"
	"net/netip"
)

// perCustomer is the length of the IPv6 prefix that counts as one address.
const perCustomer = 64

// addrOf returns what a peer is counted by: its IPv4 address, or the /64 of its
// IPv6 address; or an invalid prefix if it has none.
func addrOf(a net.Addr) netip.Prefix {
	addr := ipOf(a)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = perCustomer
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// ipOf returns the IP address of a without its zone, invalid if it has none.
func ipOf(a net.Addr) (ip netip.Addr) {
	switch a := a.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case nil:
	default:
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			ip = ap.Addr()
		}
	}
	return ip.Unmap().WithZone("")
}
