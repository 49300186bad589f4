package smtptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testpeer"
	"github.com/posthouse/posthouse/smtp"
)

// DefaultPassword is the password of users that were given none.
const DefaultPassword = "secret"

const (
	serverName = "smtp.test" // in the certificate, beside localhost and its addresses
	memoryAddr = serverName + ":25"
)

// clientTimeout is what a client made here waits for a server that is silent.
const clientTimeout = 10 * time.Second

// Server is an [smtp.Server] for the time of a test, with the mail it has got,
// its users and its certificate. What is set up before Start must not be
// changed after it. The methods are safe for concurrent use.
type Server struct {
	// Config is the server itself, for limits, Hooks, TLSConfig, Auth and such. It
	// takes mail for every recipient unless Config.Local is changed. A
	// Config.Handler of the test's own can pass messages on to ServeSMTP, which
	// keeps them.
	Config *smtp.Server

	// ImplicitTLS begins connections with TLS. Else the server offers STARTTLS.
	ImplicitTLS bool

	// Memory listens in memory, so that the server can be used inside a bubble
	// of testing/synctest, and needs no port. It is reached by DialContext only,
	// as which the clients made here reach it.
	Memory bool

	// LogTranscript writes what client and server say to the test's log, secrets
	// and messages left out.
	LogTranscript bool

	// Addr is where the server listens, as "host:port", once it is started.
	Addr string

	t        testing.TB
	listener net.Listener
	cert     testpeer.Certificate
	serving  sync.WaitGroup
	faults   testpeer.Faults
	said     dialogue
	ending   context.Context // ended by Close
	end      context.CancelFunc

	mu        sync.Mutex
	table     []*armed    // of faults, for connections to come
	shown     *tls.Config // with the certificate that was asked for; nil: the good one
	messages  []Message
	more      chan struct{} // closed when there is another message
	passwords map[string]string
}

// Message is a message that a Server has accepted.
type Message struct {
	Conn     auth.ConnectionState // of the client that sent it
	Envelope smtp.Envelope
	Data     []byte // as it was sent, the stuffed dots taken out; must not be changed
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
	s := &Server{t: t, more: make(chan struct{}), passwords: map[string]string{}}
	s.ending, s.end = context.WithCancel(context.Background())
	var err error
	if s.cert, err = testpeer.NewCertificate(serverName); err != nil {
		t.Fatalf("smtptest: making a certificate: %v", err)
	}
	s.Config = &smtp.Server{
		Hostname: serverName,
		TLSConfig: &tls.Config{
			Certificates:       []tls.Certificate{s.cert.Chain},
			GetConfigForClient: s.showing,
		},
		Auth:    &auth.Server{Passwords: auth.PasswordFunc(s.verify)},
		Local:   func(context.Context, smtp.Address) bool { return true },
		Handler: s,
		Log:     slog.New(slog.DiscardHandler),
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
		addr := "127.0.0.1:0"
		if *serveAddr != "" {
			addr = *serveAddr
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			s.t.Fatalf("smtptest: %v", err)
		}
		s.listener = ln
		s.Addr = ln.Addr().String()
	}
	if s.Config.Transcript == nil {
		s.Config.Transcript = func(auth.ConnectionState) io.Writer { return &s.said }
	}
	if s.LogTranscript {
		s.said.t = s.t
	}
	s.t.Cleanup(func() {
		s.linger()
		s.Close()
	})
	ln := net.Listener(liars{s.faults.Wrap(s.listener), s})
	s.serving.Go(func() {
		if s.ImplicitTLS {
			_ = s.Config.ServeTLS(ln) // it ends by Close
		} else {
			_ = s.Config.Serve(ln)
		}
	})
}

// dialogue gathers the lines of all sessions.
type dialogue struct {
	t testing.TB // to whose log they go too; nil if to none's

	mu   sync.Mutex
	text strings.Builder
}

func (d *dialogue) Write(line []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.t != nil {
		d.t.Logf("%s", bytes.TrimSuffix(line, []byte("\n")))
	}
	return d.text.Write(line)
}

// Transcript returns what was said so far in all sessions, as the server sees it: a
// line each, "C: " and "S: " and the text, without secrets and messages. Lines of
// sessions at the same time stand mixed. It is empty if Config.Transcript is the
// test's own. What a fault changes on the way to the client is not in it.
func (s *Server) Transcript() string {
	s.said.mu.Lock()
	defer s.said.mu.Unlock()
	return s.said.text.String()
}

// Close cuts all connections and waits until the server has ended. The end of
// the test does so too.
func (s *Server) Close() {
	s.end()
	_ = s.Config.Close()
	_ = s.listener.Close()                      // of a server that had not come to Serve yet
	_ = s.Config.Shutdown(context.Background()) // waits for the sessions; there is nothing else to do about them
	s.serving.Wait()
}

// ServeSMTP keeps a message. It is the handler of a server whose Config has no
// other.
func (s *Server) ServeSMTP(_ context.Context, tx *smtp.Transaction) error {
	data, err := io.ReadAll(tx.Body)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, Message{Conn: tx.Conn, Envelope: tx.Envelope, Data: data})
	close(s.more)
	s.more = make(chan struct{})
	return nil
}

// Messages returns the messages accepted so far, in the order in which they
// came.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Wait waits until n messages have been accepted and returns all there are. When
// ctx ends before that it returns those there are, and the cause.
func (s *Server) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		messages, more := append([]Message(nil), s.messages...), s.more
		s.mu.Unlock()
		if len(messages) >= n {
			return messages, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return messages, context.Cause(ctx)
		}
	}
}

// Forget removes all messages.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}

// SetPassword makes user known, or changes the password.
func (s *Server) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passwords[user] = password
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

// DialContext connects to the server, whatever the address. It makes a Server an
// smtp.Dialer.
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
// authenticates as user, who is known from now on, unless user is empty. The
// caller may change it.
func (s *Server) ClientConfig(user string) *smtp.ClientConfig {
	cfg := &smtp.ClientConfig{
		TLSConfig:   s.ClientTLS(),
		Dialer:      s,
		Timeout:     clientTimeout,
		DataTimeout: clientTimeout,
	}
	if user != "" {
		cfg.Auth = auth.Password(user, s.password(user))
	}
	if s.ImplicitTLS {
		cfg.TLS = smtp.ImplicitTLS
	}
	return cfg
}

// Client returns a client that is ready to send, authenticated as user if that is
// not empty. The test fails if that does not succeed. The client is closed when
// the test ends.
func (s *Server) Client(user string) *smtp.Client {
	s.t.Helper()
	c, err := smtp.Dial(s.t.Context(), s.Addr, s.ClientConfig(user))
	if err != nil {
		s.t.Fatalf("smtptest: connecting: %v", err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

var (
	_ smtp.Handler = (*Server)(nil)
	_ smtp.Dialer  = (*Server)(nil)
)
