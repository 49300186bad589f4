package smtp

import (
	"crypto/tls"
	"net"
	"net/netip"
	"time"
)

// AppendReceived appends the trace field that the one who takes responsibility for a
// message puts at its top: RFC 5321 section 4.4. It ends in CRLF. now is the time of
// receipt. The "for" clause is there when the message has a single recipient, so that
// no recipient learns of another: RFC 5321 section 7.6.
func (tx *Transaction) AppendReceived(dst []byte, now time.Time) []byte {
	dst = append(dst, "Received: from "...)
	dst = append(dst, tx.Conn.Hello...)
	if ip, ok := addrOf(tx.Conn.RemoteAddr); ok {
		dst = append(dst, " ("...)
		dst = appendLiteral(dst, ip)
		dst = append(dst, ')')
	}
	dst = append(dst, "\r\n\tby "...)
	dst = append(dst, tx.hostname...)
	dst = append(dst, " with "...)
	dst = append(dst, tx.with()...)
	dst = append(dst, " id "...)
	dst = append(dst, tx.ID...)
	if to := tx.Envelope.To; len(to) == 1 {
		dst = append(dst, "\r\n\tfor <"...)
		dst = to[0].Address.Append(dst)
		dst = append(dst, '>')
	}
	if t := tx.Conn.TLS; t != nil {
		// RFC 8314 section 4.3: the cipher suite is told.
		dst = append(dst, "\r\n\ttls "...)
		dst = append(dst, tls.CipherSuiteName(t.CipherSuite)...)
	}
	dst = append(dst, "; "...)
	dst = now.AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 -0700")
	return append(dst, '\r', '\n')
}

// with returns the transmission type of RFC 3848. It has no names for a session that
// began with HELO but SMTP.
func (tx *Transaction) with() string {
	secure, authenticated := tx.Conn.TLS != nil, tx.Conn.Identity != nil
	switch {
	case !tx.extended:
		return "SMTP"
	case secure && authenticated:
		return "ESMTPSA"
	case secure:
		return "ESMTPS"
	case authenticated:
		return "ESMTPA"
	default:
		return "ESMTP"
	}
}

// appendLiteral appends ip as an address literal: RFC 5321 section 4.1.3.
func appendLiteral(dst []byte, ip netip.Addr) []byte {
	dst = append(dst, '[')
	if ip.Is6() {
		dst = append(dst, "IPv6:"...)
	}
	dst = ip.AppendTo(dst)
	return append(dst, ']')
}

// addrOf returns the IP address of a, without its zone, if it has one.
func addrOf(a net.Addr) (ip netip.Addr, ok bool) {
	switch a := a.(type) {
	case nil:
		return netip.Addr{}, false
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	default:
		p, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.Addr{}, false
		}
		ip = p.Addr()
	}
	return ip.Unmap().WithZone(""), ip.IsValid()
}
