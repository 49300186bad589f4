package bench

import (
	"net"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// popServer serves one user with messages in memory, and returns a connection
// that has logged in.
func popServer(b *testing.B, messages ...[]byte) *load.POP3 {
	b.Helper()
	store := new(maildrop.Memory)
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
	p, err := load.DialPOP3(ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		p.Close()
		srv.Close()
	})
	if err := p.Login("bob", "secret"); err != nil {
		b.Fatal(err)
	}
	return p
}

// retrieve has all of n messages fetched over and over, ahead of them at a time.
func retrieve(b *testing.B, p *load.POP3, n, ahead, wire int) {
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Retrieve(n, ahead, wire); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRetr is one message of 10 MB, over and over.
func BenchmarkRetr(b *testing.B) {
	for _, dots := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "dotted"}[dots], func(b *testing.B) {
			message := load.Message(10<<20, dots)
			b.SetBytes(int64(len(message)))
			retrieve(b, popServer(b, message), 1, 1, len(load.Stuffed(message)))
		})
	}
}

// BenchmarkRetrMany is 1,000 messages of 10 KB, asked for 50 at a time.
func BenchmarkRetrMany(b *testing.B) {
	message := load.Message(10_000, false)
	messages := make([][]byte, 1000)
	for i := range messages {
		messages[i] = message
	}
	b.SetBytes(int64(len(messages) * len(message)))
	retrieve(b, popServer(b, messages...), len(messages), 50, len(load.Stuffed(message)))
}
