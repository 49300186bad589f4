package pop3_test

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
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

// TestClientTakesTheNameFromTheCaller: the certificate must have the name that was
// dialled, and not one that the server says.
func TestClientTakesTheNameFromTheCaller(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2595-2.4-3")
	s := pop3test.NewUnstartedServer(t)
	s.Memory = true
	s.Config.Hostname = "pop3.test"
	s.Start()
	cfg := s.ClientConfig("user")
	cfg.TLSConfig.ServerName = ""
	for name, works := range map[string]bool{"pop3.test:110": true, "pop.example.net:110": false} {
		c, err := pop3.Dial(t.Context(), name, cfg)
		require.Equal(t, works, err == nil, "%s: %v", name, err)
		if works {
			require.NoError(t, c.Quit(t.Context()))
		}
	}
	// A greeting that is the name and nothing else.
	serverTLS, clientTLS := testnet.Cert(t, "pop.example.org")
	clientTLS.ServerName = ""
	here, there := testnet.Pipe()
	go func() {
		defer there.Close()
		r := bufio.NewReader(there)
		for _, say := range []string{"+OK pop.example.org\r\n", "+OK\r\nSTLS\r\n.\r\n", "+OK\r\n"} {
			_, _ = io.WriteString(there, say)
			if say != "+OK\r\n" {
				_, _ = r.ReadString('\n')
			}
		}
		_ = tls.Server(there, serverTLS).Handshake()
	}()
	_, err := pop3.NewClient(t.Context(), here, "pop.example.com", &pop3.ClientConfig{TLSConfig: clientTLS})
	require.ErrorContains(t, err, "pop.example.com")
}

// TestClientRefusesWeakTLS: the caller's demands go beyond ours, never below.
func TestClientRefusesWeakTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2595-9-2")
	for _, tc := range []struct {
		least, most uint16 // of the client, and of the server
		works       bool
	}{
		{0, tls.VersionTLS13, true},
		{0, tls.VersionTLS12, true},
		{0, tls.VersionTLS11, false},
		{tls.VersionTLS10, tls.VersionTLS11, false},
		{tls.VersionTLS13, tls.VersionTLS12, false},
	} {
		s := pop3test.NewUnstartedServer(t)
		s.Memory = true
		s.Quirks = &pop3test.Quirks{} // our own server has a floor too
		s.Config.TLSConfig.MinVersion, s.Config.TLSConfig.MaxVersion = tls.VersionTLS10, tc.most
		s.Start()
		cfg := s.ClientConfig("user")
		cfg.TLSConfig.MinVersion = tc.least
		_, err := pop3.Dial(t.Context(), s.Addr, cfg)
		require.Equal(t, tc.works, err == nil, "%x, %x: %v", tc.least, tc.most, err)
	}
}

// TestClientSTLSInjection has what somebody on the way may put around the reply to
// STLS. None of it is believed, and no credentials follow.
func TestClientSTLSInjection(t *testing.T) {
	t.Parallel()
	const capabilities = "+OK\r\nSASL PLAIN\r\n.\r\n"
	serverTLS, clientTLS := testnet.Cert(t, "pop.example.com")
	for name, tc := range map[string]struct{ capa, reply, later, secured string }{
		"a reply behind it":                 {reply: "+OK\r\n" + capabilities},
		"half a reply behind it":            {reply: "+OK\r\n+O"},
		"an empty line behind it":           {reply: "+OK\r\n\r\n"},
		"one octet behind it":               {reply: "+OK\r\n+"},
		"a reply behind it, a bit later":    {reply: "+OK\r\n", later: capabilities},
		"a reply in front of it":            {reply: "+OK\r\n+OK\r\n"},
		"a refusal, and then capabilities":  {reply: "-ERR\r\n" + capabilities},
		"no reply but capabilities":         {reply: capabilities},
		"a reply to CAPA too many":          {capa: "+OK\r\nSTLS\r\n.\r\n+OK\r\n", reply: "+OK\r\n"},
		"no STLS among the capabilities":    {capa: capabilities},
		"STLS in small letters and more":    {capa: "+OK\r\nXSTLS\r\nSASL PLAIN\r\n.\r\n"},
		"no capabilities":                   {capa: "-ERR\r\n"},
		"a reply in TLS before it is asked": {reply: "+OK\r\n", secured: "+OK\r\nSASL PLAIN\r\n.\r\n+OK\r\n"},
	} {
		for _, mode := range []pop3.TLSMode{pop3.StartTLS, pop3.InsecureOpportunisticTLS} {
			t.Run(name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				here, there := testnet.Pipe()
				heard := make(chan string, 1)
				go func() {
					defer there.Close()
					var all bytes.Buffer
					defer func() { heard <- all.String() }()
					r := bufio.NewReader(there)
					_, _ = io.WriteString(there, "+OK\r\n")
					for _, say := range []string{cmp.Or(tc.capa, "+OK\r\nSTLS\r\n.\r\n"), tc.reply} {
						line, _ := r.ReadString('\n')
						all.WriteString(line)
						_, _ = io.WriteString(there, say)
					}
					if tc.later != "" {
						_, _ = r.Peek(1) // the beginning of the handshake
						_, _ = io.WriteString(there, tc.later)
					}
					if tc.secured != "" {
						secured := tls.Server(there, serverTLS)
						_, _ = io.WriteString(secured, tc.secured)
						r = bufio.NewReader(secured)
					}
					for {
						line, err := r.ReadString('\n')
						all.WriteString(line)
						if err != nil {
							return
						}
					}
				}()
				cfg := &pop3.ClientConfig{TLS: mode, TLSConfig: clientTLS, Auth: auth.Password("test", "test"), Timeout: 5 * time.Second}
				_, err := pop3.NewClient(t.Context(), here, "pop.example.com", cfg)
				require.Error(t, err)
				_ = here.Close()
				said := <-heard
				for _, secret := range []string{"AUTH", "PASS", "USER", "AHRlc3QAdGVzdA"} {
					require.NotContains(t, said, secret)
				}
			})
		}
	}
}
