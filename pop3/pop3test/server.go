package pop3test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testpeer"
	"github.com/posthouse/posthouse/pop3"
)

// DefaultPassword is the password of users that were given none.
const DefaultPassword = "secret"

const (
	serverName = "pop3.test" // in the certificate, beside localhost and its addresses
	memoryAddr = serverName + ":110"
)

// clientTimeout is what a client made here waits for a server that is silent.
const clientTimeout = 10 * time.Second

// Server is a [pop3.Server] for the time of a test, with its users, their
// maildrops and its certificate. What is set up before Start must not be
// changed after it. The methods, and those of Store, are safe for concurrent
// use.
type Server struct {
	*Store // whose maildrops are served

	// Config is the server itself, for limits, TLSConfig, Auth and such. A
	// Config.Store of the test's own takes the place of Store.
	Config *pop3.Server

	// Quirks, if not nil, makes a server with the oddities of others.
	Quirks *Quirks

	// ImplicitTLS begins connections with TLS. Else the server offers STLS.
	ImplicitTLS bool

	// Memory listens in memory, so that the server can be used inside a bubble
	// of testing/synctest, and needs no port. It is reached by DialContext
	// only, as which the clients made here reach it.
	Memory bool

	// Addr is where the server listens, as "host:port", once it is started.
	Addr string

	t        testing.TB
	listener net.Listener
	cert     testpeer.Certificate
	serving  sync.WaitGroup
	faults   testpeer.Faults
	quirky   *quirkyServer // nil without Quirks
	log      dialogue

	mu        sync.Mutex
	shown     *tls.Config // with the certificate that was asked for; nil: the good one
	passwords map[string]string
}

// NewServer starts a server on a free port of the loopback interface. It ends
// with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := NewUnstartedServer(t)
	s.Start()
	return s
}

// NewMemoryServer starts a server in memory: see Server.Memory. Inside a bubble
// of testing/synctest it has to be made with the bubble's own t.
func NewMemoryServer(t testing.TB) *Server {
	t.Helper()
	s := NewUnstartedServer(t)
	s.Memory = true
	s.Start()
	return s
}

// NewUnstartedServer returns a server that waits for Start, to be changed before.
func NewUnstartedServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{Store: new(Store), t: t, passwords: map[string]string{}}
	var err error
	if s.cert, err = testpeer.NewCertificate(serverName); err != nil {
		t.Fatalf("pop3test: making a certificate: %v", err)
	}
	s.Config = &pop3.Server{
		Hostname: serverName,
		TLSConfig: &tls.Config{
			Certificates:       []tls.Certificate{s.cert.Chain},
			GetConfigForClient: s.showing,
		},
		Auth:  &auth.Server{Passwords: auth.PasswordFunc(s.verify)},
		Store: s.Store,
		Log:   slog.New(slog.DiscardHandler),

		Transcript: func(auth.ConnectionState) io.Writer { return &s.log },
	}
	return s
}

// Start begins to serve.
func (s *Server) Start() {
	s.t.Helper()
	if s.Memory {
		s.listener = testpeer.NewListener(memoryAddr)
		s.Addr = memoryAddr
	} else {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.t.Fatalf("pop3test: %v", err)
		}
		s.listener = ln
		s.Addr = ln.Addr().String()
	}
	s.t.Cleanup(s.Close)
	ln := s.faults.Wrap(s.listener)
	if s.Quirks != nil {
		s.quirky = newQuirkyServer(s)
	}
	s.serving.Go(func() {
		switch { // it ends by Close
		case s.quirky != nil:
			s.quirky.serve(ln)
		case s.ImplicitTLS:
			_ = s.Config.ServeTLS(ln)
		default:
			_ = s.Config.Serve(ln)
		}
	})
}

// Close cuts all connections and waits until the server has ended. The end of
// the test does so too.
func (s *Server) Close() {
	_ = s.Config.Close()
	_ = s.listener.Close()                      // of a server that had not come to Serve yet
	_ = s.Config.Shutdown(context.Background()) // waits for the sessions; there is nothing else to do about them
	if s.quirky != nil {
		s.quirky.close()
	}
	s.serving.Wait()
}

// SetPassword makes user known, or changes the password.
func (s *Server) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user] = password
}

// SetMessages is [Store.SetMessages]. A user who was not known is from now on,
// with DefaultPassword.
func (s *Server) SetMessages(user string, messages [][]byte) {
	s.password(user)
	s.Store.SetMessages(user, messages)
}

// password returns the password of user, who is known from now on.
func (s *Server) password(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.passwords[user]; !known {
		s.passwords[user] = DefaultPassword
	}
	return s.passwords[user]
}

func (s *Server) verify(_ context.Context, user, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want, known := s.passwords[user]; !known || password != want {
		return auth.ErrCredentials
	}
	return nil
}

// DialContext connects to the server, whatever the address. It makes a Server a
// pop3.ClientConfig.Dialer.
func (s *Server) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if ln, ok := s.listener.(*testpeer.Listener); ok {
		return ln.Dial(ctx)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", s.Addr)
}

// ClientTLS returns a configuration that trusts the server.
func (s *Server) ClientTLS() *tls.Config {
	return &tls.Config{RootCAs: s.cert.Pool, ServerName: serverName}
}

// ClientConfig returns a configuration that reaches and trusts the server, and
// logs in as user, who is known from now on. The caller may change it.
func (s *Server) ClientConfig(user string) *pop3.ClientConfig {
	cfg := &pop3.ClientConfig{
		TLSConfig: s.ClientTLS(),
		Auth:      auth.Password(user, s.password(user)),
		Dialer:    s,
		Timeout:   clientTimeout,
	}
	if s.ImplicitTLS {
		cfg.TLS = pop3.ImplicitTLS
	}
	return cfg
}

// Client returns a client that is logged in as user, who is known from now on.
// The test fails if that does not succeed. The client is closed when the test
// ends.
func (s *Server) Client(user string) *pop3.Client {
	s.t.Helper()
	c, err := pop3.Dial(s.t.Context(), s.Addr, s.ClientConfig(user))
	if err != nil {
		s.t.Fatalf("pop3test: connecting as %q: %v", user, err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// CutAfter lets connections that are made from now on break when the server has
// sent so many octets, of TLS if there is TLS: the client receives them, and then
// the end of the connection.
func (s *Server) CutAfter(octets int64) { s.faults.Set(testpeer.Fault{Active: true, After: octets}) }

// StallAfter lets connections that are made from now on fall silent when the
// server has sent so many octets: what it sends after that does not arrive.
func (s *Server) StallAfter(octets int64) {
	s.faults.Set(testpeer.Fault{Active: true, Stall: true, After: octets})
}

// DripAfter lets connections that are made from now on become slow when the
// server has sent so many octets: what it sends after that arrives an octet at a
// time, one each pause.
func (s *Server) DripAfter(octets int64, pause time.Duration) {
	s.faults.Set(testpeer.Fault{Active: true, After: octets, Pause: pause})
}

// Heal lets connections that are made from now on be without a fault.
func (s *Server) Heal() { s.faults.Set(testpeer.Fault{}) }
