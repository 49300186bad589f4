package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// corpus holds scripts of misbehaving servers, one a file, if it is there.
const corpus = "../../shared/data/hostile-servers/fake-mail-server"

// script is what such a file says.
type script struct {
	greeting, startTLS string
	handshakes         bool
	offers, offersTLS  []string
	override           map[string]string // by verb
	cert               string
}

var (
	scriptString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	scriptAuth   = regexp.MustCompile(`Auth\(\[(.*?)\]\)`)
)

// readScript understands as much of the notation as the files use.
func readScript(t *testing.T, path string) script {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	field := func(name, shape string) string {
		m := regexp.MustCompile(`(?s)\b` + name + `:\s*` + shape).FindSubmatch(text)
		if m == nil {
			return ""
		}
		return string(m[1])
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
	offers := func(text string) (list []string) {
		if strings.Contains(text, "StartTLS") {
			list = append(list, "STARTTLS")
		}
		if m := scriptAuth.FindStringSubmatch(text); m != nil {
			mechanisms := strings.Join(stringsOf(m[1]), " ")
			if mechanisms == "" {
				mechanisms = strings.ToUpper(strings.ReplaceAll(m[1], ",", ""))
			}
			list = append(list, "AUTH "+mechanisms)
		}
		return list
	}
	s := script{
		greeting:   first(stringsOf(field("greeting", `("(?:[^"\\]|\\.)*")`)), "220 smtp.example.com ESMTP fake\r\n"),
		startTLS:   first(stringsOf(field("stls_response", `("(?:[^"\\]|\\.)*")`)), "220 Ready to start TLS\r\n"),
		handshakes: field("stls_make_transition", `(\w+)`) != "false",
		offers:     offers(field("capabilities", `(\[.*?\],\s*\n)`)),
		offersTLS:  offers(field("capabilities_tls", `(\[.*?\],\s*\n)`)),
		override:   map[string]string{},
		cert:       filepath.Base(first(stringsOf(field("crt_path", `("[^"]*")`)), "")),
	}
	pairs := stringsOf(field("override_response", `\{(.*?)\}`))
	for i := 0; i+1 < len(pairs); i += 2 {
		s.override[strings.ToUpper(pairs[i])] = pairs[i+1]
	}
	require.Equal(t, "false", field("implicit_tls", `(\w+)`), "not understood here")
	return s
}

// serve plays the script, and returns the verbs that came in clear and over TLS.
func (s script) serve(nc net.Conn, cfg *tls.Config) (clear, secured []string) {
	defer func() { nc.Close() }()
	said, offers, inData := &clear, s.offers, false
	_, _ = io.WriteString(nc, s.greeting)
	for r := bufio.NewReader(nc); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return clear, secured
		}
		if inData && line != ".\r\n" {
			continue
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		*said = append(*said, verb)
		reply, overridden := s.override[verb]
		switch {
		case overridden:
		case inData:
			reply, inData = "250 ok\r\n", false
		case verb == "EHLO":
			reply = "250-" + strings.Join(append([]string{"smtp.example.com"}, offers...), "\r\n250-") + "\r\n250 PIPELINING\r\n"
		case verb == "STARTTLS":
			reply = s.startTLS
		case verb == "AUTH":
			reply = "235 ok\r\n"
		case verb == "DATA":
			reply, inData = "354 go\r\n", true
		default:
			reply = "250 ok\r\n"
		}
		if _, err := io.WriteString(nc, reply); err != nil {
			return clear, secured
		}
		if verb == "STARTTLS" && !overridden && s.handshakes {
			nc, said, offers = tls.Server(nc, cfg), &secured, s.offersTLS
			r = bufio.NewReader(nc)
		}
	}
}

// TestClientCorpus meets each of the servers with TLS required and with the
// opportunistic mode, and with the certificate that the file asks for. Whatever
// happens, no credentials are sent in clear, nothing at all is sent to a stranger,
// and there is an end to it.
func TestClientCorpus(t *testing.T) {
	t.Parallel()
	var files []string
	for _, dir := range []string{"smtp", "certval"} {
		_ = filepath.WalkDir(filepath.Join(corpus, dir), func(path string, _ os.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".ron") && strings.Contains(path, "smtp/") {
				files = append(files, path)
			}
			return nil
		})
	}
	if len(files) == 0 {
		t.Skip("there is no corpus of hostile servers")
	}
	for _, path := range files {
		for _, mode := range []smtp.TLSMode{smtp.StartTLS, smtp.InsecureOpportunisticTLS} {
			t.Run(strings.TrimPrefix(path, corpus)+"/"+mode.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { meet(t, path, mode) })
			})
		}
	}
}

// kinds are the certificates by what their file is called.
var kinds = map[string]smtptest.Certificate{
	"example.org.pem":              smtptest.CertGood,
	"example.org-self-signed.pem":  smtptest.CertSelfSigned,
	"example.org-unknown-root.pem": smtptest.CertUntrusted,
	"example.org-expired.pem":      smtptest.CertExpired,
	"other.example.org.pem":        smtptest.CertWrongName,
}

func meet(t *testing.T, path string, mode smtp.TLSMode) {
	s := readScript(t, path)
	kind, known := kinds[s.cert]
	require.True(t, known, "certificate %s", s.cert)
	shown, trusts := smtptest.NewTLS(t, kind, "example.org")
	here, there := testnet.Pipe()
	var clear, secured []string
	var server sync.WaitGroup
	server.Go(func() { clear, secured = s.serve(there, shown) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := smtp.NewClient(ctx, here, "example.org", &smtp.ClientConfig{
		TLS: mode, TLSConfig: trusts, Auth: auth.Password("user", "secret"), Timeout: 10 * time.Second,
	})
	if err == nil {
		require.NotNil(t, c.ConnectionState().TLS)
		_, err = c.Send(ctx, post(t, "a"), mail())
		_ = c.Quit(ctx)
	}
	server.Wait()
	require.NoError(t, ctx.Err(), "in time")
	for _, verb := range clear {
		if strings.HasPrefix(verb, "\x16\x03") {
			break // a ClientHello to one who agreed to TLS and does not know it
		}
		require.Contains(t, []string{"EHLO", "HELO", "STARTTLS", "QUIT"}, verb, "in clear")
	}
	switch {
	case kind != smtptest.CertGood:
		var invalid *tls.CertificateVerificationError
		require.ErrorAs(t, err, &invalid)
		require.Empty(t, secured)
	case strings.HasPrefix(filepath.Base(path), "setup"):
		require.NoError(t, err)
		require.Contains(t, secured, ".")
	case err != nil:
		require.True(t, typed(err), "%#v", err)
	}
	t.Logf("%v; clear %v, secured %v", err, clear, secured)
}
