package peers

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/posthouse/posthouse/internal/bench/proc"
	"github.com/posthouse/posthouse/smtp"
)

// Names of the servers beside ours.
const (
	GoSMTP   = "go-smtp"
	SMTPSink = "smtp-sink"
)

// SMTPServer is a server in Go that takes every message and discards it.
type SMTPServer struct {
	Name string

	// Serve serves the connections of ln, by TLS if cfg is not nil, until stop
	// is called.
	Serve func(ln net.Listener, cfg *tls.Config) (stop func())
}

// SMTPServers are the servers in Go, ours first.
var SMTPServers = []SMTPServer{
	{Posthouse, servePosthouse},
	{GoSMTP, serveGoSMTP},
}

const (
	maxMessage = 64 << 20
	maxConns   = 50_000
)

func servePosthouse(ln net.Listener, cfg *tls.Config) (stop func()) {
	srv := &smtp.Server{
		Hostname:        "bench.example.test",
		TLSConfig:       cfg,
		Local:           func(context.Context, smtp.Address) bool { return true },
		MaxMessageBytes: maxMessage,
		MaxConns:        maxConns,
		MaxConnsPerAddr: maxConns,
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	serve := srv.Serve
	if cfg != nil {
		serve = srv.ServeTLS
	}
	go serve(ln)
	return func() { srv.Close() }
}

func serveGoSMTP(ln net.Listener, cfg *tls.Config) (stop func()) {
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return discard{}, nil }))
	srv.Domain = "bench.example.test"
	srv.MaxMessageBytes = maxMessage
	if cfg != nil {
		ln = tls.NewListener(ln, cfg)
	}
	go srv.Serve(ln)
	return func() { srv.Close() }
}

type discard struct{}

func (discard) Reset()                                 {}
func (discard) Logout() error                          { return nil }
func (discard) Mail(string, *gosmtp.MailOptions) error { return nil }
func (discard) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (discard) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func playSMTPServer(name string, secure bool) error {
	var cfg *tls.Config
	if secure {
		var err error
		if cfg, err = selfSigned(); err != nil {
			return err
		}
	}
	servers := append(slices.Clip(SMTPServers), SMTPServer{Floor, serveFloor})
	i := slices.IndexFunc(servers, func(s SMTPServer) bool { return s.Name == name })
	if i < 0 {
		return fmt.Errorf("no such server")
	}
	return playServer(func(ln net.Listener) { servers[i].Serve(ln, cfg) })
}

// StartSMTPServer starts a server, by TLS if secure is set.
func StartSMTPServer(ctx context.Context, name string, secure bool) (*Server, error) {
	if name == SMTPSink {
		return startSMTPSink(ctx)
	}
	role := []string{"smtp-server", name}
	if secure {
		role = append(role, "tls")
	}
	return startServer(ctx, role...)
}

// HasSMTPSink reports whether smtp-sink is on this machine.
func HasSMTPSink() bool { return installed("smtp-sink") }

func startSMTPSink(ctx context.Context) (*Server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := []string{"-h", "bench.example.test", addr, "1024"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...) // it insists
	}
	p, err := proc.Start(ctx, nil, "smtp-sink", args...)
	if err != nil {
		return nil, err
	}
	return listening(&Server{Process: p, Addr: addr})
}

// freeAddr returns an address that nobody listens on, for programs that cannot
// choose one.
func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// listening waits until a server accepts connections.
func listening(s *Server) (*Server, error) {
	const (
		tries = 200
		wait  = 20 * time.Millisecond
	)
	var err error
	for range tries {
		var nc net.Conn
		if nc, err = net.Dial("tcp", s.Addr); err == nil {
			nc.Close()
			return s, nil
		}
		time.Sleep(wait)
	}
	s.Stop()
	return nil, err
}
