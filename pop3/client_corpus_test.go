package pop3_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// corpus holds scripts of misbehaving servers, one a file, if it is there.
const corpus = "../../shared/data/hostile-servers/fake-mail-server"

// script is what such a file says.
type script struct {
	greeting, stls          string
	implicit, handshakes    bool
	capa, capaTLS, capaAuth []string
	override                map[string]string
	hidden                  string
	cert                    string
}

var scriptString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// readScript understands as much of the notation as the files use.
func readScript(t *testing.T, path string) script {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	text := regexp.MustCompile(`(?m)^\s*//.*$|, *//.*$`).ReplaceAllStringFunc(string(b), func(s string) string {
		return strings.Repeat(",", strings.Count(s, ",")) // a comma before the comment stays
	})
	field := func(name, shape string) string {
		m := regexp.MustCompile(`(?s)\b` + name + `:\s*` + shape).FindStringSubmatch(text)
		if m == nil {
			return ""
		}
		return m[1]
	}
	stringsOf := func(text string) (list []string) {
		for _, quoted := range scriptString.FindAllString(text, -1) {
			s, err := strconv.Unquote(quoted)
			require.NoError(t, err, "%s in %s", quoted, path)
			list = append(list, s)
		}
		return list
	}
	first := func(list []string, otherwise string) string {
		if len(list) == 0 {
			return otherwise
		}
		return list[0]
	}
	s := script{
		greeting:   first(stringsOf(field("greeting", `("(?:[^"\\]|\\.)*")`)), "+OK\r\n"),
		stls:       first(stringsOf(field("stls_response", `("(?:[^"\\]|\\.)*")`)), "+OK Begin fake TLS negotiation now.\r\n"),
		implicit:   field("implicit_tls", `(\w+)`) == "true",
		handshakes: field("stls_make_transition", `(\w+)`) != "false",
		capa:       stringsOf(field("capa", `\[(.*?)\]`)),
		capaTLS:    stringsOf(field("capa_tls", `\[(.*?)\]`)),
		capaAuth:   stringsOf(field("capa_tls_auth", `\[(.*?)\]`)),
		override:   map[string]string{},
		hidden:     field("hide_commands", `\[(.*?)\]`),
		cert:       filepath.Base(first(stringsOf(field("crt_path", `("[^"]*")`)), "")),
	}
	pairs := stringsOf(field("override_response", `\{(.*?)\}`))
	for i := 0; i+1 < len(pairs); i += 2 {
		s.override[pairs[i]] = pairs[i+1]
	}
	return s
}

// serve plays the script, and returns the verbs that came in clear and over TLS.
func (s script) serve(nc net.Conn, cfg *tls.Config) (clear, secured []string) {
	defer nc.Close()
	said, secure, loggedIn := &clear, false, false
	handshake := func() {
		nc, said, secure = tls.Server(nc, cfg), &secured, true
	}
	if s.implicit {
		handshake()
	}
	_, _ = io.WriteString(nc, s.greeting)
	for r := bufio.NewReader(nc); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return clear, secured
		}
		verb := strings.ToLower(strings.TrimSpace(strings.SplitN(line, " ", 2)[0]))
		*said = append(*said, verb)
		reply, overridden := s.override[verb]
		list := s.capa
		switch {
		case loggedIn:
			list = s.capaAuth
		case secure:
			list = s.capaTLS
		}
		switch {
		case overridden:
		case strings.Contains(s.hidden, `"`+verb+`"`):
			reply = "-ERR unknown command\r\n"
		case verb == "capa":
			reply = "+OK\r\n" + strings.Join(append(list, "."), "\r\n") + "\r\n"
		case verb == "stls":
			reply = s.stls
		case verb == "auth" || verb == "pass":
			loggedIn = true
			fallthrough
		default:
			reply = "+OK\r\n"
		}
		if _, err := io.WriteString(nc, reply); err != nil {
			return clear, secured
		}
		if verb == "stls" && !overridden && s.handshakes {
			handshake()
			r = bufio.NewReader(nc)
		}
	}
}

// TestClientCorpus meets each of the servers with TLS required, and with the
// certificate right where the file does not ask for another. Whatever happens,
// no credentials are sent in clear, none are sent to a stranger, and there is
// an end to it.
func TestClientCorpus(t *testing.T) {
	t.Parallel()
	var files []string
	for _, dir := range []string{"pop3", "certval"} {
		_ = filepath.WalkDir(filepath.Join(corpus, dir), func(path string, _ os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".ron") && strings.Contains(path, "pop3/") {
				files = append(files, path)
			}
			return nil
		})
	}
	if len(files) == 0 {
		t.Skip("there is no corpus of hostile servers")
	}
	right, trusts := testnet.Cert(t, "example.org")
	wrong, _ := testnet.Cert(t, "example.org")
	for _, path := range files {
		t.Run(strings.TrimPrefix(path, corpus), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, path)
			shown := right
			stranger := s.cert != "example.org.pem" && !strings.HasPrefix(s.cert, "<")
			if stranger {
				shown = wrong
			}
			here, there := testnet.Pipe()
			var clear, secured []string
			var server sync.WaitGroup
			server.Go(func() { clear, secured = s.serve(there, shown) })
			cfg := &pop3.ClientConfig{TLSConfig: trusts, Auth: auth.Password("user", "secret"), Timeout: 10 * time.Second}
			if s.implicit {
				cfg.TLS = pop3.ImplicitTLS
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			c, err := pop3.NewClient(ctx, here, "example.org", cfg)
			if err == nil {
				require.NotNil(t, c.ConnectionState().TLS)
				_ = c.Quit(ctx)
			}
			server.Wait()
			for _, verb := range clear {
				require.Contains(t, []string{"capa", "stls", "quit"}, verb, "in clear")
			}
			if err != nil {
				require.True(t, errors.Is(err, pop3.ErrNoTLS) || errors.As(err, new(*pop3.Error)) ||
					errors.As(err, new(*pop3.ProtocolError)) || errors.As(err, new(*tls.CertificateVerificationError)), "%v", err)
			}
			if stranger {
				require.Error(t, err)
				require.Empty(t, secured)
			}
			if strings.HasPrefix(filepath.Base(path), "setup") {
				require.NoError(t, err)
			}
			t.Logf("%v; clear %v, secured %v", err, clear, secured)
		})
	}
}
