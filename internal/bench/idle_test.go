package bench

import (
	"os"
	"testing"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
)

func TestMain(m *testing.M) {
	peers.Main()
	os.Exit(m.Run())
}

// BenchmarkIdle reports the resident memory a connection costs a server process
// once it has said EHLO and waits: KB/conn, at 5,000 connections.
func BenchmarkIdle(b *testing.B) {
	const conns = 5000
	for _, c := range peers.SMTPServers {
		b.Run(c.Name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(idle(b, c.Name, conns))/1024/conns, "KB/conn")
			}
		})
	}
}

// idle returns the octets that a server grows by with conns connections.
func idle(b *testing.B, name string, conns int) int64 {
	s, err := peers.StartSMTPServer(b.Context(), name, false)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	before, err := s.Resident()
	if err != nil {
		b.Skip(err)
	}
	for range conns {
		nc, err := load.DialSMTP(s.Addr, false)
		if err != nil {
			b.Skip(err)
		}
		defer nc.Close()
	}
	after, err := s.Resident()
	if err != nil {
		b.Skip(err)
	}
	return after - before
}
