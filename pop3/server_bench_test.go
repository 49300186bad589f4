package pop3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// scriptConn is a client in memory that costs as little as can be: it sends
// commands, pipelined, a number of times, and counts what it is sent.
type scriptConn struct {
	rest, command string
	count         int // how often command is to follow rest, and then QUIT
	received      int64
	done          chan struct{}
}

func (c *scriptConn) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if c.rest == "" {
			switch c.count--; {
			case c.count >= 0:
				c.rest = c.command
			case c.count == -1:
				c.rest = "QUIT\r\n"
			case n == 0:
				return 0, io.EOF
			default:
				return n, nil
			}
		}
		k := copy(p[n:], c.rest)
		c.rest = c.rest[k:]
		n += k
	}
	return n, nil
}

func (c *scriptConn) Write(p []byte) (int, error) {
	c.received += int64(len(p))
	return len(p), nil
}

func (c *scriptConn) Close() error {
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	return nil
}

func (c *scriptConn) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 110} }

func (c *scriptConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5000}
}
func (c *scriptConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptConn) SetWriteDeadline(time.Time) error { return nil }

// oneConn is a Listener of one connection.
type oneConn struct {
	conns chan net.Conn
	stop  chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.stop:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// benchmark has a session answer commands b.N times.
func benchmark(b *testing.B, store *dropStore, commands string) {
	b.Helper()
	srv := &pop3.Server{Auth: &auth.Server{Passwords: testPasswords, InsecureAllowCleartext: true}, Store: store}
	ln := &oneConn{make(chan net.Conn, 1), make(chan struct{})}
	go srv.Serve(ln)
	defer srv.Close()
	c := &scriptConn{
		rest: "USER mrose\r\nPASS tanstaaf\r\n", command: commands, count: b.N, done: make(chan struct{}),
	}
	b.ReportAllocs()
	b.ResetTimer()
	ln.conns <- c
	<-c.done
	b.StopTimer()
	if c.received < int64(b.N) {
		b.Fatal("not answered")
	}
}

func BenchmarkServerCommand(b *testing.B) {
	for _, commands := range []string{"NOOP", "STAT", "LIST 2", "UIDL 2", "CAPA", "DELE 1\r\nRSET"} {
		b.Run(strings.ReplaceAll(commands, "\r\n", "+"), func(b *testing.B) {
			benchmark(b, newDropStore(), commands+"\r\n")
		})
	}
}

func BenchmarkServerListing(b *testing.B) {
	list := make([]pop3.Info, 1_000_000)
	for i := range list {
		list[i] = pop3.Info{UID: strconv.Itoa(i) + ".1780000000.M123456P789.example", Size: 4096}
	}
	store := newDropStore()
	store.list = func(context.Context) ([]pop3.Info, error) { return list, nil }
	for _, command := range []string{"LIST", "UIDL"} {
		b.Run(command, func(b *testing.B) { benchmark(b, store, command+"\r\n") })
	}
}

func BenchmarkServerRetr(b *testing.B) {
	const size = 10_000_000
	plainLine := strings.Repeat("x", 74) + "\r\n"
	dottedLine := "." + plainLine[1:]
	plain := strings.Repeat(plainLine, size/len(plainLine))
	for _, tt := range []struct {
		name     string
		text     string
		messages int
		reader   bool // the source has no WriterTo
	}{
		{"10MB", plain, 1, false},
		{"10MB-dots", strings.Repeat(plainLine+dottedLine, size/len(plainLine)/2), 1, false},
		{"10MB-all-dots", strings.Repeat(dottedLine, size/len(dottedLine)), 1, false},
		{"10MB-reader", plain, 1, true},
		{"1000x10KB", plain[:10_000/len(plainLine)*len(plainLine)], 1000, false},
	} {
		b.Run(tt.name, func(b *testing.B) {
			store := newDropStore()
			store.drops["mrose"] = nil
			text := []byte(tt.text)
			var commands strings.Builder
			for n := range tt.messages {
				store.drops["mrose"] = append(store.drops["mrose"], mail{uid: strconv.Itoa(n), text: tt.text})
				fmt.Fprintf(&commands, "RETR %d\r\n", n+1)
			}
			store.message = func(context.Context, pop3.Info) (io.ReadCloser, error) {
				if tt.reader {
					return io.NopCloser(onlyReader{bytes.NewReader(text)}), nil
				}
				return io.NopCloser(bytes.NewReader(text)), nil
			}
			b.SetBytes(int64(len(tt.text) * tt.messages))
			benchmark(b, store, commands.String())
		})
	}
}
