package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/posthouse/posthouse/smtp"
)

// contestant is a server that takes every message and discards it.
type contestant struct {
	name  string
	serve func(ln net.Listener) (stop func())
}

var smtpServers = []contestant{
	{"posthouse", servePosthouse},
	{"go-smtp", serveGoSMTP},
}

func servePosthouse(ln net.Listener) (stop func()) {
	srv := &smtp.Server{
		Hostname:        "bench.example.test",
		Local:           func(context.Context, smtp.Address) bool { return true },
		MaxMessageBytes: 64 << 20,
		MaxConns:        20_000,
		MaxConnsPerAddr: 20_000,
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	go srv.Serve(ln)
	return func() { srv.Close() }
}

func serveGoSMTP(ln net.Listener) (stop func()) {
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) { return discard{}, nil }))
	srv.Domain = "bench.example.test"
	srv.MaxMessageBytes = 64 << 20
	go srv.Serve(ln)
	return func() { srv.Close() }
}

type discard struct{}

func (discard) Reset()                                 {}
func (discard) Logout() error                          { return nil }
func (discard) Mail(string, *gosmtp.MailOptions) error { return nil }
func (discard) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (discard) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// session is one connection of the load, greeted.
type session struct {
	net.Conn
	r *bufio.Reader
}

func dial(tb testing.TB, addr string) *session {
	tb.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	s := &session{nc, bufio.NewReaderSize(nc, 1<<16)}
	s.expect(tb, 1)
	s.write(tb, []byte("EHLO load.example.test\r\n"))
	s.expect(tb, 1)
	return s
}

func (s *session) write(tb testing.TB, p []byte) {
	if _, err := s.Write(p); err != nil {
		tb.Fatal(err)
	}
}

// expect reads n replies, each of which must be a success.
func (s *session) expect(tb testing.TB, n int) {
	for n > 0 {
		line, err := s.r.ReadSlice('\n')
		if err != nil {
			tb.Fatal(err)
		}
		if line[0] != '2' && line[0] != '3' {
			tb.Fatalf("the server said %q", line)
		}
		if line[3] == ' ' {
			n--
		}
	}
}

const envelope = "MAIL FROM:<sender@example.test>\r\nRCPT TO:<recipient@example.test>\r\nDATA\r\n"

// body returns a message of about size octets in lines of 78, ready for the
// wire. With dots, every second line begins with one.
func body(size int, dots bool) []byte {
	b := []byte("Subject: load\r\n\r\n")
	line := strings.Repeat("x", 76) + "\r\n"
	for i := 0; len(b) < size; i++ {
		if dots && i%2 == 1 {
			b = append(b, ".."...)
			b = append(b, line[2:]...)
			continue
		}
		b = append(b, line...)
	}
	return append(b, ".\r\n"...)
}

// BenchmarkTransaction is a 1 KB message with its envelope in one write and its
// data in the next, as a pipelining client sends it.
func BenchmarkTransaction(b *testing.B) {
	perServer(b, smtpServers, func(b *testing.B, addr string) {
		s := dial(b, addr)
		defer s.Close()
		data := body(1000, false)
		b.ReportAllocs()
		for b.Loop() {
			s.write(b, []byte(envelope))
			s.expect(b, 3)
			s.write(b, data)
			s.expect(b, 1)
		}
	})
}

// BenchmarkGroup is a body and the next envelope in one write, as RFC 2920
// allows: one round trip a message.
func BenchmarkGroup(b *testing.B) {
	perServer(b, smtpServers, func(b *testing.B, addr string) {
		s := dial(b, addr)
		defer s.Close()
		group := append(body(1000, false), envelope...)
		s.write(b, []byte(envelope))
		s.expect(b, 3)
		b.ReportAllocs()
		for b.Loop() {
			s.write(b, group)
			s.expect(b, 4)
		}
	})
}

// BenchmarkData is one message of 10 MB.
func BenchmarkData(b *testing.B) {
	for _, dots := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "dotted"}[dots], func(b *testing.B) {
			data := body(10<<20, dots)
			perServer(b, smtpServers, func(b *testing.B, addr string) {
				s := dial(b, addr)
				defer s.Close()
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					s.write(b, []byte(envelope))
					s.expect(b, 3)
					s.write(b, data)
					s.expect(b, 1)
				}
			})
		})
	}
}

func perServer(b *testing.B, servers []contestant, load func(b *testing.B, addr string)) {
	for _, c := range servers {
		b.Run(c.name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			stop := c.serve(ln)
			defer stop()
			load(b, ln.Addr().String())
		})
	}
}

// TestContestantsTakeTheLoads keeps the loads honest: each server accepts each
// of them.
func TestContestantsTakeTheLoads(t *testing.T) {
	for _, c := range smtpServers {
		for _, data := range [][]byte{body(1000, false), body(100_000, true)} {
			t.Run(fmt.Sprint(c.name, len(data)), func(t *testing.T) {
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer c.serve(ln)()
				s := dial(t, ln.Addr().String())
				defer s.Close()
				s.write(t, []byte(envelope))
				s.expect(t, 3)
				s.write(t, bytes.Clone(data))
				s.expect(t, 1)
			})
		}
	}
}
