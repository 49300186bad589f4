package pop3

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// ClientConfig says how a [Client] connects, and what it puts up with. The zero
// value, and a nil pointer, requires STLS with a certificate that the system
// trusts, and does not log in. It is not changed by the client, and may be
// shared. A number of zero or less stands for what is said of zero.
type ClientConfig struct {
	// TLS is how the connection is protected. Zero requires STLS.
	TLS TLSMode

	// TLSConfig is for the handshake. Nil trusts the system's roots. An empty
	// ServerName means the host that was dialled; TLS before 1.2 is not spoken.
	TLSConfig *tls.Config

	// Auth is what the client logs in with. Nil does not log in: the session
	// then stays in the AUTHORIZATION state.
	Auth auth.Credentials

	// InsecureAPOP logs in by APOP, if the server's greeting has a timestamp and
	// Auth is a password, rather than by any other way. It spares the
	// password a walk over the network, and is safe nowhere: who reads
	// along can try passwords on what was sent, and MD5 is broken. The timestamp
	// must be a msg-id to the letter (CVE-2007-1558). Without one, and in the
	// hands of somebody who takes it out, the login goes as it would
	// without this field.
	InsecureAPOP bool

	// NoInitialResponse sends AUTH and the first response of a mechanism in two
	// lines, always. Otherwise that is done only if one line would have more
	// than 255 octets (RFC 5034 section 4). There are servers that refuse one
	// line, with XOAUTH2 above all.
	NoInitialResponse bool

	// ASCIIOnly does not ask for UTF-8 mode (RFC 6856) where it is offered. The
	// server then refuses to give messages with UTF-8 in their headers, by
	// [CodeUTF8], or gives something else in their stead.
	ASCIIOnly bool

	// MissingCRLF takes a dot and CRLF for the end of a message where they stand
	// at the end of its last line, instead of on a line of their own. There are
	// servers that send a message so that does not end in CRLF, and a client
	// waits for ever. To be taken, the message must have at this place the size
	// that the last List or Index has said, and nothing may follow but the next
	// reply. Who sets this trusts the server's sizes.
	MissingCRLF bool

	// Dialer connects; [*net.Dialer] is one. Nil connects within a minute by whichever
	// address of the host answers first: each is tried for a quarter of a second before
	// the next is tried beside it, IPv6 and IPv4 in turn (RFC 8305).
	Dialer interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}

	// Timeout is how long the client waits for a line, for a write, and for
	// the next octets of a body. Zero is five minutes: there are maildrops
	// that take minutes to open. A TLS handshake has 10 seconds.
	Timeout time.Duration

	// MinRate is the least speed of a message or a list, in octets per second
	// over the time that the client waits for it, beyond the first Timeout: a
	// server that sends an octet a minute fails by it. The time that the
	// caller takes between two reads does not count. Zero is 100.
	MinRate int

	// MaxLine is the longest line, CRLF included, of any reply but a body.
	// RFC 2449 section 4 allows 512 octets. Zero is 2048.
	MaxLine int

	// MaxMessages is the most messages that a maildrop may have, and the
	// highest number of one. Zero is a million.
	MaxMessages int

	// MaxListBytes bounds the reply to LIST and to UIDL. Zero is 128 MiB.
	MaxListBytes int64

	// MaxMessage is the most octets that a body may have; of a longer one so many
	// are read, and the connection is given up. It does not depend on what LIST
	// says, which is often wrong. Zero is 1 GiB.
	MaxMessage int64

	// MaxDrain is how much of a body that the caller did not read to its end
	// is read and thrown away. When more is to come the connection is closed
	// instead. Zero is 4 MiB.
	MaxDrain int64

	// Window is how many commands may be ahead of their replies in Fetch,
	// FetchTop, Index, ListEach, UIDLEach and Dele, if the server allows it by
	// PIPELINING. Zero is 256; 1 waits for each reply, as is done with a
	// server that does not allow it. See also Client.Pipelining.
	Window int

	// WindowBytes bounds the messages that are ahead in a Fetch, by the sizes
	// that the last List or Index has said; one of unknown size counts as
	// 64 KiB. One message is always asked for. Zero is 2 MiB.
	WindowBytes int64

	// Transcript receives the dialogue, a line a Write: "C: " and "S: " and
	// the text, without passwords, responses of mechanisms and bodies.
	Transcript io.Writer
}

const (
	maxCapabilities = 256 // lines of a reply to CAPA
	dialTimeout     = time.Minute
)

// withDefaults returns a copy in which zeros have become what they mean.
func (cfg *ClientConfig) withDefaults() *ClientConfig {
	c := new(ClientConfig)
	if cfg != nil {
		*c = *cfg
	}
	if c.Dialer == nil {
		c.Dialer = quickest{}
	}
	setDefault(&c.Timeout, 5*time.Minute)
	setDefault(&c.MinRate, 100)
	setDefault(&c.MaxLine, 2048)
	setDefault(&c.MaxMessages, 1_000_000)
	setDefault(&c.MaxListBytes, 128<<20)
	setDefault(&c.MaxMessage, 1<<30)
	setDefault(&c.MaxDrain, 4<<20)
	setDefault(&c.Window, 256)
	setDefault(&c.WindowBytes, 2<<20)
	return c
}

// quickest is the Dialer that stands for none.
type quickest struct{}

func (quickest) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return new(conn.Racer).DialContext(limited, network, address)
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}

// Client is one session with a POP3 server.
//
// Its methods are for one goroutine at a time, except Close, which any may call.
// A context that ends while a method waits closes the connection.
//
// An error that is, or wraps, an [*Error] is a refusal by the server: the session
// goes on. So it does after an argument that cannot be sent, a context that
// had ended before anything was sent, and ErrFetching. Any other error means
// that the connection was given up, and all that follows returns [ErrBroken].
type Client struct {
	conn       *conn.Conn
	cfg        *ClientConfig // a copy, and not printed with the Client, for the sake of the credentials
	serverName string
	secured    bool // the connection came with TLS
	id         string
	line       []byte // of the command being made; kept for its capacity

	greeting string
	phase    auth.Phase
	identity *auth.Identity
	caps     pop3wire.Capabilities
	utf8     bool      // UTF-8 mode is on
	listed   []Listing // what List has said last, by message number

	dots     textwire.DotReader // of body
	body     *Body              // the one that has not been read to its end, if any
	fetching bool               // replies to a flight of commands are owed
	lockstep bool               // the server cannot do the pipelining that it offers
	meant    int                // refusals of pipelined commands that were doubted in vain

	mu     sync.Mutex
	broken error // why the connection was given up
}

var _ auth.ConnectionStater = (*Client)(nil)

// String names the connection, for logs: not the credentials, nor anything that was said.
func (c *Client) String() string { return "pop3 client " + c.id }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Dial connects to a server, upgrades to TLS as cfg.TLS says, logs in if there
// is cfg.Auth, and asks for the capabilities. addr is "host:port", or a host
// alone for port 110, or 995 with ImplicitTLS. The host is the name that the
// server's certificate must have.
//
// Errors are [ErrNoTLS], those of the handshake, an [*Error] when the server
// refused the connection or the login (see [Error.Is]), those of cfg.Auth, and
// what the network says.
func Dial(ctx context.Context, addr string, cfg *ClientConfig) (*Client, error) {
	c := cfg.withDefaults()
	usual := "110"
	if c.TLS == ImplicitTLS {
		usual = "995"
	}
	host, port, err := conn.SplitAddr(addr, usual)
	if err != nil {
		return nil, fmt.Errorf("pop3: %w", err)
	}
	nc, err := c.Dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("pop3: %w", err)
	}
	return NewClient(ctx, nc, host, c)
}

// NewClient is [Dial] over a connection that is there already. It owns nc, and
// closes it if it fails. With ImplicitTLS it begins TLS, unless nc is a
// [*tls.Conn]. serverName is the name that the server's certificate must have.
func NewClient(ctx context.Context, nc net.Conn, serverName string, cfg *ClientConfig) (*Client, error) {
	_, secured := nc.(*tls.Conn)
	c := &Client{
		cfg:        cfg.withDefaults(),
		serverName: serverName,
		secured:    secured,
		id:         rand.Text(),
		phase:      PhaseAuthorization,
	}
	c.conn = conn.New(nc, conn.Config{Timeout: c.cfg.Timeout, MinRate: c.cfg.MinRate, Transcript: c.cfg.Transcript})
	release := c.conn.Bind(ctx)
	defer release()
	if err := c.start(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// start goes from the first octet to the TRANSACTION state.
func (c *Client) start(ctx context.Context) error {
	if c.cfg.TLS == ImplicitTLS && !c.secured {
		if err := c.handshake(ctx); err != nil {
			return err
		}
	}
	st, err := c.readStatus("greeting")
	if err != nil {
		return err
	}
	c.greeting = printable(st.Text)
	if err := c.upgrade(ctx); err != nil {
		return err
	}
	if c.cfg.Auth == nil {
		return nil
	}
	if err := c.login(ctx); err != nil {
		return err
	}
	c.phase = PhaseTransaction
	return c.capa()
}

// Greeting returns the text of the server's first line.
func (c *Client) Greeting() string { return c.greeting }

// Pipelining reports whether commands are sent ahead of their replies where that
// is of use: the server offers it (RFC 2449 section 6.6), ClientConfig.Window
// allows it, and the server has not shown on this connection that it cannot do
// it. It has when it refuses a command that was sent ahead, and carries it out
// when it is sent again by itself: then it is spared for the rest of the
// connection, and nothing is lost. A server that breaks in another way takes the
// connection with it: see [PipelineError].
func (c *Client) Pipelining() bool {
	return c.cfg.Window > 1 && !c.lockstep && c.caps.Has(pop3wire.TagPipelining)
}

// ConnectionState returns what is known of the connection. Identity is nil
// until the login; its names are empty if the credentials do not tell them.
func (c *Client) ConnectionState() auth.ConnectionState {
	return auth.ConnectionState{
		ID:         c.id,
		Protocol:   auth.POP3,
		Phase:      c.phase,
		LocalAddr:  c.conn.LocalAddr(),
		RemoteAddr: c.conn.RemoteAddr(),
		TLS:        c.conn.TLS(),
		Identity:   c.identity,
	}
}

// Quit ends the session, upon which the server deletes what was marked, and
// closes the connection whatever comes of it. A nil error says that the server
// has deleted. An [*Error] says that it could not: some of the marked messages may
// be gone (RFC 1939 section 6). An [*UnknownError] says that QUIT was sent and
// the reply never came. With any other error QUIT was not sent, and nothing is
// deleted.
func (c *Client) Quit(ctx context.Context) error {
	defer c.Close()
	release, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := c.quiet(pop3wire.QUIT); err != nil {
		return err // and not an UnknownError: nothing was sent
	}
	deletes := c.phase == PhaseTransaction
	c.phase = PhaseUpdate
	_, err = c.exchange(pop3wire.QUIT, pop3wire.Bare{Verb: pop3wire.QUIT})
	if _, refused := err.(*Error); err != nil && !refused && deletes {
		err = &UnknownError{err}
	}
	return err
}

// Close cuts the connection. The server deletes nothing (RFC 1939 section 6).
func (c *Client) Close() error {
	c.mu.Lock()
	first := c.broken == nil
	if first {
		c.broken = errClosed
	}
	c.mu.Unlock()
	if !first {
		return nil
	}
	return c.conn.Close()
}
