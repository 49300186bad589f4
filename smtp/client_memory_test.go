package smtp_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// tireless is a server that begins honestly and then says the same for ever,
// whatever it is sent.
type tireless struct {
	net.Conn    // nil
	begin, text string
	said        int // octets of text
}

func (s *tireless) Read(b []byte) (int, error) {
	n := copy(b, s.begin)
	s.begin = s.begin[n:]
	for n < len(b) {
		m := copy(b[n:], s.text[s.said%len(s.text):])
		n, s.said = n+m, s.said+m
	}
	return n, nil
}

func (*tireless) Write(b []byte) (int, error)      { return len(b), nil }
func (*tireless) Close() error                     { return nil }
func (*tireless) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*tireless) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (*tireless) SetDeadline(time.Time) error      { return nil }
func (*tireless) SetReadDeadline(time.Time) error  { return nil }
func (*tireless) SetWriteDeadline(time.Time) error { return nil }

// What a server says that never ends costs the client, by itself, less than a
// mebibyte in all, freed or not, and is given up at the limits.
func TestClient_EndlessRepliesCostNoMemory(t *testing.T) {
	most := uint64(1 << 20)
	if race {
		most *= 4 // pools throw away much of what they are given, to see what happens
	}
	hello, offers := "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
	for at, begin := range map[string]string{
		"greeting": "", "EHLO": hello, "MAIL": hello + offers, "RCPT": hello + offers + "250 ok\r\n", "BDAT": hello + offers + "250 ok\r\n250 ok\r\n",
	} {
		for what, text := range map[string]string{
			"lines":      "250-on and on\r\n",
			"long lines": "250-" + strings.Repeat("x", 2042) + "\r\n",
			"a line":     "250-x",
			"NULs":       "\x00",
			"nothing":    "\r\n",
			"replies":    "250 ok\r\n",
			"8-bit":      "250-\xff\x1b[2J\r\n",
		} {
			s := &tireless{begin: begin, text: text}
			env := post(t, "b")
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			c, err := smtp.NewClient(context.Background(), s, "", &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Hello: "c"})
			if err == nil {
				_, err = c.Send(context.Background(), env, strings.NewReader("x\r\n"))
				c.Close()
			}
			runtime.ReadMemStats(&after)
			require.Error(t, err, "%s at %s", what, at)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, most, "%s at %s", what, at)
			require.Less(t, s.said, 1<<20, "%s at %s", what, at)
		}
	}
}
