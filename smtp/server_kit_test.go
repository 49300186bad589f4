package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// site is a server under test, on a network in memory.
type site struct {
	t    testing.TB
	srv  *smtp.Server
	ln   *testnet.Listener
	tls  *tls.Config // for clients
	done chan error

	mu   sync.Mutex
	mail []letter
}

// letter is a message that a site accepted.
type letter struct {
	tx   *smtp.Transaction
	body string
}

// passwords are the users of all sites.
var passwords = auth.Passwords{"test": "1234", "tim": "tanstaaftanstaaf"}

// newSite serves srv, completed: it is mx.example.org, example.org is local, and
// messages are kept. It is closed when the test ends.
func newSite(t testing.TB, srv *smtp.Server) *site {
	t.Helper()
	s := startSite(t, srv, false)
	t.Cleanup(s.close)
	return s
}

func startSite(t testing.TB, srv *smtp.Server, implicitTLS bool) *site {
	t.Helper()
	s := &site{t: t, srv: srv, ln: testnet.NewListener(), done: make(chan error, 1)}
	if srv.Hostname == "" {
		srv.Hostname = "mx.example.org"
	}
	if srv.Local == nil && srv.Protocol == "" {
		srv.Local = func(_ context.Context, to smtp.Address) bool { return strings.EqualFold(to.Domain(), "example.org") }
	}
	if srv.Handler == nil {
		srv.Handler = smtp.HandlerFunc(s.keep)
	}
	if srv.TLSConfig != nil {
		s.tls = &tls.Config{RootCAs: srv.TLSConfig.RootCAs, ServerName: srv.Hostname}
	}
	var ln net.Listener = s.ln
	if srv.Protocol == auth.LMTP {
		ln = localSocket{s.ln}
	}
	go func() {
		if implicitTLS {
			s.done <- srv.ServeTLS(ln)
		} else {
			s.done <- srv.Serve(ln)
		}
	}()
	return s
}

// localSocket is where LMTP belongs.
type localSocket struct{ net.Listener }

func (localSocket) Addr() net.Addr { return &net.UnixAddr{Name: "lmtp.sock", Net: "unix"} }

// close ends the server and waits for all of it.
func (s *site) close() {
	require.NoError(s.t, s.srv.Close())
	require.NoError(s.t, s.srv.Shutdown(context.Background()))
	require.ErrorIs(s.t, <-s.done, smtp.ErrServerClosed)
}

// keep is a handler.
func (s *site) keep(_ context.Context, tx *smtp.Transaction) error {
	b, err := io.ReadAll(tx.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mail = append(s.mail, letter{tx, string(b)})
	return nil
}

// letters returns what was accepted so far.
func (s *site) letters() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter(nil), s.mail...)
}

// bodies returns the messages accepted so far.
func (s *site) bodies() (bodies []string) {
	for _, l := range s.letters() {
		bodies = append(bodies, l.body)
	}
	return bodies
}

// withTLS gives srv a certificate, and puts the authority where newSite finds it.
func withTLS(t testing.TB, srv *smtp.Server) *smtp.Server {
	t.Helper()
	host := srv.Hostname
	if host == "" {
		host = "mx.example.org"
	}
	server, client := testnet.Cert(t, host)
	server.RootCAs = client.RootCAs
	srv.TLSConfig = server
	return srv
}

// peer is a client that says what it is told to.
type peer struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// dial connects and does not wait for the greeting.
func (s *site) dial() *peer {
	s.t.Helper()
	nc, err := s.ln.Dial(context.Background())
	require.NoError(s.t, err)
	p := &peer{nc, s.t, bufio.NewReader(nc)}
	s.t.Cleanup(func() { _ = nc.Close() })
	return p
}

// greeted connects and says EHLO.
func (s *site) greeted() *peer {
	s.t.Helper()
	p := s.dial()
	p.expect("220 ")
	p.say("EHLO client.example.com\r\n")
	p.expect("250-")
	return p
}

// inMail connects and gets as far as the first recipient.
func (s *site) inMail() *peer {
	s.t.Helper()
	p := s.greeted()
	p.say("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\n")
	p.expect("250 2.1.0 ", "250 2.1.5 ")
	return p
}

// inData connects and gets as far as the message.
func (s *site) inData() *peer {
	s.t.Helper()
	p := s.inMail()
	p.say("DATA\r\n")
	p.expect("354 ")
	return p
}

func (p *peer) say(octets string) {
	p.t.Helper()
	_, err := io.WriteString(p, octets)
	require.NoError(p.t, err)
}

// hear reads one reply; its lines are separated by LF. It is "" at the end.
func (p *peer) hear() string {
	p.t.Helper()
	require.NoError(p.t, p.SetReadDeadline(time.Now().Add(time.Minute)))
	var b strings.Builder
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			require.Empty(p.t, line)
			require.NotErrorIs(p.t, err, context.DeadlineExceeded)
			return b.String()
		}
		require.True(p.t, strings.HasSuffix(line, "\r\n"), "%q", line)
		require.Greater(p.t, len(line), len("250\r\n"), "%q", line)
		b.WriteString(strings.TrimSuffix(line, "\r\n"))
		if line[3] == ' ' {
			return b.String()
		}
		b.WriteByte('\n')
	}
}

// expect reads replies that begin with what is given.
func (p *peer) expect(prefixes ...string) {
	p.t.Helper()
	for _, want := range prefixes {
		require.Contains(p.t, "\n"+p.hear(), "\n"+want)
	}
}

// expectEnd reads the end of the connection.
func (p *peer) expectEnd() {
	p.t.Helper()
	require.Empty(p.t, p.hear())
}

// startTLS makes the handshake of a client.
func (p *peer) startTLS(cfg *tls.Config) {
	p.t.Helper()
	c := tls.Client(p.Conn, cfg)
	require.NoError(p.t, c.Handshake())
	p.Conn, p.r = c, bufio.NewReader(c)
}
