package bench

import (
	"fmt"
	"net"
	"testing"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
)

// BenchmarkTransaction is a 1 KB message with its envelope in one write and its
// data in the next, as a pipelining client sends it.
func BenchmarkTransaction(b *testing.B) {
	perServer(b, load.Data(load.Message(1000, false)))
}

// BenchmarkGroup is a body and the next envelope in one write, as RFC 2920
// allows: one round trip a message.
func BenchmarkGroup(b *testing.B) {
	perServer(b, load.Deep(load.Message(1000, false)), load.Group{Octets: []byte(load.Envelope), Replies: 3})
}

// BenchmarkData is one message of 10 MB.
func BenchmarkData(b *testing.B) {
	for _, dots := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "dotted"}[dots], func(b *testing.B) {
			message := load.Message(10<<20, dots)
			perServer(b, load.Data(message))
		})
	}
}

// BenchmarkChunks is one message of 10 MB by BDAT, its transaction in one write.
func BenchmarkChunks(b *testing.B) {
	perServer(b, load.Chunked(load.Message(10<<20, false)))
}

// perServer has each server take groups over and over, behind those that come
// first.
func perServer(b *testing.B, groups []load.Group, first ...load.Group) {
	octets := int64(0)
	for _, g := range groups {
		octets += int64(len(g.Octets))
	}
	for _, c := range peers.SMTPServers {
		b.Run(c.Name, func(b *testing.B) {
			s, stop := session(b, c)
			defer stop()
			send(b, s, first...)
			b.SetBytes(octets)
			b.ReportAllocs()
			for b.Loop() {
				send(b, s, groups...)
			}
		})
	}
}

// session connects to a server in this process.
func session(tb testing.TB, c peers.SMTPServer) (s *load.SMTP, stop func()) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	stopServer := c.Serve(ln, nil)
	s, err = load.DialSMTP(ln.Addr().String(), false)
	if err != nil {
		tb.Fatal(err)
	}
	return s, func() {
		s.Close()
		stopServer()
	}
}

func send(tb testing.TB, s *load.SMTP, groups ...load.Group) {
	if err := s.Send(groups...); err != nil {
		tb.Fatal(err)
	}
}

// TestContestantsTakeTheLoads keeps the loads honest: each server accepts each
// of them.
func TestContestantsTakeTheLoads(t *testing.T) {
	t.Parallel()
	for _, c := range peers.SMTPServers {
		for _, message := range [][]byte{load.Message(1000, false), load.Message(100_000, true)} {
			t.Run(fmt.Sprint(c.Name, len(message)), func(t *testing.T) {
				t.Parallel()
				s, stop := session(t, c)
				defer stop()
				send(t, s, load.Data(message)...)
				send(t, s, load.Group{Octets: []byte(load.Envelope), Replies: 3})
				send(t, s, load.Deep(message)...)
				send(t, s, load.Group{Octets: load.Stuffed(message), Replies: 1})
				send(t, s, load.Chunked(message)...)
			})
		}
	}
}
