package smtp

import (
	"net"
	"time"

	"github.com/posthouse/posthouse/auth"
)

// ServerTrace is told what a [Server] does, while it does it. Any function may be nil.
// They are called by the goroutine of the session, so they must be quick, and by many at
// once. Attempts to authenticate are told to [auth.Server.Observe].
//
// What they are given is for measuring and for tracing: it has names and addresses, and
// no secrets and no content.
type ServerTrace struct {
	// Refused is called when a connection is sent away because there are too many.
	Refused func(remote net.Addr)

	// Begin is called before the greeting, or the handshake of implicit TLS.
	Begin func(cs auth.ConnectionState)

	// Handshake is called after a TLS handshake; cs.TLS is set if err is nil.
	Handshake func(cs auth.ConnectionState, err error)

	// Command is called when a command was answered. The verb is one that is known, in
	// upper case, or "unknown". The code is 0 for a BDAT that has not been read to its
	// end, and where each recipient was answered. DATA has two replies, of which this
	// is the first.
	Command func(cs auth.ConnectionState, verb string, code int, took time.Duration)

	// Message is called when it is known what became of a message.
	Message func(tx *Transaction, end MessageEnd)

	// End is called when the session is over. cs.Phase is the last one.
	End func(cs auth.ConnectionState, took time.Duration)
}

// MessageEnd is what became of a message.
type MessageEnd struct {
	Code     int   // of the reply for the message as a whole; 0: the peer gave it up, or is gone
	Accepted int   // recipients that it was accepted for
	Octets   int64 // as far as it was read by the handler
	Took     time.Duration
}
