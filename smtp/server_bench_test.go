package smtp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

// benchSite is a server that discards its mail, and a connection to it that is greeted.
func benchSite(b *testing.B, ln net.Listener, dial func() (net.Conn, error)) (net.Conn, *bufio.Reader) {
	b.Helper()
	srv := &smtp.Server{
		Hostname: "mx.example.org", MaxMessageBytes: 64 << 20,
		Local: func(context.Context, smtp.Address) bool { return true },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	go func() { _ = srv.Serve(ln) }()
	nc, err := dial()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = nc.Close()
		_ = srv.Close()
		_ = srv.Shutdown(context.Background())
	})
	r := bufio.NewReaderSize(nc, 64<<10)
	hear(b, r, 1)
	tell(b, nc, []byte("EHLO client.example.com\r\n"))
	hear(b, r, 1)
	return nc, r
}

func tell(b *testing.B, w io.Writer, octets []byte) {
	if _, err := w.Write(octets); err != nil {
		b.Fatal(err)
	}
}

// hear reads n replies, which must not refuse.
func hear(b *testing.B, r *bufio.Reader, n int) {
	for n > 0 {
		line, err := r.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if line[0] > '3' {
			b.Fatalf("%q", line)
		}
		if line[3] == ' ' {
			n--
		}
	}
}

const benchEnvelope = "MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"

// BenchmarkServerTransaction is a message of 1 KB: its envelope in one write, its data
// and the next envelope in another.
func BenchmarkServerTransaction(b *testing.B) {
	ln := testnet.NewListener()
	nc, r := benchSite(b, ln, func() (net.Conn, error) { return ln.Dial(context.Background()) })
	group := []byte(strings.Repeat(strings.Repeat("x", 76)+"\r\n", 13) + ".\r\n" + benchEnvelope)
	tell(b, nc, []byte(benchEnvelope))
	hear(b, r, 3)
	b.ReportAllocs()
	for b.Loop() {
		tell(b, nc, group)
		hear(b, r, 4)
	}
}

// BenchmarkServerData is a message of 10 MB, by loopback.
func BenchmarkServerData(b *testing.B) {
	plain := strings.Repeat("x", 76) + "\r\n"
	for _, bm := range []struct{ name, line string }{
		{"plain", plain},
		{"dotted", plain + ".." + plain[2:]},
	} {
		b.Run(bm.name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			nc, r := benchSite(b, ln, func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) })
			body := []byte(strings.Repeat(bm.line, 10_000_000/len(bm.line)) + ".\r\n")
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				tell(b, nc, []byte(benchEnvelope))
				hear(b, r, 3)
				tell(b, nc, body)
				hear(b, r, 1)
			}
		})
	}
}
