package bench

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/internal/bench/parsing"
	"github.com/posthouse/posthouse/message"
)

// BenchmarkParse parses a message of about 50 KB as people send them, with each parser in
// Go.
func BenchmarkParse(b *testing.B) {
	text, err := parsing.Typical()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{parsing.Structure, parsing.Posthouse, parsing.GoMessage, parsing.Enmime} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parsing.Parsers[name](text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFalseBoundaries parses 200,000 lines that might be boundary lines below
// 5,000 open multiparts, if limits let so many be open: each line costs one look,
// however many are.
func BenchmarkFalseBoundaries(b *testing.B) {
	const open, lines = 5_000, 200_000
	var text bytes.Buffer
	for i := range open {
		fmt.Fprintf(&text, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
	}
	text.WriteString("\r\n" + strings.Repeat("--z\r\n", lines))
	// A defect has a path as long as the depth.
	parser := message.Parser{Limits: message.Limits{Depth: 2 * open, Defects: 1}}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	start := processorTime()
	for b.Loop() {
		if _, err := parser.ParseBytes(text.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
	spent := processorTime() - start
	b.ReportMetric(float64(b.N*text.Len())/1e6/spent.Seconds(), "MB/s-CPU")
}
