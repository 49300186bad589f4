package smtp

import (
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/textwire"
)

// sink is a server that accepts all, and remembers what it accepted.
type sink struct {
	conn     net.Conn
	silent   bool     // about the data
	offers   []string // in place of PIPELINING, 8BITMIME and SIZE
	lmtp     bool
	refuse   func(line string) string // a reply in place of the usual one
	lines    []string                 // that it was sent
	messages []string                 // whole ones, read to their end
	rest     string                   // the octets of a message that did not end
	done     chan struct{}
}

const sinkHello = "250-mx.example.org\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n"

// newSink serves conn until it ends. It is to be waited for by its done.
func newSink(conn net.Conn) *sink { return (&sink{conn: conn}).start() }

func (s *sink) start() *sink {
	s.done = make(chan struct{})
	conn := s.conn
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
	recipients, refused := 0, false
	var chunks strings.Builder
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		line, err := r.ReadLine(1000)
		if err != nil {
			return
		}
		s.lines = append(s.lines, string(line))
		verb, args, _ := strings.Cut(string(line), " ")
		reply := "250 ok\r\n"
		if s.refuse != nil {
			if refusal := s.refuse(string(line)); refusal != "" {
				reply = refusal
			}
		}
		accepted := strings.HasPrefix(reply, "2")
		replies := 1
		switch verb {
		case "EHLO", "LHLO":
			reply = s.hello()
		case "MAIL":
			refused = !accepted
		case "RSET":
			recipients, chunks = 0, strings.Builder{}
		case "RCPT":
			if refused && accepted {
				reply, accepted = "503 no sender\r\n", false
			}
			if accepted {
				recipients++
			}
		case "DATA":
			if accepted && recipients == 0 {
				reply, accepted = "503 no recipients\r\n", false
			}
			if !accepted {
				break
			}
			w.WriteString("354 go\r\n")
			if w.Flush() != nil || !s.data(r) {
				return
			}
			reply = "250 queued\r\n"
			replies, recipients = s.answers(recipients), 0
		case "BDAT":
			number, last := strings.CutSuffix(args, " LAST")
			size, err := strconv.Atoi(number)
			if err != nil || !s.chunk(r, &chunks, size) {
				s.rest = chunks.String()
				return
			}
			if last && accepted && recipients == 0 {
				reply, accepted = "503 no recipients\r\n", false
			}
			if last && accepted {
				s.messages = append(s.messages, chunks.String())
				replies, recipients, chunks = s.answers(recipients), 0, strings.Builder{}
			}
		}
		for range replies {
			w.WriteString(reply)
		}
	}
}

func (s *sink) hello() string {
	if s.offers == nil {
		return sinkHello
	}
	return "250-" + strings.Join(append([]string{"mx.example.org"}, s.offers...), "\r\n250-") + "\r\n250 X-END\r\n"
}

// answers is how many there are to the end of the data.
func (s *sink) answers(recipients int) int {
	if s.lmtp {
		return recipients
	}
	return 1
}

func (s *sink) chunk(r io.Reader, chunks *strings.Builder, size int) bool {
	n, err := io.CopyN(chunks, r, int64(size))
	return err == nil && n == int64(size)
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

// sinking returns a client of a new sink that offers some extensions, or else the
// usual ones.
func sinking(t testing.TB, cfg ClientConfig, offers ...string) (*Client, *sink) {
	t.Helper()
	near, far := pipe(t)
	s := (&sink{conn: far, offers: offers, lmtp: cfg.Protocol == auth.LMTP}).start()
	cfg.TLS, cfg.Hello = InsecureNoTLS, "client.example.org"
	c, err := NewClient(t.Context(), near, "", &cfg)
	require.NoError(t, err)
	return c, s
}

// lines is a text of n octets at least, and ends with a line.
func lines(n int) string {
	return strings.Repeat("a line like any other, with a dot at the end.\r\n", n/47+1)
}
