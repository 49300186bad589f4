package pop3

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Defaults of Server's limits.
const (
	defaultMaxConns        = 1000
	defaultMaxConnsPerAddr = 50
	defaultMaxMessages     = 10_000_000
	defaultMaxErrors       = 10
	defaultErrorDelay      = time.Second
	defaultMaxAuthFailures = 5
	defaultFailureDelay    = 500 * time.Millisecond
	defaultTimeout         = 5 * time.Minute
	defaultSessionTimeout  = 24 * time.Hour
	defaultTakeOverAfter   = 30 * time.Second
	defaultLoginCommands   = 100
	defaultMaxHandshakes   = 100

	// minIdleTimeout is the shortest autologout timer that RFC 1939 section 3
	// allows.
	minIdleTimeout = 10 * time.Minute
)

// ErrServerClosed is what the Serve methods return after Shutdown or Close.
var ErrServerClosed = errors.New("pop3: server closed")

// Server is a POP3 server. Auth and Store must be set; the zero values of all
// else are ready for the Internet. A negative number stands for zero where nothing else is
// said. The fields must not be changed once the server serves. The methods may be called by
// many goroutines at once.
type Server struct {
	// Addr is where ListenAndServe and ListenAndServeTLS listen. If it is empty
	// they use ":110" and ":995".
	Addr string

	// Hostname is named in the greeting. It may be empty.
	Hostname string

	// Implementation is what the capability IMPLEMENTATION tells (RFC 2449
	// section 6.9): one or more words of printable ASCII. If it is empty, there
	// is no such capability.
	Implementation string

	// TLSConfig is for STLS and for ServeTLS. If it is nil, there is no STLS, and
	// ServeTLS fails.
	TLSConfig *tls.Config

	// Auth knows who may log in, and by which mechanisms. Without TLS it takes
	// passwords only if it is told to; USER, PASS and SASL are offered where
	// they can succeed and nowhere else.
	Auth *auth.Server

	// Store opens the maildrops of those who have logged in.
	Store Store

	// InsecureAPOP offers the command APOP, by a timestamp in the greeting, if
	// Auth has Secrets. Whoever reads along can then try passwords against the
	// digest, as many a second as MD5 can be computed; it is for clients that
	// know neither TLS nor SASL.
	InsecureAPOP bool

	// Policy is how often a user may log in, and for how long mail is kept.
	// UserPolicy, if not nil, is asked at login for that of the user; Policy
	// must then be the strictest of all (RFC 2449 section 6.5, RFC 2449 section 6.7),
	// and a LoginDelay beyond it is cut to it. UserPolicy is called by many
	// goroutines at once.
	Policy     Policy
	UserPolicy func(*auth.Identity) Policy

	// Languages are those that a client may choose by the command LANG (RFC 6856
	// section 3), the preferred one first. If there are none, there is no such
	// command; every session begins in English.
	Languages []Language

	// MaxConns is how many connections are open at a time, and MaxConnsPerAddr
	// how many of one address, or of one /64 of IPv6. Those beyond read
	// -ERR [SYS/TEMP] and are closed. Zero means 1,000 and 50; a negative
	// number means no limit.
	MaxConns, MaxConnsPerAddr int

	// ProxyFrom are the addresses of proxies whose connections begin with a header of
	// the PROXY protocol, version 1 or 2, before TLS; one without is cut. The session
	// then has the addresses of the proxy's client. Nil: there are none.
	ProxyFrom []netip.Prefix

	// MaxMessages is how many messages of a maildrop a session sees: the first
	// ones. The others show when these are deleted, so that nobody is locked
	// out by too much mail. Zero means 10 million.
	MaxMessages int

	// MaxErrors is how many commands of a session may be refused before the
	// connection is closed: so many until the client has logged in, and twice
	// as many in all. A message that is not there, or cannot be given, does not
	// count. Zero means 10.
	MaxErrors int

	// MaxAuthFailures is how many failed logins close the connection. Zero means
	// 5.
	MaxAuthFailures int

	// MaxLoginCommands is how many commands, and lines of an AUTH exchange, a client
	// may send until it has logged in. Zero means 100.
	MaxLoginCommands int

	// MaxHandshakes is how many TLS handshakes are worked on at a time: others wait for
	// their turn, in the 10 seconds that they have. One that waits for its client is not
	// worked on. Zero means 100; a negative number means no limit.
	MaxHandshakes int

	// FailureDelay is how long the answer to a failed login is held back, the
	// first time; the delay doubles with each failure. Zero means half a second,
	// a negative number no delay.
	FailureDelay time.Duration

	// ErrorDelay is how long the answer to a command that is refused is held back
	// once half of what MaxErrors allows is used up. Zero means a second, a
	// negative number no delay.
	ErrorDelay time.Duration

	// IdleTimeout is the autologout timer: how long the server waits for a
	// command. RFC 1939 section 3 forbids less than 10 minutes; zero and
	// anything less mean 10 minutes.
	IdleTimeout time.Duration

	// LoginTimeout is how long a client may take to log in, whatever it says
	// meanwhile. Zero means as long as IdleTimeout.
	LoginTimeout time.Duration

	// TakeOverAfter is how long a client may be silent until another session may
	// take the maildrop from it, if that is a [Yielder]: so that a session whose
	// client is gone locks nobody out. Who has lost it so is told at its next
	// command; what it had marked is not deleted. Zero means 30 seconds, a negative
	// number never.
	TakeOverAfter time.Duration

	// Timeout is how long a write may stall, and how long the Store and the
	// verifier may take for anything but a message's octets. Zero means 5
	// minutes. A TLS handshake has 10 seconds.
	Timeout time.Duration

	// SessionTimeout is how long a session may take in all. Zero means 24 hours.
	SessionTimeout time.Duration

	// MinRate is how many octets a second the client must take on average of a
	// message that takes longer than Timeout. Zero means 100.
	MinRate int

	// Log is told of logins and sessions at Info, of commands that were refused
	// at Debug, and of what goes wrong in the Store at Error. It is told no
	// password, no mail, and no name of a user who is not logged in. If it is
	// nil, slog.Default() is told of panics and of connections that cannot be
	// accepted, and nothing else is logged: what a Store returns that is no *Error
	// is seen nowhere then.
	Log *slog.Logger

	// Transcript returns where a session's dialogue is written, without
	// passwords and without mail, or nil. It is called once a connection, and
	// its Writer once a line, by one goroutine.
	Transcript func(auth.ConnectionState) io.Writer

	once   sync.Once
	loop   serve.Loop
	logins logins

	tls        *tls.Config // TLSConfig, by which connections know what they have shown
	handshakes conn.Places // for the TLS handshakes that are worked on
}

// ListenAndServe listens on Addr and calls Serve.
func (s *Server) ListenAndServe() error {
	ln, err := net.Listen("tcp", cmp.Or(s.Addr, ":110"))
	if err != nil {
		return fmt.Errorf("pop3: %w", err)
	}
	return s.Serve(ln)
}

// ListenAndServeTLS listens on Addr and calls ServeTLS.
func (s *Server) ListenAndServeTLS() error {
	ln, err := net.Listen("tcp", cmp.Or(s.Addr, ":995"))
	if err != nil {
		return fmt.Errorf("pop3: %w", err)
	}
	return s.ServeTLS(ln)
}

// Serve accepts connections on ln, in cleartext with STLS if TLSConfig is set,
// until Shutdown or Close; it then returns ErrServerClosed. It closes ln. Connections that
// are a [*tls.Conn], as those of a listener of crypto/tls, have TLS from the start; ServeTLS
// is to be preferred, which holds to MaxHandshakes and knows the certificate it has shown.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.check(); err != nil {
		ln.Close()
		return err
	}
	return s.start().Serve(ln)
}

// ServeTLS is Serve for connections that begin with TLS (RFC 8314 section 3.2).
// The handshake is part of the session: a slow one delays nobody else.
func (s *Server) ServeTLS(ln net.Listener) error {
	err := s.check()
	if err == nil && s.TLSConfig == nil {
		err = errors.New("pop3: Server.TLSConfig is nil")
	}
	if err != nil {
		ln.Close()
		return err
	}
	return s.start().Serve(implicitListener{ln})
}

// Shutdown stops accepting connections and lets the sessions come to their end.
//
// A session that waits for a command is sent away at once, by an -ERR with
// [CodeSysTemp]: nothing is lost by that. One that has messages marked as deleted is
// left alone until its QUIT, because its client may have stored them already and would
// fetch them twice; ctx bounds how long. When ctx ends first, Shutdown calls Close and
// returns ctx.Err(). The Serve methods return when it begins: a program that ends must
// wait for Shutdown, and not for them.
func (s *Server) Shutdown(ctx context.Context) error { return s.start().Shutdown(ctx) }

// Close stops accepting connections and cuts those that are open. It does not
// wait for their goroutines; Shutdown does, also after Close. Sessions that had
// not come to QUIT delete nothing.
func (s *Server) Close() error { return s.start().Close() }

// start fills in the loop at the first use of the server.
func (s *Server) start() *serve.Loop {
	s.once.Do(func() {
		s.loop.MaxConns = max(0, cmp.Or(s.MaxConns, defaultMaxConns))
		s.loop.MaxConnsPerAddr = max(0, cmp.Or(s.MaxConnsPerAddr, defaultMaxConnsPerAddr))
		if n := max(0, cmp.Or(s.MaxHandshakes, defaultMaxHandshakes)); n > 0 {
			s.handshakes = make(conn.Places, n)
		}
		s.tls = conn.NoteCertificates(s.TLSConfig)
		s.loop.Proxies = s.ProxyFrom
		s.loop.Log = s.Log
		s.loop.Handle = s.session
		s.loop.Refuse = s.refuse
		s.loop.Closed = ErrServerClosed
	})
	return &s.loop
}

// check says what is missing or cannot be said.
func (s *Server) check() error {
	switch {
	case s.Auth == nil:
		return errors.New("pop3: Server.Auth is nil")
	case s.Store == nil:
		return errors.New("pop3: Server.Store is nil")
	}
	for _, c := range s.Hostname {
		// A greeting with <...> in it would offer APOP (RFC 1939 section 7).
		if c <= ' ' || c >= 0x7F || c == '<' || c == '>' || c == '[' {
			return errors.New("pop3: Server.Hostname is not a host name")
		}
	}
	if _, err := s.implementation(nil); err != nil {
		return errors.New("pop3: Server.Implementation cannot be a capability")
	}
	return s.checkLanguages()
}

func (s *Server) maxMessages() int { return cmp.Or(max(0, s.MaxMessages), defaultMaxMessages) }

func (s *Server) maxErrors() int { return cmp.Or(max(0, s.MaxErrors), defaultMaxErrors) }

func (s *Server) maxAuthFailures() int {
	return cmp.Or(max(0, s.MaxAuthFailures), defaultMaxAuthFailures)
}

func (s *Server) timeout() time.Duration { return cmp.Or(max(0, s.Timeout), defaultTimeout) }

func (s *Server) sessionTimeout() time.Duration {
	return cmp.Or(max(0, s.SessionTimeout), defaultSessionTimeout)
}

func (s *Server) idleTimeout() time.Duration { return max(s.IdleTimeout, minIdleTimeout) }

func (s *Server) maxLoginCommands() int {
	return cmp.Or(max(0, s.MaxLoginCommands), defaultLoginCommands)
}

func (s *Server) loginTimeout() time.Duration {
	return cmp.Or(max(0, s.LoginTimeout), s.idleTimeout())
}

// takeOverAfter returns zero for never.
func (s *Server) takeOverAfter() time.Duration {
	return max(0, cmp.Or(s.TakeOverAfter, defaultTakeOverAfter))
}

func (s *Server) errorDelay() time.Duration {
	return max(0, cmp.Or(s.ErrorDelay, defaultErrorDelay))
}

// failureDelay returns how long the answer to the nth failed login waits.
func (s *Server) failureDelay(n int) time.Duration {
	first := max(0, cmp.Or(s.FailureDelay, defaultFailureDelay))
	return min(first<<min(n-1, 8), time.Minute)
}

// refuse answers a connection that is one too many.
func (s *Server) refuse(nc net.Conn, _ serve.Reason) {
	if _, implicit := nc.(implicitConn); implicit {
		return // it could not read cleartext
	}
	_, _ = nc.Write(pop3wire.AppendStatus(nil, false, CodeSysTemp, "too many connections"))
}

// implicitListener marks the connections on which TLS comes first.
type implicitListener struct{ net.Listener }

type implicitConn struct{ net.Conn }

func (l implicitListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return implicitConn{nc}, nil
}
