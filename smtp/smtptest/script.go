package smtptest

import (
	"context"
	"net"
	"testing"

	"github.com/posthouse/posthouse/internal/testpeer"
	"github.com/posthouse/posthouse/smtp"
)

// Script is a server that says what is written, and expects from the client what is
// written, to the letter. Each connection plays one of the dialogues, in their order.
//
//	S: 220 mx.example.org ready
//	C: EHLO client.example.org
//	S: 250-mx.example.org
//	S: 250 STARTTLS
//	C: STARTTLS
//	S: 220 go ahead
//	-- tls
//	C: EHLO client.example.org
//	S: 250 mx.example.org
//	C: QUIT
//	S: 221 bye
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
	return &Script{testpeer.NewScript(t, "smtptest", serverName, memoryAddr, dialogues...)}
}

// DialContext begins the next dialogue, whatever the address. It makes a Script a
// smtp.ClientConfig.Dialer.
func (s *Script) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.script.Dial(ctx)
}

// ClientConfig returns a configuration that reaches the Script and trusts its
// certificate, and calls itself client.example.org. The caller may change it: it
// requires STARTTLS and does not log in.
func (s *Script) ClientConfig() *smtp.ClientConfig {
	return &smtp.ClientConfig{
		TLSConfig:   s.script.TLS(serverName),
		Hello:       "client.example.org",
		Dialer:      s,
		Timeout:     clientTimeout,
		DataTimeout: clientTimeout,
	}
}
