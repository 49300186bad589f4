package smtp

import (
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// readGreeting waits for what the server says first.
func (c *Client) readGreeting() error {
	if err := c.readReply(c.cfg.timeout()); err != nil {
		return &opError{"greeting", err}
	}
	// A 554 is the server's way to say that it is none (RFC 5321 section 3.1).
	if err := c.expect("the connection", 2); err != nil {
		return &opError{"greeting", err}
	}
	c.greeting = c.reply.text()
	return nil
}

// sayHello begins the session under this client's own name.
func (c *Client) sayHello() error {
	name := c.cfg.Hello
	if name == "" {
		host, _ := os.Hostname() // without one the address will do
		name = helloName(host, c.conn.LocalAddr())
	}
	return c.sayHelloAs(name)
}

// sayHelloAs begins the session, and learns what the server can.
func (c *Client) sayHelloAs(name string) error {
	hello := smtpwire.Hello{Verb: smtpwire.EHLO, Name: name}
	if c.cfg.Protocol == auth.LMTP {
		hello.Verb = smtpwire.LHLO // RFC 2033 section 4.1: HELO and EHLO are not for LMTP
		return c.tryHello(&hello)
	}
	err := c.tryHello(&hello)
	// "Command not recognized" is the answer of a server older than EHLO (RFC
	// 5321 section 3.2). It knows no STARTTLS: if that is demanded, to go on
	// would help only those who want it stripped.
	old := c.broken.get() == nil && (c.reply.code == 500 || c.reply.code == 502)
	if old && c.cfg.TLS != StartTLS {
		hello.Verb = smtpwire.HELO
		err = c.tryHello(&hello)
	}
	return err
}

func (c *Client) tryHello(hello *smtpwire.Hello) error {
	op := hello.Verb.String()
	line, err := hello.Append(nil)
	if err != nil {
		return &opError{op, err}
	}
	// The reply has no enhanced status code (RFC 2034 section 4).
	c.extensions = nil
	if err := c.roundTrip(line); err != nil {
		return &opError{op, err}
	}
	if err := c.expect(op, 2); err != nil {
		return &opError{op, err}
	}
	lines := c.reply.value().Lines
	c.serverName, _, _ = strings.Cut(lines[0], " ")
	if hello.Verb != smtpwire.HELO {
		c.extensions = smtpwire.ParseEHLO(lines[1:])
	}
	return nil
}

// helloName returns how the end of a connection at addr, on a host of that name,
// calls itself. A name without a domain means nothing to the server (RFC 5321
// section 2.3.5).
func helloName(host string, addr net.Addr) string {
	if sayable(host) && strings.Contains(host, ".") && !strings.HasSuffix(host, ".localdomain") {
		return host
	}
	return addressLiteral(addr)
}

// sayable reports whether a name can stand in EHLO.
func sayable(name string) bool {
	_, err := (&smtpwire.Hello{Name: name}).Append(nil)
	return err == nil
}

// addressLiteral writes the address of this end as RFC 5321 section 4.1.3 has
// it. An end without an IP address is on this machine.
func addressLiteral(addr net.Addr) string {
	var ip netip.Addr
	if tcp, ok := addr.(*net.TCPAddr); ok {
		ip = tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	switch {
	case !ip.IsValid():
		return "[127.0.0.1]"
	case ip.Is6():
		return "[IPv6:" + ip.String() + "]"
	}
	return "[" + ip.String() + "]"
}
