package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// ErrServerClosed is what the Serve methods return after Shutdown or Close.
var ErrServerClosed = errors.New("smtp: server closed")

// Server receives mail by SMTP. Its fields are set before the first Serve and not
// changed after it. All methods may be called at the same time.
//
// The limits have defaults. Zero means the default; a negative number means no limit
// for what is counted, and the default for Timeout, DataTimeout and MinRate.
type Server struct {
	// Addr is where ListenAndServe listens: zero is ":25", or ":587" for submission;
	// ListenAndServeTLS listens on ":465" then.
	Addr string

	// Hostname is the server's name in the greeting and in trace fields: a domain or
	// an address literal. Zero: the host's name.
	Hostname string

	// Protocol is auth.SMTP, which zero means too, auth.Submission or auth.LMTP. An SMTP
	// server takes mail for its Local recipients from anybody. A submission server takes
	// mail for anybody, and only from those who may relay: RFC 6409 section 4.3. An LMTP
	// server, RFC 2033, does as an SMTP server and tells the result of each recipient; it
	// has no port of its own, and refuses to be on port 25. Who reaches it is trusted to
	// have decided what is delivered: it belongs on a local socket or a loopback address.
	Protocol auth.Protocol

	// TLSConfig makes STARTTLS available, and the TLS variants of the Serve methods.
	// Servers that share it take each other's session tickets. A ticket carries no
	// privilege: who resumes a session has not said hello and has not authenticated.
	// Where client certificates decide, give each server a Config of its own: their
	// tickets then tell them apart.
	TLSConfig *tls.Config

	// RequireTLS answers all but EHLO (in LMTP LHLO), NOOP, STARTTLS and QUIT with 530
	// until TLS has begun: RFC 3207 section 4. The proxies of XclientFrom may use XCLIENT
	// before. A server that takes mail from anybody must not set it.
	RequireTLS bool

	// Auth makes AUTH available, as far as it has mechanisms for the connection: without
	// TLS it has none for passwords unless it is told to. Nil: nobody can authenticate.
	Auth *auth.Server

	// Local reports whether this server is the destination of a recipient. It is not
	// asked about <Postmaster> without a domain, which is taken when Local is not nil:
	// RFC 5321 section 4.5.1. Nil: no recipient is local.
	Local func(ctx context.Context, to Address) bool

	// MayRelay reports whether the peer may send mail to recipients that are not local,
	// and may submit. Those who have authenticated may, without its being asked. Nil:
	// nobody else.
	MayRelay func(ctx context.Context, cs auth.ConnectionState) bool

	// Offer names the extensions whose promises the program keeps. Zero: none.
	Offer Offers

	// Extensions are those that the program adds.
	Extensions []Extension

	// TrustAuth reports whether an authenticated peer is believed when it says who
	// submitted a message, which is what lists and relays do: RFC 4954 section 5.
	// Nil: nobody is, and Envelope.Auth stays zero.
	TrustAuth func(ctx context.Context, cs auth.ConnectionState) bool

	// AcceptBareLF takes a bare LF within a message that comes by DATA for CRLF, and the
	// handler reads CRLF. It never ends a message, whatever stands around it. Programs
	// that hand the lines of a Unix file to their SMTP library send such messages; for
	// them a submission server may set it. One that comes by BDAT is refused all the same:
	// who counts octets knows them. Zero refuses: RFC 5321 section 2.3.8.
	AcceptBareLF bool

	// BinaryMIME offers BINARYMIME: RFC 3030 section 3. The Handler, and all that it hands
	// such a message on to, must keep every octet: there are no lines, and what looks like
	// an end of data to the next server is to be expected. Zero does not offer it.
	BinaryMIME bool

	// ProxyFrom are the addresses of proxies whose connections begin with a header of
	// the PROXY protocol, version 1 or 2, before TLS; one without is cut. Everything
	// that decides by address then sees the client's. Nil: there are none, and such a
	// header is an unknown command.
	ProxyFrom []netip.Prefix

	// XclientFrom are the addresses of proxies that may tell by XCLIENT, once, for whom
	// they speak: the client's address and even who it has authenticated as. Behind a
	// proxy of ProxyFrom that is the address in its header. Nil: nobody.
	XclientFrom []netip.Prefix

	// Handler takes the messages. It must not be nil.
	Handler Handler

	// Hooks decide before a message arrives.
	Hooks Hooks

	// ConnContext, if not nil, makes the context of a session from that of its listener
	// and the connection as it was accepted. Hooks and handler find its values in theirs.
	ConnContext func(ctx context.Context, cs auth.ConnectionState) context.Context

	MaxMessageBytes int64 // octets of a message; 0: 10 MiB
	MaxRecipients   int   // recipients of a message; 0: 1,000. Beyond it 452 is the answer
	MaxHops         int   // Received fields of a message; 0: 100. Beyond it the message is taken to go in circles
	MaxConns        int   // connections; 0: 1,000
	MaxConnsPerAddr int   // connections from one IPv4 address or IPv6 /64; 0: 50
	MaxErrors       int   // commands refused with 5yz between two messages, of which the last ends the session; 0: 10
	MaxAuthFailures int   // wrong credentials in a session, of which the last ends it; 0: 5
	MaxIdleCommands int   // commands between two messages that move none along, such as NOOP; 0: 100
	MaxTransactions int   // MAIL commands in a session; 0: 100,000
	MaxHandshakes   int   // TLS handshakes worked on at a time: one that waits for its client is not; 0: 100

	// MaxRecipientDomains is how many different domains the recipients of a session may
	// have: RFC 9422 section 4.3. It is for servers that deliver in one way once they know
	// the first recipient. Beyond it 452 is the answer. 0: any number.
	MaxRecipientDomains int

	Timeout     time.Duration // for a command to arrive, and a reply to leave; 0: 5 minutes. A TLS handshake has 10 seconds
	DataTimeout time.Duration // for a message to make any progress; 0: 5 minutes
	MinRate     int           // octets per second, averaged over a message beyond DataTimeout; 0: 100

	SessionTimeout time.Duration // for a session; a message under way then has as long again; 0: 2 hours
	HookTimeout    time.Duration // for a hook, Local, MayRelay or a verifier to answer; 0: 1 minute
	HandlerTimeout time.Duration // for the Handler to read on, and to answer when it has read all; 0: 5 minutes

	// GreetPause is how long a client is watched before it is greeted. One that does not
	// wait is no mail server; it is refused. Zero greets at once.
	GreetPause time.Duration

	// ErrorDelay holds up each reply that refuses when half of MaxErrors is used up,
	// and the replies to wrong credentials from the second on, doubled each time up to
	// eightfold. Zero: 1 second; negative: none.
	ErrorDelay time.Duration

	// BaseContext, if not nil, gives what the contexts of a listener's sessions are made
	// from.
	BaseContext func(ln net.Listener) context.Context

	// Log gets sessions and messages at Info, commands at Debug, and what went wrong
	// inside at Error. It gets no credentials and no content; addresses at Debug only.
	// Nil: nothing is logged but panics, which slog.Default() is told; what a Handler
	// returns that is no *Error is seen nowhere then.
	Log *slog.Logger

	// Trace, if not nil, is told what happens.
	Trace *ServerTrace

	// Transcript gives each connection a place for what was said, in the notation of
	// the RFCs, with secrets and messages left out. Nil, or a nil Writer: nowhere.
	Transcript func(cs auth.ConnectionState) io.Writer

	counters   counters
	once       sync.Once
	loop       serve.Loop
	bad        error  // why nothing can be served
	host       string // Hostname, or its default
	own        ownExtensions
	tls        *tls.Config // TLSConfig, by which connections know what they have shown
	handshakes conn.Places // for the TLS handshakes that are worked on
}

// The defaults of the limits.
const (
	defaultMessageBytes = 10 << 20
	defaultRecipients   = 1000
	defaultHops         = 100
	defaultConns        = 1000
	defaultConnsPerAddr = 50
	defaultErrors       = 10
	defaultAuthFailures = 5
	defaultIdleCommands = 100
	defaultTransactions = 100_000
	defaultHandshakes   = 100

	defaultSessionTimeout = 2 * time.Hour
	defaultHookTimeout    = time.Minute
	defaultHandlerTimeout = 5 * time.Minute
	defaultErrorDelay     = time.Second
)

// ListenAndServe serves on Addr. It returns as Serve does.
func (s *Server) ListenAndServe() error {
	addr := ":25"
	if s.Protocol == auth.Submission {
		addr = ":587"
	}
	return s.listen(addr, s.Serve)
}

// ListenAndServeTLS serves on Addr with implicit TLS. It returns as Serve does.
func (s *Server) ListenAndServeTLS() error { return s.listen(":465", s.ServeTLS) }

func (s *Server) listen(addr string, serve func(net.Listener) error) error {
	if s.Addr != "" {
		addr = s.Addr
	}
	if s.init(); s.bad != nil {
		return s.bad
	}
	if s.Addr == "" && s.Protocol == auth.LMTP {
		return errors.New("smtp: LMTP server without an Addr")
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	return serve(ln)
}

// Serve takes connections from ln until it fails or the server is closed, which gives
// [ErrServerClosed]. It closes ln. A server may serve several listeners. Connections that
// are a [*tls.Conn], as those of a listener of crypto/tls, have TLS from the start; ServeTLS
// is to be preferred, which holds to MaxHandshakes and knows the certificate it has shown.
func (s *Server) Serve(ln net.Listener) error {
	if s.init(); s.bad != nil {
		_ = ln.Close()
		return s.bad
	}
	if a, ok := ln.Addr().(*net.TCPAddr); ok && a.Port == 25 && s.Protocol == auth.LMTP {
		// RFC 2033 section 5.
		_ = ln.Close()
		return errors.New("smtp: LMTP on port 25")
	}
	if err := s.loop.Serve(ln); !errors.Is(err, ErrServerClosed) {
		return fmt.Errorf("smtp: %w", err)
	}
	return ErrServerClosed
}

// ServeTLS is Serve with implicit TLS: RFC 8314 section 3.3. ln gives plain
// connections; the handshake is made in the session's goroutine, and in limited time.
func (s *Server) ServeTLS(ln net.Listener) error {
	if s.TLSConfig == nil {
		_ = ln.Close()
		return errors.New("smtp: ServeTLS without a TLSConfig")
	}
	return s.Serve(implicitTLS{ln})
}

// Shutdown stops taking connections, tells idle sessions so at once, and waits until
// the others have finished their transaction. When ctx ends before that it closes what
// is left and returns the error of ctx. The Serve methods return when it begins: a
// program that ends must wait for Shutdown, and not for them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.init()
	return s.loop.Shutdown(ctx)
}

// Close cuts all connections and cancels the contexts of handlers and hooks. No message
// is accepted any more. It does not wait for handlers to return; Shutdown behind it does.
func (s *Server) Close() error {
	s.init()
	return s.loop.Close()
}

// init fixes the defaults.
func (s *Server) init() {
	s.once.Do(func() {
		s.host, s.bad = s.hostname()
		switch {
		case s.bad != nil:
		case s.Handler == nil:
			s.bad = errors.New("smtp: server without a Handler")
		case s.RequireTLS && s.TLSConfig == nil:
			s.bad = errors.New("smtp: RequireTLS without a TLSConfig")
		case !slices.Contains([]auth.Protocol{"", auth.SMTP, auth.Submission, auth.LMTP}, s.Protocol):
			s.bad = fmt.Errorf("smtp: server cannot speak %q", string(s.Protocol))
		default:
			if s.bad = s.Offer.check(s.Protocol); s.bad == nil {
				s.bad = s.own.register(s.Extensions)
			}
		}
		s.loop.MaxConns = max(0, limit(s.MaxConns, defaultConns))
		s.loop.MaxConnsPerAddr = max(0, limit(s.MaxConnsPerAddr, defaultConnsPerAddr))
		if n := limit(s.MaxHandshakes, defaultHandshakes); n > 0 {
			s.handshakes = make(conn.Places, n)
		}
		s.tls = conn.NoteCertificates(s.TLSConfig)
		s.loop.Proxies = slices.Concat(s.ProxyFrom, s.XclientFrom)
		s.loop.Handle = s.handle
		s.loop.Refuse = s.refuse
		s.loop.Closed = ErrServerClosed
		s.loop.BaseContext = s.baseContext
		s.loop.Log = s.log()
	})
}

func (s *Server) baseContext(ln net.Listener) context.Context {
	if s.BaseContext == nil {
		return context.Background()
	}
	if secure, ok := ln.(implicitTLS); ok {
		ln = secure.Listener
	}
	return s.BaseContext(ln)
}

func (s *Server) hostname() (string, error) {
	host := s.Hostname
	if host == "" {
		var err error
		if host, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("smtp: no Hostname: %w", err)
		}
	}
	if err := new(smtpwire.Hello).Parse(host); err != nil {
		return "", errors.New("smtp: Hostname is neither a domain nor an address literal")
	}
	return host, nil
}

func (s *Server) sessionTimeout() time.Duration {
	return cmp.Or(max(0, s.SessionTimeout), defaultSessionTimeout)
}

func (s *Server) hookTimeout() time.Duration {
	return cmp.Or(max(0, s.HookTimeout), defaultHookTimeout)
}

func (s *Server) handlerTimeout() time.Duration {
	return cmp.Or(max(0, s.HandlerTimeout), defaultHandlerTimeout)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Server) protocol() auth.Protocol {
	if s.Protocol == "" {
		return auth.SMTP
	}
	return s.Protocol
}

// maxMessage returns the limit of a message; math.MaxInt64 is none.
func (s *Server) maxMessage() int64 {
	if n := limit(s.MaxMessageBytes, defaultMessageBytes); n > 0 {
		return n
	}
	return math.MaxInt64
}

// limit returns v, or what stands for it.
func limit[T int | int64](v, byDefault T) T {
	if v == 0 {
		return byDefault
	}
	return v
}

// exceeds reports whether n is beyond a limit.
func exceeds(n, limit int) bool { return limit >= 0 && n > limit }

// implicitTLS marks the connections of a listener as beginning with a handshake.
type implicitTLS struct{ net.Listener }

type implicitTLSConn struct{ net.Conn }

func (l implicitTLS) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return implicitTLSConn{nc}, nil
}
