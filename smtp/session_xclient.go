package smtp

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// xclientKeyword lists what is understood of what a proxy may tell.
const xclientKeyword = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"

// mechXclient is the mechanism of an identity that a proxy has vouched for.
const mechXclient = "XCLIENT"

// mayAnnounce reports whether the peer may say, and has not said yet, whom it speaks for.
func (s *session) mayAnnounce() bool {
	return !s.announced && serve.Within(s.peer, s.srv.XclientFrom)
}

// xclient answers XCLIENT, by which a trusted proxy tells whom it speaks for. The session
// begins anew, with the greeting: all that decides by address now decides by the
// client's.
func (s *session) xclient(args []byte) smtpwire.Reply {
	if !s.mayAnnounce() {
		return replyNotTrusted
	}
	var cmd smtpwire.Xclient
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	remote, ok := announcedAddr(&cmd, "ADDR", "PORT", s.state.RemoteAddr)
	local, okay := announcedAddr(&cmd, "DESTADDR", "DESTPORT", s.state.LocalAddr)
	if !ok || !okay {
		return replyBadXclient
	}
	s.announced = true
	s.state.Identity = nil
	if login, ok := cmd.Get("LOGIN"); ok && !unavailable(login) {
		s.state.Identity = &auth.Identity{User: login, Name: login, Mechanism: mechXclient}
	}
	s.domains = nil
	s.peerName = ""
	if name, ok := cmd.Get("NAME"); ok && !unavailable(name) {
		s.peerName = name
	}
	s.phase = phaseConnected
	s.extended = false
	s.state.Hello = ""
	s.announce(remote, local)
	if _, told := cmd.Get("ADDR"); told && s.link.Announce(remote) != 0 {
		return replyTooManyConns
	}
	return s.greeting()
}

// announce makes the ends of the connection those that a proxy told.
func (s *session) announce(remote, local net.Addr) {
	s.state.RemoteAddr, s.state.LocalAddr = remote, local
	s.log = s.nobodysLog()
	if s.state.Identity != nil {
		s.log = s.log.With("user", s.state.Identity.User)
	}
}

// unavailable reports whether a proxy says that it does not know.
func unavailable(value string) bool {
	value = ascii.ToUpper(value)
	return value == smtpwire.XclientUnavailable || value == smtpwire.XclientTemporary
}

// announcedAddr returns the address of one end: before, as far as nothing is told of it.
// An address that a proxy does not know is that of nobody, and not the proxy's.
func announcedAddr(cmd *smtpwire.Xclient, addr, port string, before net.Addr) (net.Addr, bool) {
	host, ok := cmd.Get(addr)
	if !ok {
		return before, true
	}
	if unavailable(host) {
		return nobody{}, true
	}
	if rest, ok := strings.CutPrefix(ascii.ToUpper(host), "IPV6:"); ok {
		host = rest
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || ip.Zone() != "" {
		return nil, false
	}
	n := uint64(0)
	if text, ok := cmd.Get(port); ok && !unavailable(text) {
		if n, err = strconv.ParseUint(text, 10, 16); err != nil {
			return nil, false
		}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip.Unmap(), uint16(n))), true
}

// nobody is the address of a client that its proxy does not know.
type nobody struct{}

func (nobody) Network() string { return "tcp" }
func (nobody) String() string  { return "unknown" }

// readProxy reads the header that the connection of a trusted proxy begins with.
func (s *session) readProxy(nc net.Conn) (smtpwire.Reply, error) {
	p, err := serve.ReadProxy(nc)
	// What follows the header is said by the client, and the proxy does not look at it: it
	// is the client who would have to be trusted with XCLIENT.
	s.peer = nobody{}
	if err != nil || !p.Source.IsValid() {
		return smtpwire.Reply{}, err
	}
	s.peer = net.TCPAddrFromAddrPort(p.Source)
	s.announce(s.peer, net.TCPAddrFromAddrPort(p.Destination))
	if s.link.Announce(s.peer) != 0 {
		return replyTooManyConns, nil
	}
	return smtpwire.Reply{}, nil
}
