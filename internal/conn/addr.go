package conn

import (
	"errors"
	"net"
	"net/netip"
	"strings"
)

// SplitAddr takes an address apart, "host:port" or a host alone, with or without the
// brackets of IPv6, which then has the usual port.
func SplitAddr(addr, usual string) (host, port string, err error) {
	if _, err := netip.ParseAddr(addr); err == nil {
		return addr, usual, nil
	}
	host, port, err = net.SplitHostPort(addr)
	var bad *net.AddrError
	if errors.As(err, &bad) && bad.Err == "missing port in address" {
		host, port, err = strings.Trim(addr, "[]"), usual, nil
	}
	switch {
	case err != nil:
		return "", "", err
	case host == "":
		return "", "", &net.AddrError{Err: "missing host in address", Addr: addr}
	case port == "": // as in "example.org:"
		port = usual
	}
	return host, port, nil
}
