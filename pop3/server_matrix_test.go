package pop3_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

var updateMatrix = flag.Bool("update", false, "write the golden files anew")

// Every verb in every state: what is answered is in testdata/matrix.golden, to be
// read in review.
func TestMatrix(t *testing.T) {
	t.Parallel()
	serverTLS, clientTLS := testnet.Cert(t, "dewey")
	const file = "testdata/matrix.golden"
	states := []struct {
		name  string
		enter []string // commands of one line of reply each
	}{
		{"AUTHORIZATION", nil},
		{"AUTHORIZATION after USER", []string{"USER mrose"}},
		{"AUTHORIZATION in AUTH", []string{"AUTH PLAIN"}},
		{"AUTHORIZATION after AUTH failed", []string{"AUTH PLAIN", "*"}},
		{"AUTHORIZATION over TLS", []string{"STLS"}},
		{"AUTHORIZATION after UTF8", []string{"UTF8"}},
		{"AUTHORIZATION in German", []string{"LANG de"}},
		{"TRANSACTION", []string{"USER mrose", "PASS tanstaaf"}},
		{"TRANSACTION with a mark", []string{"USER mrose", "PASS tanstaaf", "DELE 1"}},
		{"TRANSACTION over TLS", []string{"STLS", "USER mrose", "PASS tanstaaf"}},
	}
	commands := []string{
		"USER mrose", "PASS tanstaaf", "AUTH PLAIN", "AUTH PLAIN AG1yb3NlAHRhbnN0YWFm", "AUTH LOGIN", "STLS", "CAPA", "QUIT",
		"STAT", "LIST", "LIST 1", "LIST 2", "UIDL", "UIDL 1", "RETR 1", "RETR 2", "TOP 1 0", "DELE 1", "DELE 2", "RSET", "NOOP",
		"APOP mrose x", "APOP mrose 00000000000000000000000000000000", "UTF8", "UTF8 x", "LANG", "LANG *", "LANG de", "LANG MUL", "LANG ?",
		"LAST", "XTND x", "RPOP mrose", "BOGUS", "*", "",
	}
	var got bytes.Buffer
	for _, state := range states {
		fmt.Fprintf(&got, "%s\n", state.name)
		for _, command := range commands {
			r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
				s.TLSConfig = serverTLS
				s.InsecureAPOP, s.Auth.Secrets = true, testPasswords
				s.Languages = testLanguages
			})
			p := r.probe(t)
			p.tls = clientTLS
			for _, c := range state.enter {
				p.say(t, c)
			}
			fmt.Fprintf(&got, "\t%-46s%s\n", command, p.say(t, command))
		}
	}
	if *updateMatrix {
		require.NoError(t, os.WriteFile(file, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got.String())
}

// say sends a command and returns the first line of the reply. It makes the
// handshake after STLS.
func (p *prober) say(t *testing.T, command string) string {
	t.Helper()
	_, err := p.conn.Write([]byte(command + "\r\n"))
	require.NoError(t, err)
	reply := p.line(t)
	if command == "STLS" && strings.HasPrefix(reply, "+OK") {
		p.startTLS(t)
	}
	return reply
}
