package pop3_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// again is a connection on which, after the greeting, the same reply arrives to
// every command.
type again struct {
	segments
	reply []byte
	rest  []byte
}

func (a *again) Read(p []byte) (int, error) {
	if len(a.segments.rest) > 0 {
		return a.segments.Read(p)
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

func (a *again) Write(p []byte) (int, error) {
	if len(a.segments.rest) == 0 {
		a.rest = a.reply
	}
	return len(p), nil
}

// BenchmarkClientRetr is a message of 10 MB without a network: the client's own work.
func BenchmarkClientRetr(b *testing.B) {
	const size = 10 << 20
	for name, line := range map[string]string{
		"plain":  strings.Repeat("x", 76) + "\r\n",
		"dotted": ".." + strings.Repeat("x", 74) + "\r\n",
	} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat(line, size/len(line))
			conn := &again{reply: []byte("+OK\r\n" + text + ".\r\n")}
			conn.segments.rest = []string{"+OK\r\n", "-ERR\r\n"}
			c, err := pop3.NewClient(b.Context(), conn, "", &cleartext)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				body, err := c.Retr(b.Context(), 1)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClientFetch is a thousand messages of 10 KB from our own server over the
// loopback interface, in TLS.
func BenchmarkClientFetch(b *testing.B) {
	const count, size = 1000, 10_000
	for _, window := range []int{64, 1} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			s := pop3test.NewServer(b)
			messages := make([][]byte, count)
			for i := range messages {
				messages[i] = bytes.Repeat([]byte(strings.Repeat("x", 76)+"\r\n"), size/78)
			}
			s.SetMessages("user", messages)
			cfg := s.ClientConfig("user")
			cfg.Window = window
			c, err := pop3.Dial(b.Context(), s.Addr, cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			if _, err := c.List(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(count * size)
			b.ReportAllocs()
			for b.Loop() {
				for m, err := range c.Fetch(b.Context(), upTo(count)) {
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, m); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkClientUIDL is the reply of a maildrop of a hundred thousand messages.
func BenchmarkClientUIDL(b *testing.B) {
	const count = 100_000
	var text bytes.Buffer
	text.WriteString("+OK\r\n")
	for i := range count {
		fmt.Fprintf(&text, "%d 000000%08x4f3a2b1c\r\n", i+1, i)
	}
	text.WriteString(".\r\n")
	conn := &again{reply: text.Bytes()}
	conn.segments.rest = []string{"+OK\r\n", "-ERR\r\n"}
	c, err := pop3.NewClient(b.Context(), conn, "", &cleartext)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.UIDL(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkClientSlowLink is a whole session, from the greeting to QUIT, that brings
// a thousand messages of 10 KB over a link with a round trip of 20 ms, in TLS.
func BenchmarkClientSlowLink(b *testing.B) {
	const count, size = 1000, 10_000
	for _, window := range []int{0, 64, 1} {
		b.Run(fmt.Sprint("window=", window), func(b *testing.B) {
			s := pop3test.NewMemoryServer(b)
			messages := make([][]byte, count)
			for i := range messages {
				messages[i] = bytes.Repeat([]byte(strings.Repeat("x", 76)+"\r\n"), size/78)
			}
			s.SetMessages("user", messages)
			cfg := s.ClientConfig("user")
			link := &farAway{server: s, roundTrip: 20 * time.Millisecond}
			cfg.Window, cfg.Dialer = window, link
			for b.Loop() {
				c, err := pop3.Dial(b.Context(), s.Addr, cfg)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Index(b.Context()); err != nil {
					b.Fatal(err)
				}
				for m, err := range c.Fetch(b.Context(), upTo(count)) {
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(io.Discard, m); err != nil {
						b.Fatal(err)
					}
				}
				if err := c.Quit(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			link.roads.Wait()
		})
	}
}
