package auth

import (
	"crypto/tls"
	"crypto/x509"
	"net"
)

// Protocol names the protocol of a connection.
type Protocol string

const (
	SMTP       Protocol = "SMTP"       // mail exchange, RFC 5321
	Submission Protocol = "submission" // message submission, RFC 6409
	LMTP       Protocol = "LMTP"       // local delivery, RFC 2033
	POP3       Protocol = "POP3"       // RFC 1939
)

// Phase is the state of a connection's protocol. Each protocol names its own
// phases; the text is for logs and events, and is stable.
type Phase string

// ConnectionState is what one end of a connection knows about it at one
// moment. It is a copy: it does not follow the connection. It is passed by
// value; TLS and Identity point to what must not be changed.
//
// It is the contract of all packages: a decision about a peer is made on what is
// here, and on nothing else that the peer has said. What may be trusted, and from when
// on:
//
//   - ID, Protocol and Phase are this end's own.
//   - LocalAddr and RemoteAddr are the network's: they are there from the first
//     moment and prove no more than that packets found their way back. On a server
//     behind a proxy they are what the proxy has told of its client, by the PROXY
//     protocol before anything else was said, or by XCLIENT, behind which a session of SMTP
//     begins anew. Only a proxy that the server is told to trust can do so: to others
//     these are unknown commands. Of a client that its proxy does not know, XCLIENT
//     leaves an address that is none, and a PROXY header the proxy's own. What decides
//     by address (limits, [Budget], package popbefore) goes by RemoteAddr.
//   - Hello is a claim and proves nothing: on a server the name in HELO or EHLO,
//     on a client the name that the server gave. It is empty until the peer made
//     it, and again after a TLS upgrade: nothing learned in cleartext is kept
//     (RFC 3207 section 4.2). POP3 has none.
//   - TLS is set when a handshake has been completed, never before. On a server
//     it proves privacy; a peer only if it shows verified certificates. On a
//     client it proves the server's name as far as its tls.Config demanded.
//   - LocalCertificate is set on a server: the certificate that it has shown on this
//     connection. It is not known on one that resumes another, unless the tls.Config
//     has a single certificate and nothing to choose it by, nor with a NameToCertificate.
//     It is what a client that uses the channel binding tls-server-end-point is asked
//     to have seen; the other types need nothing of it.
//   - Identity is set when an authentication succeeded, and is forgotten at
//     the end of the connection and, as all that was learned in cleartext, by a
//     TLS upgrade. On a client it says as whom the server has let us in. On a server
//     of SMTP a trusted proxy can vouch for it by XCLIENT: its Mechanism says so. It
//     may be [Identity.Anonymous].
type ConnectionState struct {
	ID         string               // joins the log lines of one session; unique within the process, no secret
	Protocol   Protocol             // the protocol spoken
	Phase      Phase                // where in the protocol the session is; empty on a client of SMTP
	LocalAddr  net.Addr             // this end
	RemoteAddr net.Addr             // the other end
	Hello      string               // what the peer calls itself
	TLS        *tls.ConnectionState // nil in cleartext
	Identity   *Identity            // nil until authenticated

	LocalCertificate *x509.Certificate // what a server has shown; nil in cleartext and where it is not known
}

// ConnectionStater is implemented by every connection of either side.
type ConnectionStater interface {
	ConnectionState() ConnectionState
}

// Identity is an authenticated peer.
type Identity struct {
	User      string // whose password, or other secret, was shown
	Name      string // who the peer is to be taken for: User, unless it asked for another name and was granted it
	Mechanism string // how: a SASL mechanism, "USER" for the commands USER and PASS, or "APOP"
}

// Anonymous reports whether the peer has shown nothing at all (RFC 4505): such an
// Identity says that somebody is there, and opens nothing that it is not meant to.
// A nil Identity is anonymous.
func (id *Identity) Anonymous() bool { return id == nil || id.Mechanism == mechAnonymous }
