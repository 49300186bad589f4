package bench

import (
	"testing"

	"github.com/posthouse/posthouse/internal/bench/parsing"
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
