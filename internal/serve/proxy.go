package serve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	// maxProxyLine is the longest header of version 1 with its CRLF.
	maxProxyLine = 107

	// maxProxyBlock is how long the part of a header of version 2 may be whose length is
	// stated. The addresses need 36 octets; the rest is passed over.
	maxProxyBlock = 4 << 10

	proxyTimeout = 10 * time.Second
)

var proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")

// ErrProxy reports a connection that does not begin with a PROXY header.
var ErrProxy = errors.New("serve: bad PROXY header")

// Proxied are the ends of a connection as a proxy knows them.
type Proxied struct {
	Source, Destination netip.AddrPort // invalid if it knows of none, as in its own checks
}

// ReadProxy reads the header of the PROXY protocol, version 1 or 2, that nc begins with,
// within ten seconds, and not an octet more. It must be called for proxies only, and
// their connections must not be used without it: who can send such a header, or leave it
// out, can be whoever it likes.
func ReadProxy(nc net.Conn) (Proxied, error) {
	if err := nc.SetReadDeadline(time.Now().Add(proxyTimeout)); err != nil {
		return Proxied{}, err
	}
	p, err := readProxy(nc)
	if err != nil {
		return Proxied{}, err
	}
	return p, nc.SetReadDeadline(time.Time{})
}

func readProxy(r io.Reader) (Proxied, error) {
	// No header of version 1 is shorter than this.
	head := make([]byte, len("PROXY UNKNOWN\r\n"), maxProxyLine)
	if _, err := io.ReadFull(r, head[:len(proxySignature)]); err != nil {
		return Proxied{}, fmt.Errorf("%w: %w", ErrProxy, err)
	}
	if bytes.Equal(head[:len(proxySignature)], proxySignature) {
		return readProxyBlock(r)
	}
	if !bytes.HasPrefix(head, []byte("PROXY ")) {
		return Proxied{}, ErrProxy
	}
	if _, err := io.ReadFull(r, head[len(proxySignature):]); err != nil {
		return Proxied{}, fmt.Errorf("%w: %w", ErrProxy, err)
	}
	for !bytes.HasSuffix(head, []byte("\r\n")) {
		if len(head) == maxProxyLine || bytes.IndexByte(head, '\n') >= 0 {
			return Proxied{}, ErrProxy
		}
		head = head[:len(head)+1]
		if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
			return Proxied{}, fmt.Errorf("%w: %w", ErrProxy, err)
		}
	}
	return parseProxyLine(string(head[:len(head)-2]))
}

// parseProxyLine parses a header of version 1.
//
//	PROXY TCP4 192.0.2.1 192.0.2.2 50000 25
func parseProxyLine(line string) (p Proxied, err error) {
	words := strings.Split(line, " ")
	if len(words) >= 2 && words[1] == "UNKNOWN" && !strings.ContainsAny(line, "\r\n") {
		return Proxied{}, nil
	}
	if len(words) != 6 || words[1] != "TCP4" && words[1] != "TCP6" {
		return Proxied{}, ErrProxy
	}
	var ok, okay bool
	p.Source, ok = proxyAddr(words[1], words[2], words[4])
	p.Destination, okay = proxyAddr(words[1], words[3], words[5])
	if !ok || !okay {
		return Proxied{}, ErrProxy
	}
	return p, nil
}

func proxyAddr(family, host, port string) (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" || ip.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), true
}

// readProxyBlock reads a header of version 2 behind its signature.
func readProxyBlock(r io.Reader) (Proxied, error) {
	var head [4]byte // version and command, family and transport, length
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Proxied{}, fmt.Errorf("%w: %w", ErrProxy, err)
	}
	n := binary.BigEndian.Uint16(head[2:])
	if head[0]>>4 != 2 || head[0]&0xf > 1 || n > maxProxyBlock {
		return Proxied{}, ErrProxy
	}
	block := make([]byte, n)
	if _, err := io.ReadFull(r, block); err != nil {
		return Proxied{}, fmt.Errorf("%w: %w", ErrProxy, err)
	}
	const local, unspecified, tcp4, tcp6 = 0x20, 0x00, 0x11, 0x21
	size := 0
	switch {
	case head[0] == local || head[1] == unspecified:
		return Proxied{}, nil
	case head[1] == tcp4:
		size = 4
	case head[1] == tcp6:
		size = 16
	}
	if size == 0 || len(block) < 2*size+4 {
		return Proxied{}, ErrProxy
	}
	source, _ := netip.AddrFromSlice(block[:size])
	destination, _ := netip.AddrFromSlice(block[size : 2*size])
	ports := block[2*size:]
	return Proxied{
		netip.AddrPortFrom(source.Unmap(), binary.BigEndian.Uint16(ports)),
		netip.AddrPortFrom(destination.Unmap(), binary.BigEndian.Uint16(ports[2:])),
	}, nil
}

// Within reports whether an address is in one of the prefixes.
func Within(a net.Addr, prefixes []netip.Prefix) bool {
	ip := ipOf(a)
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// Announce counts the session by another address than its connection's, since the
// connection is a proxy's. It returns why the session has to be refused, or zero.
func (s *Session) Announce(a net.Addr) Reason {
	l := s.loop
	l.mu.Lock()
	defer l.mu.Unlock()
	l.uncount(s)
	s.addr = addrOf(a)
	if why := l.judgeAddr(s); why != 0 {
		s.addr = netip.Prefix{}
		return why
	}
	l.count(s)
	return 0
}

// ErrCrowded is why a client of a proxy is not served.
var ErrCrowded = errors.New("serve: too many connections from the address that a proxy announced")

// Introduce returns nc with the addresses that its PROXY header tells, if it is the
// connection of one of the Proxies; else nc. The session is counted by them. An error
// means that the connection has to be closed; if it is ErrCrowded, its client can be told.
func (s *Session) Introduce(nc net.Conn) (net.Conn, error) {
	if !Within(nc.RemoteAddr(), s.loop.Proxies) {
		return nc, nil
	}
	p, err := ReadProxy(nc)
	if err != nil || !p.Source.IsValid() {
		return nc, err
	}
	nc = introduced{nc, net.TCPAddrFromAddrPort(p.Destination), net.TCPAddrFromAddrPort(p.Source)}
	if s.Announce(nc.RemoteAddr()) != 0 {
		return nc, ErrCrowded
	}
	return nc, nil
}

// introduced is the connection of a proxy under the addresses of its client's.
type introduced struct {
	net.Conn
	local, remote net.Addr
}

func (c introduced) LocalAddr() net.Addr  { return c.local }
func (c introduced) RemoteAddr() net.Addr { return c.remote }
