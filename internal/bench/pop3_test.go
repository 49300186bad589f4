package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// popServer serves one user with messages in memory, and returns a connection
// that has logged in.
func popServer(b *testing.B, messages ...[]byte) *popSession {
	b.Helper()
	store := maildrop.NewMemory()
	for _, m := range messages {
		store.Add("bob", m)
	}
	srv := &pop3.Server{
		Hostname: "bench.example.test",
		Store:    store,
		Auth:     &auth.Server{Passwords: auth.Passwords{"bob": "secret"}, InsecureAllowCleartext: true},
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go srv.Serve(ln)
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		nc.Close()
		srv.Close()
	})
	s := &popSession{nc, bufio.NewReaderSize(nc, 1<<16)}
	s.status(b)
	for _, line := range []string{"USER bob\r\n", "PASS secret\r\n"} {
		s.write(b, line)
		s.status(b)
	}
	return s
}

type popSession struct {
	net.Conn
	r *bufio.Reader
}

func (s *popSession) write(b *testing.B, line string) {
	if _, err := s.Write([]byte(line)); err != nil {
		b.Fatal(err)
	}
}

func (s *popSession) status(b *testing.B) {
	line, err := s.r.ReadSlice('\n')
	if err != nil || line[0] != '+' {
		b.Fatalf("the server said %q, %v", line, err)
	}
}

// skip reads n octets of a body.
func (s *popSession) skip(b *testing.B, n int) {
	if _, err := s.r.Discard(n); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRetr is one message of 10 MB, over and over.
func BenchmarkRetr(b *testing.B) {
	for _, dots := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "dotted"}[dots], func(b *testing.B) {
			wire := body(10<<20, dots) // stuffed, with its end
			text := bytes.ReplaceAll(bytes.TrimSuffix(wire, []byte(".\r\n")), []byte("\n.."), []byte("\n."))
			s := popServer(b, text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				s.write(b, "RETR 1\r\n")
				s.status(b)
				s.skip(b, len(wire))
			}
		})
	}
}

// BenchmarkRetrMany is 1,000 messages of 10 KB, asked for 50 at a time.
func BenchmarkRetrMany(b *testing.B) {
	wire := body(10_000, false)
	text := bytes.TrimSuffix(wire, []byte(".\r\n"))
	messages := make([][]byte, 1000)
	for i := range messages {
		messages[i] = text
	}
	s := popServer(b, messages...)
	var groups []string
	for i := 0; i < len(messages); i += 50 {
		var g strings.Builder
		for n := i + 1; n <= i+50; n++ {
			fmt.Fprintf(&g, "RETR %d\r\n", n)
		}
		groups = append(groups, g.String())
	}
	b.SetBytes(int64(len(messages) * len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for _, g := range groups {
			s.write(b, g)
			for range 50 {
				s.status(b)
				s.skip(b, len(wire))
			}
		}
	}
}
