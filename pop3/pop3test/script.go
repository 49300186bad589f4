package pop3test

import (
	"context"
	"net"
	"testing"

	"github.com/posthouse/posthouse/internal/testpeer"
	"github.com/posthouse/posthouse/pop3"
)

// Script is a server that says what is written, and expects from the client what is
// written, to the letter. Each connection plays one of the dialogues, in their order.
//
//	S: +OK ready
//	C: CAPA
//	S: +OK
//	S: STLS
//	S: .
//	C: STLS
//	S: +OK
//	-- tls
//	C: QUIT
//	S: +OK
//	-- close
//
// A line that begins with "C:" is the client's, one with "S:" the server's, after that
// and one blank, with CRLF added. After "c:" or "s:" no CRLF is added, and \r, \n, \0,
// \xNN and \\ stand for octets. "-- tls" is a handshake; with "-- close" the server
// closes the connection, and with "-- drop" the client. Empty lines, those that begin
// with "#", and text before the first line of these kinds are skipped.
//
// What departs from the dialogue fails the test and cuts the connection.
type Script struct{ script *testpeer.Script }

// NewScript returns a server that plays the dialogues. The test does not end before
// those that were begun have.
func NewScript(t testing.TB, dialogues ...string) *Script {
	t.Helper()
	return &Script{testpeer.NewScript(t, "pop3test", serverName, memoryAddr, dialogues...)}
}

// DialContext begins the next dialogue, whatever the address. It makes a Script a
// pop3.ClientConfig.Dialer.
func (s *Script) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.script.Dial(ctx)
}

// ClientConfig returns a configuration that reaches the Script and trusts its
// certificate. The caller may change it: it requires STLS and does not log in.
func (s *Script) ClientConfig() *pop3.ClientConfig {
	return &pop3.ClientConfig{
		TLSConfig: s.script.TLS(serverName),
		Dialer:    s,
		Timeout:   clientTimeout,
	}
}
