package conn

import (
	"cmp"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/internal/textwire"
)

const (
	defaultTimeout          = 5 * time.Minute
	defaultHandshakeTimeout = 10 * time.Second
	defaultMinRate          = 100

	// longest is as good as for ever, and can be added to.
	longest = 100 * 365 * 24 * time.Hour
)

// Config says how a connection is to be treated. The zero Config is useful.
type Config struct {
	// Timeout is for a line, for a write, and for a body that stands still.
	// Zero means 5 minutes, the least that RFC 5321 section 4.5.3.2.7 allows a
	// server.
	Timeout time.Duration

	// HandshakeTimeout is for a whole TLS handshake. Zero means 10 seconds.
	HandshakeTimeout time.Duration

	// MinRate is the least average rate of a body, in octets per second, that
	// is asked for beyond the first Timeout. Zero means 100.
	MinRate int

	// Transcript, if not nil, is given what Trace is called with: one Write for
	// each line. It must be safe for concurrent use if several connections share
	// it. Its errors are ignored.
	Transcript io.Writer
}

// Conn is one connection. See the package for what may be used concurrently.
type Conn struct {
	link   link
	reader textwire.Reader
	writer textwire.Writer

	transcript io.Writer

	secured   atomic.Pointer[secured] // nil in cleartext
	closeOnce sync.Once
	closeErr  error
}

// New returns a connection over nc, which belongs to it from now on. An nc that
// is a *tls.Conn makes its handshake when it is first read from or written to.
func New(nc net.Conn, cfg Config) *Conn {
	c := &Conn{transcript: cfg.Transcript}
	c.link.nc = nc
	c.SetTimeout(cfg.Timeout)
	c.link.handshakeTimeout = min(cmp.Or(max(0, cfg.HandshakeTimeout), defaultHandshakeTimeout), longest)
	c.link.minRate = int64(cmp.Or(max(0, cfg.MinRate), defaultMinRate))
	if t, ok := nc.(*tls.Conn); ok {
		c.link.early = &early{tls: t}
		c.secured.Store(&secured{link: &c.link, tls: t})
	}
	c.reader.Reset(newSource(&c.link))
	c.writer.Reset(&c.link)
	return c
}

// ReadLine returns the next line without its CRLF; the line with it may have at
// most limit octets. The line is valid until the next read. All of it has to
// arrive within the timeout. The errors are those of textwire.Reader, and
// sticky.
func (c *Conn) ReadLine(limit int) ([]byte, error) {
	c.link.in.start()
	line, err := c.reader.ReadLine(limit)
	c.link.in.whole = false
	return line, err
}

// Reader returns the reader of lines, bodies and raw octets. It stays the same
// for the life of the connection.
func (c *Conn) Reader() *textwire.Reader { return &c.reader }

// Writer returns the writer, which gathers until Flush. It stays the same for
// the life of the connection.
func (c *Conn) Writer() *textwire.Writer { return &c.writer }

// Flush sends what the writer has gathered.
func (c *Conn) Flush() error { return c.writer.Flush() }

// BeginBody has reading and writing judged by progress until EndBody.
func (c *Conn) BeginBody() { c.link.setBody(true) }

// EndBody ends what BeginBody began.
func (c *Conn) EndBody() { c.link.setBody(false) }

// SetTimeout changes the timeout for what begins from now on. Zero stands for
// the default.
func (c *Conn) SetTimeout(d time.Duration) {
	c.SetReadTimeout(d)
	c.SetWriteTimeout(d)
}

// SetReadTimeout is SetTimeout for reading alone.
func (c *Conn) SetReadTimeout(d time.Duration) { c.link.setTimeout(&c.link.in, d) }

// SetWriteTimeout is SetTimeout for writing alone.
func (c *Conn) SetWriteTimeout(d time.Duration) { c.link.setTimeout(&c.link.out, d) }

// Socket reports whether this is a socket, which takes what is written, within
// reason, before the peer reads it.
func (c *Conn) Socket() bool { return c.link.peek != nil }

// Waiting reports whether the peer has sent something, or has closed, that no
// read has seen yet. It does not wait, and must not be called while anything
// reads. Where that cannot be told it reports what is buffered.
func (c *Conn) Waiting() bool {
	look := c.link.look()
	return c.reader.Buffered() > 0 || look != nil && look()
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.link.LocalAddr() }

// RemoteAddr returns the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.link.RemoteAddr() }

// Err returns what went wrong first with the connection itself: its end, a
// deadline, a cancelled context, Close. It knows nothing of lines that break
// the rules of the protocol, and nothing of Interrupt.
func (c *Conn) Err() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.link.first
}
