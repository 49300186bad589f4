package pop3_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"

	"github.com/posthouse/posthouse/pop3"
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
