package smtp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestHops(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		message string
		want    int
	}{
		{"", 0},
		{"\r\nReceived: x\r\n", 0},
		{"Received: x\r\n", 1},
		{"received:x\r\nRECEIVED : y\r\n\tReceived: z\r\nSubject: Received: a\r\n\r\nReceived: b\r\n", 2},
		{"X-Received: x\r\nReceivedX: y\r\nReceive: z\r\nReceived\r\n:\r\n", 0},
		{"Re\r\nReceived: x\r\n \r\nReceived: y\r\n\r\nReceived: z\r\n", 2},
		{"Received:\r\nReceived:\r\nReceived:\r\n\r\n", 3},
		{"a\r\n\r\n", 0},
		{"Received \t : x", 1},
		{"Received  x:", 0},
	} {
		for split := 1; split <= len(tt.message)+1; split++ {
			var h hops
			for rest := tt.message; rest != ""; {
				n := min(split, len(rest))
				h.pass([]byte(rest[:n]))
				rest = rest[n:]
			}
			require.Equal(t, tt.want, h.count, "%q in pieces of %d", tt.message, split)
			require.Equal(t, strings.Contains("\r\n"+tt.message, "\r\n\r\n"), h.past)
		}
	}
}

// FuzzHops: the count is that of a plain reading, wherever the octets are cut.
func FuzzHops(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("Received: a\r\nreceived : b\r\n\r\nReceived: c"), uint8(1))
	f.Fuzz(func(t *testing.T, message []byte, split uint8) {
		message = []byte(strings.ReplaceAll(strings.NewReplacer("\r", "", "\n", "").Replace(strings.ReplaceAll(string(message), "\r\n", "\x00")), "\x00", "\r\n"))
		header, _, _ := strings.Cut("\r\n"+string(message), "\r\n\r\n")
		want := 0
		for line := range strings.SplitSeq(header, "\r\n") {
			name, _, ok := strings.Cut(line, ":")
			if name = strings.TrimRight(name, " \t"); ok && len(name) == len("Received") && strings.ToUpper(name) == "RECEIVED" {
				want++
			}
		}
		var h hops
		for n := int(split) + 1; len(message) > 0; {
			n = min(n, len(message))
			h.pass(message[:n])
			message = message[n:]
		}
		if h.count != want {
			t.Fatalf("%d fields, want %d", h.count, want)
		}
	})
}

// BenchmarkHops is the cost of a header of 3 KB with 10 Received fields.
func BenchmarkHops(b *testing.B) {
	var header []byte
	for i := range 50 {
		name := "X-Field"
		if i%5 == 0 {
			name = "Received"
		}
		header = fmt.Appendf(header, "%s: %s\r\n", name, strings.Repeat("x", 50))
	}
	header = append(header, "\r\n"...)
	b.SetBytes(int64(len(header)))
	b.ReportAllocs()
	for b.Loop() {
		var h hops
		h.pass(header)
	}
}
