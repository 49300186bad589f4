package pop3_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// serveHandshake is a server up to the handshake, and then returns the first line
// that the client says over TLS.
func serveHandshake(nc net.Conn, cfg *tls.Config, mode pop3.TLSMode) []byte {
	defer nc.Close()
	r := bufio.NewReader(nc)
	if mode != pop3.ImplicitTLS {
		for _, dialogue := range []struct{ says, hears string }{
			{"+OK\r\n", "CAPA\r\n"},
			{"+OK\r\nSTLS\r\n.\r\n", "STLS\r\n"},
			{"+OK\r\n", ""},
		} {
			if _, err := io.WriteString(nc, dialogue.says); err != nil {
				return nil
			}
			if dialogue.hears == "" {
				break
			}
			if line, _ := r.ReadString('\n'); !strings.EqualFold(line, dialogue.hears) {
				return []byte("instead: " + line)
			}
		}
	}
	secure := tls.Server(nc, cfg)
	if mode == pop3.ImplicitTLS {
		if _, err := io.WriteString(secure, "+OK\r\n"); err != nil {
			return nil
		}
	}
	line, _ := bufio.NewReader(secure).ReadBytes('\n')
	if string(line) == "CAPA\r\n" {
		_, _ = io.WriteString(secure, "-ERR\r\n")
	}
	return line
}

// A connection may come with TLS already, from a proxy for instance: the client
// then begins none of its own.
func TestNewClientOverTLS(t *testing.T) {
	t.Parallel()
	srv := pop3test.NewUnstartedServer(t)
	srv.Memory, srv.ImplicitTLS = true, true
	srv.Start()
	nc, err := srv.DialContext(t.Context(), "", "")
	require.NoError(t, err)
	c, err := pop3.NewClient(t.Context(), tls.Client(nc, srv.ClientTLS()), "", srv.ClientConfig("bob"))
	require.NoError(t, err)
	cs := c.ConnectionState()
	require.NotNil(t, cs.TLS)
	require.NotEmpty(t, cs.ID)
	require.Equal(t, "bob", cs.Identity.User)
	require.NoError(t, c.Quit(t.Context()))
}
