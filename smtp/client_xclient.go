package smtp

import (
	"net"
	"slices"
	"strconv"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// announce tells the server by XCLIENT for whom this client, a proxy, speaks. The
// session begins anew then, with the server's greeting and EHLO, over the same TLS. The
// name in that EHLO is the client's: the server takes it for what the client has said.
func (c *Client) announce(state *auth.ConnectionState) error {
	listed := c.extensions.XclientAttributes()
	if !slices.Contains(listed, "ADDR") {
		return &ExtensionError{Keyword: "XCLIENT"}
	}
	var command smtpwire.Xclient
	for _, a := range xclientAttributes(state) {
		if slices.Contains(listed, a.Name) {
			command.Attributes = append(command.Attributes, a)
		}
	}
	line, err := command.Append(nil)
	if err == nil {
		err = c.roundTrip(line)
	}
	if err == nil {
		err = c.expect("XCLIENT", 2)
	}
	if err != nil {
		return &opError{"XCLIENT", err}
	}
	if sayable(state.Hello) {
		return c.sayHelloAs(state.Hello)
	}
	return c.sayHello()
}

// xclientAttributes is what is known of a connection, in the words of XCLIENT.
func xclientAttributes(state *auth.ConnectionState) []smtpwire.XclientAttribute {
	addr, port := xclientAddr(state.RemoteAddr)
	destAddr, destPort := xclientAddr(state.LocalAddr)
	login := ""
	if state.Identity != nil {
		login = state.Identity.User
	}
	return []smtpwire.XclientAttribute{
		{Name: "ADDR", Value: addr},
		{Name: "PORT", Value: port},
		{Name: "HELO", Value: xclientText(state.Hello)},
		{Name: "LOGIN", Value: xclientText(login)},
		{Name: "DESTADDR", Value: destAddr},
		{Name: "DESTPORT", Value: destPort},
	}
}

// xclientAddr returns an address and its port, which are those of nobody if it is
// not of TCP.
func xclientAddr(addr net.Addr) (ip, port string) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return smtpwire.XclientUnavailable, smtpwire.XclientUnavailable
	}
	end := tcp.AddrPort()
	switch a := end.Addr().Unmap().WithZone(""); {
	case !a.IsValid():
		return smtpwire.XclientUnavailable, smtpwire.XclientUnavailable
	case a.Is6():
		ip = "IPV6:" + a.String()
	default:
		ip = a.String()
	}
	return ip, strconv.Itoa(int(end.Port()))
}

// xclientText returns what a client has said, if it can be told.
func xclientText(s string) string {
	if s == "" || !plain([]byte(s)) {
		return smtpwire.XclientUnavailable
	}
	return s
}
