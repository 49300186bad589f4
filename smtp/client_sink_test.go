package smtp

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/textwire"
)

// sink is a server that accepts all, and remembers what it accepted.
type sink struct {
	conn     net.Conn
	silent   bool     // about the data
	messages []string // whole ones, read to their end
	rest     string   // the octets of a message that did not end
	done     chan struct{}
}

const sinkHello = "250-mx.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n"

// newSink serves conn until it ends. It is to be waited for by its done.
func newSink(conn net.Conn) *sink {
	s := &sink{conn: conn, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer conn.Close()
		s.serve()
	}()
	return s
}

func (s *sink) serve() {
	r, w := textwire.NewReader(s.conn), textwire.NewWriter(s.conn)
	w.WriteString("220 mx.example.org\r\n")
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		line, err := r.ReadLine(1000)
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(string(line), " "); verb {
		case "EHLO":
			w.WriteString(sinkHello)
		case "DATA":
			w.WriteString("354 go\r\n")
			if w.Flush() != nil || !s.data(r) {
				return
			}
			w.WriteString("250 queued\r\n")
		default:
			w.WriteString("250 ok\r\n")
		}
	}
}

func (s *sink) data(r *textwire.Reader) bool {
	var b strings.Builder
	d := textwire.NewDotReader(r, textwire.Transparent)
	if _, err := d.WriteTo(&b); err != nil {
		s.rest = b.String()
		return false
	}
	s.messages = append(s.messages, b.String())
	return !s.silent
}

// pipe returns the ends of a connection, which is closed when the test ends,
// whatever way that goes.
func pipe(t testing.TB) (near, far *testnet.Conn) {
	near, far = testnet.Pipe()
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// sinking returns a client of a new sink.
func sinking(t testing.TB, cfg ClientConfig) (*Client, *sink) {
	t.Helper()
	near, far := pipe(t)
	s := newSink(far)
	cfg.TLS, cfg.Hello = InsecureNoTLS, "client.example.org"
	c, err := NewClient(t.Context(), near, "", &cfg)
	require.NoError(t, err)
	return c, s
}

// lines is a text of n octets at least, and ends with a line.
func lines(n int) string {
	return strings.Repeat("a line like any other, with a dot at the end.\r\n", n/47+1)
}
