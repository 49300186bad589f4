package pop3test

import (
	"context"
	"net"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// Listener is a [net.Listener] in memory, for a server of the test's own. It works
// inside a bubble of [testing/synctest], in which it then has to be made. Its
// connections have deadlines and buffers as those of a network have. The methods
// are safe for concurrent use.
type Listener struct{ ln *testpeer.Listener }

// NewListener returns a listener that calls itself addr, as "host:port".
func NewListener(addr string) *Listener { return &Listener{testpeer.NewListener(addr)} }

// Accept waits for a DialContext, and returns the server's end.
func (l *Listener) Accept() (net.Conn, error) { return l.ln.Accept() }

// Close ends Accept and DialContext, and leaves connections as they are.
func (l *Listener) Close() error { return l.ln.Close() }

// Addr returns what NewListener was given.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// DialContext connects to the listener, whatever the address, and waits until the
// connection is accepted. It makes a Listener a pop3.ClientConfig.Dialer.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.ln.Dial(ctx)
}

var _ net.Listener = (*Listener)(nil)
