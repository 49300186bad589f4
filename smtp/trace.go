package smtp

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// AppendReceived appends the trace field that the one who takes responsibility for a
// message puts at its top: RFC 5321 section 4.4. It ends in CRLF. now is the time of
// receipt. The "for" clause is there when the message has a single recipient, so that
// no recipient learns of another: RFC 5321 section 7.6.
//
// Nothing that a peer says can begin another clause or field: its name is a domain or an
// address literal, addresses are what [Address] can hold, and PeerName is left out
// if it is no domain.
func (tx *Transaction) AppendReceived(dst []byte, now time.Time) []byte {
	dst = append(dst, "Received: from "...)
	dst = append(dst, tx.Conn.Hello...)
	dst = tx.appendPeer(dst)
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
	if e := &tx.Envelope; e.HasPriority || e.Priority != 0 {
		// RFC 6710 section 4.1.
		dst = append(dst, "\r\n\tpriority "...)
		dst = strconv.AppendInt(dst, int64(e.Priority), 10)
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

// appendPeer appends what is known of the peer besides what it calls itself.
//
//	TCP-info = address-literal / ( Domain FWS address-literal )
func (tx *Transaction) appendPeer(dst []byte) []byte {
	ip, ok := addrOf(tx.Conn.RemoteAddr)
	if !ok {
		return dst
	}
	dst = append(dst, " ("...)
	if name := tx.PeerName; name != "" && name[0] != '[' && new(smtpwire.Hello).Parse(name) == nil {
		dst = append(dst, name...)
		dst = append(dst, ' ')
	}
	dst = appendLiteral(dst, ip)
	return append(dst, ')')
}

// AppendReturnPath appends the field that tells the reverse-path, which the one who
// makes final delivery puts above all others, the Received field included: RFC 5321
// section 4.4. It ends in CRLF. A Return-Path field that the message has already is
// none of ours: it may be removed, and is outranked by this one if it is not.
func (tx *Transaction) AppendReturnPath(dst []byte) []byte {
	dst = append(dst, "Return-Path: <"...)
	dst = tx.Envelope.From.Append(dst)
	return append(dst, ">\r\n"...)
}

// with returns the transmission type of RFC 3848, or of RFC 6531 section 4.3. There are no
// names for a session that began with HELO but SMTP.
func (tx *Transaction) with() string {
	i := 0
	if tx.Conn.TLS != nil {
		i |= 1
	}
	if tx.Conn.Identity != nil {
		i |= 2
	}
	switch lmtp, utf8 := tx.Conn.Protocol == auth.LMTP, tx.Envelope.UTF8; {
	case lmtp && utf8:
		return [...]string{"UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"}[i]
	case lmtp:
		return [...]string{"LMTP", "LMTPS", "LMTPA", "LMTPSA"}[i]
	case utf8:
		return [...]string{"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"}[i]
	case !tx.extended:
		return "SMTP"
	default:
		return [...]string{"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"}[i]
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
