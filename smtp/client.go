package smtp

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// ClientConfig says how a [Client] connects and sends. The zero value, and
// a nil pointer, demand STARTTLS with a verified certificate and do not
// authenticate. It must not be changed while a function of this package uses
// it. A number of less than zero stands for zero.
type ClientConfig struct {
	// Protocol is auth.LMTP to speak LMTP (RFC 2033), by which there is an answer
	// for each recipient. Empty, and all others, mean SMTP.
	Protocol auth.Protocol

	// TLS says how the connection is protected; the zero value is StartTLS.
	TLS TLSMode

	// TLSConfig is used for the handshake. Zero means the defaults of crypto/tls.
	// An empty ServerName in it stands for the host that was dialled: the name
	// of the certificate is verified in every mode, the opportunistic one
	// included.
	TLSConfig *tls.Config

	// Hello is the name or address literal given in EHLO. Empty means the name
	// of the host if that has a domain, else the connection's local address as
	// a literal (RFC 5321 section 4.1.4).
	Hello string

	// Auth are the credentials to show once the connection is set up. Nil means
	// to send without. A server that does not offer AUTH is then an error.
	Auth auth.Credentials

	// OnBehalfOf, if not nil, is the connection to a client that a proxy has taken,
	// and now speaks for: the server is told of it by XCLIENT, as Postfix defines it,
	// once TLS is set up, and before Auth. It learns the address of both ends, the name
	// that the client gave, and its user, as far as it lists them in its reply to
	// EHLO; of what is not known, that it is not. The EHLO behind it says the client's
	// name again, or if that is none, Hello. A server that does not trust this
	// client with XCLIENT, and so does not offer it, is an error. The connection is for
	// that client alone; a Transport must not serve several with it.
	OnBehalfOf *auth.ConnectionState

	// Dialer makes the connection for Dial and Send. Nil means to connect by
	// whichever address of the host answers first: each is tried for a quarter of
	// a second before the next is tried beside it, IPv6 and IPv4 in turn (RFC 8305).
	Dialer Dialer

	// Timeout limits the wait for the connection, for the TLS handshake, for each whole
	// reply, however many lines it has and however slowly they drip, and for each 32
	// KiB that the server has to take. All the replies to one envelope together, and
	// all of the set-up, may take ten times as long. Zero means 5 minutes, which is
	// what RFC 5321 section 4.5.3.2 asks for.
	Timeout time.Duration

	// DataTimeout limits the wait for the reply to the end of the data. To give
	// up early here leaves the outcome unknown. Zero means 10 minutes, as RFC
	// 5321 section 4.5.3.2.6 asks, or Timeout if that is longer.
	DataTimeout time.Duration

	// MinRate is the least rate, in octets per second, at which the server has
	// to take a body, on the average and beyond the first Timeout. The time it
	// takes to read the body does not count. Zero means 100.
	MinRate int

	// RequireAllRecipients gives up before the data unless every recipient is
	// accepted, at the price of a round trip more. The default is to send to
	// those who are.
	RequireAllRecipients bool

	// PRDR asks for an answer for each of several recipients where the server offers
	// that (draft-hall-prdr). It has no effect on LMTP, which always gives them.
	PRDR bool

	// ToASCII returns the A-labels of a domain, as golang.org/x/net/idna.Lookup.ToASCII
	// does. It is asked where a server lacks SMTPUTF8, for the domain of an address
	// whose local part is ASCII. Nil, and an error, mean to refuse such an address
	// with an ExtensionError. It must be safe for concurrent use.
	ToASCII func(domain string) (string, error)

	// NormalizeLineEnds sends a CR or LF that stands alone in a body as CRLF.
	// The default is to refuse such a body, as it cannot be sent as it is (RFC
	// 5321 section 2.3.8). What has been signed must not be normalized.
	NormalizeLineEnds bool

	// AllowLongLines sends a body with lines of more than 998 octets as it is,
	// which some servers refuse or break up. The default is to refuse it (RFC
	// 5321 section 4.5.3.1.6).
	AllowLongLines bool

	// NoChunking sends by DATA also where the server offers CHUNKING.
	NoChunking bool

	// Transcript, if not nil, is given the dialogue, a line in each Write: "C: "
	// or "S: " before the text, without credentials and bodies. Writes come one
	// at a time from one Client; a slow Transcript makes a slow Client.
	Transcript io.Writer
}

// Dialer makes network connections. [*net.Dialer] is one; proxies offer others.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	defaultTimeout     = 5 * time.Minute
	defaultDataTimeout = 10 * time.Minute
)

func (cfg *ClientConfig) protocol() auth.Protocol {
	if cfg.Protocol == "" {
		return auth.SMTP
	}
	return cfg.Protocol
}

func (cfg *ClientConfig) timeout() time.Duration {
	if cfg.Timeout > 0 {
		return min(cfg.Timeout, forever)
	}
	return defaultTimeout
}

func (cfg *ClientConfig) dataTimeout() time.Duration {
	if cfg.DataTimeout > 0 {
		return min(cfg.DataTimeout, forever)
	}
	return max(defaultDataTimeout, cfg.timeout())
}

// Client is one connection to an SMTP or LMTP server, ready to send any number of
// messages one after the other. Make it by [Dial] or [NewClient].
//
// A Client is safe for concurrent use: its operations wait for each other, but
// for [Client.Start] and [Client.SendAll], which do not wait for answers. An
// operation whose context ends, that times out, or that finds the server out of
// step breaks the connection for good, and all later ones return [ErrBroken].
// A reply that merely refuses leaves it usable.
type Client struct {
	cfg     *ClientConfig // a copy, and not printed with the Client, for the sake of the credentials
	host    string        // the name that the certificate has to bear
	secured bool          // the connection came with TLS
	id      string
	conn    *conn.Conn
	turn    chan struct{} // filled by the operation that writes
	broken  breakage

	last     <-chan struct{} // closed when every message that was begun by Start has its answer; nil if none was
	underWay chan struct{}   // filled by what is under way
	serial   atomic.Int64    // of the last transaction begun
	open     atomic.Int64    // the serial of a transaction that the server may still hold; 0 if there is none

	tracing sync.Mutex // for writes to the transcript: a body is sent while its answer is awaited

	// What follows is set up before NewClient returns and then fixed.
	greeting   string
	serverName string // as the server gave it in its greeting to EHLO or HELO
	extensions smtpwire.Extensions
	identity   *auth.Identity

	// What follows belongs to whoever is the one to read.
	reply reply     // the last one read
	until time.Time // when all the replies of a phase have to be there; zero: whenever

	// What follows belongs to the operation that writes.
	dot     textwire.DotWriter // the body's
	scratch []byte             // for commands
}

// breakage remembers why a connection is of no use any more.
type breakage struct {
	mu   sync.Mutex
	err  error  // wraps ErrBroken or ErrClientClosed; the first stays
	left *Error // the 421 that was the server's last word; nil if there was none
}

func (b *breakage) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

func (b *breakage) get() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// leave remembers that the server has taken leave.
func (b *breakage) leave(farewell *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = farewell
}

// farewell returns the words with which the server has taken leave; nil if it has not.
func (b *breakage) farewell() *Error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}

// Dial connects to an SMTP server and sets the connection up: greeting, EHLO, TLS and
// authentication as cfg says. A nil cfg is a zero one.
//
// The address is host:port. Without a port it is 465 for ImplicitTLS, 587 for StartTLS,
// which are those of message submission (RFC 8314 section 3), and 25 for the other
// modes; for LMTP it is 24. An address that begins with a slash is the path of a Unix
// socket, whose server is "localhost" to TLS. When ctx ends before Dial returns, Dial
// fails; later it has no influence.
//
// A reply that refuses is an [*Error] in the error's chain; see also [ProtocolError]
// and [ExtensionError], and [SafeToRetry].
func Dial(ctx context.Context, addr string, cfg *ClientConfig) (*Client, error) {
	if cfg == nil {
		cfg = &ClientConfig{}
	}
	host, port, err := splitAddr(addr, cfg)
	if err != nil {
		return nil, &opError{"connect", err}
	}
	network, target := "tcp", net.JoinHostPort(host, port)
	if port == "" {
		network, target, host = "unix", host, "localhost"
	}
	nc, err := cfg.dial(ctx, network, target)
	if err != nil {
		return nil, &opError{"connect", err}
	}
	return NewClient(ctx, nc, host, cfg)
}

func (cfg *ClientConfig) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := cfg.Dialer
	if dialer == nil {
		dialer = &conn.Racer{}
	}
	limited, cancel := context.WithTimeout(ctx, cfg.timeout())
	defer cancel()
	nc, err := dialer.DialContext(limited, network, addr)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nc, err
}

// splitAddr takes an address apart and completes it with the usual port. The path
// of a socket is a host without one.
func splitAddr(addr string, cfg *ClientConfig) (host, port string, err error) {
	if strings.HasPrefix(addr, "/") {
		return addr, "", nil
	}
	return conn.SplitAddr(addr, cfg.port())
}

func (cfg *ClientConfig) port() string {
	switch {
	case cfg.Protocol == auth.LMTP:
		return "24" // RFC 2033 section 5: never 25
	case cfg.TLS == ImplicitTLS:
		return "465"
	case cfg.TLS == StartTLS:
		return "587"
	}
	return "25"
}

// NewClient is [Dial] on a connection that is there already. The Client begins
// TLS itself, if the mode is ImplicitTLS at once, unless that is the mode and nc
// is a [*tls.Conn]. serverName is the name that the server's certificate has to
// bear, unless cfg says another. The connection belongs to the Client from now
// on, and is closed if NewClient fails.
func NewClient(ctx context.Context, nc net.Conn, serverName string, cfg *ClientConfig) (*Client, error) {
	if cfg == nil {
		cfg = &ClientConfig{}
	}
	_, secured := nc.(*tls.Conn)
	own := *cfg
	c := &Client{
		secured:  secured,
		cfg:      &own,
		host:     serverName,
		id:       rand.Text(),
		conn:     conn.New(nc, conn.Config{Timeout: cfg.timeout(), HandshakeTimeout: cfg.timeout(), Transcript: cfg.Transcript}),
		turn:     make(chan struct{}, 1),
		underWay: make(chan struct{}, maxUnderWay),
	}
	if err := c.acquire(ctx); err != nil {
		c.conn.Close()
		return nil, &opError{"connect", err}
	}
	defer c.yield()
	defer c.rest()
	release := c.conn.Bind(ctx)
	defer release()
	if err := c.setUp(ctx); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

// setUp brings the connection to where mail can be sent.
func (c *Client) setUp(ctx context.Context) error {
	defer c.limit(c.cfg.timeout())()
	if c.cfg.TLS == ImplicitTLS && !c.secured {
		if err := c.handshake(ctx); err != nil {
			return err
		}
	}
	if err := c.readGreeting(); err != nil {
		return err
	}
	if err := c.sayHello(); err != nil {
		return err
	}
	if c.cfg.TLS == StartTLS || c.cfg.TLS == InsecureOpportunisticTLS {
		if err := c.startTLS(ctx); err != nil {
			return err
		}
	}
	if c.cfg.OnBehalfOf != nil {
		if err := c.announce(c.cfg.OnBehalfOf); err != nil {
			return err
		}
	}
	if c.cfg.Auth != nil {
		return c.authenticate(ctx)
	}
	return nil
}

// leave says QUIT, if the server can still be told, and does not wait for the
// answer (RFC 5321 section 4.1.1.10).
func (c *Client) leave() {
	if c.broken.get() == nil {
		_ = c.writeLines([]byte("QUIT\r\n"))
	}
	c.Close()
}

// Close cuts the connection at once, also under the hands of an operation that
// is under way, which then fails. It may be called more than once. To leave
// properly call Quit first.
func (c *Client) Close() error {
	c.broken.set(ErrClientClosed)
	c.conn.Close()
	return nil
}

// ConnectionState returns what is known about the connection. Hello is the
// name the server gave.
func (c *Client) ConnectionState() auth.ConnectionState {
	return auth.ConnectionState{
		ID:         c.id,
		Protocol:   c.cfg.protocol(),
		LocalAddr:  c.conn.LocalAddr(),
		RemoteAddr: c.conn.RemoteAddr(),
		Hello:      c.serverName,
		TLS:        c.conn.TLS(),
		Identity:   c.identity,
	}
}

var _ auth.ConnectionStater = (*Client)(nil)

// String names the connection, for logs: not the credentials, nor anything that was said.
func (c *Client) String() string { return "smtp client " + c.id }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Extension reports whether the server offers a service extension, and its
// parameters, a blank between two. The keyword is compared without regard to
// ASCII case. What was offered before STARTTLS does not count.
func (c *Client) Extension(keyword string) (params string, ok bool) {
	return c.extensions.Lookup(keyword)
}

// Greeting returns the text the server began with, without its code. It is
// empty if TLS began later: what comes in cleartext is forgotten (RFC 3207
// section 4.2).
func (c *Client) Greeting() string { return c.greeting }

// acquire waits until no other operation is under way, and refuses if the
// connection is of no use. It does not break the connection. The operation
// calls yield when it is done.
func (c *Client) acquire(ctx context.Context) error {
	if err := c.takeTurn(ctx); err != nil || c.last == nil {
		return err
	}
	select {
	case <-c.last:
	case <-ctx.Done():
		c.yield()
		return context.Cause(ctx)
	}
	c.last = nil
	if err := c.broken.get(); err != nil {
		c.yield()
		return err
	}
	return nil
}

// takeTurn waits until no other operation writes. There may be answers that are
// not read yet.
func (c *Client) takeTurn(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := c.conn.Err(); err != nil && c.broken.get() == nil {
		_ = c.fail(err) // a context that ended when its operation was over already
	}
	if err := c.broken.get(); err != nil {
		c.yield()
		return err
	}
	return nil
}

func (c *Client) yield() { <-c.turn }

// fail breaks the connection because of err, which it returns.
func (c *Client) fail(err error) error {
	c.spoil(err)
	c.conn.Close()
	return err
}

// spoil has nothing more be sent, because of err. What is to come can still be read.
func (c *Client) spoil(err error) {
	c.broken.set(fmt.Errorf("%w: %s", ErrBroken, unprefixed(err)))
}
