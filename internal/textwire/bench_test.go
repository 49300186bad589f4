package textwire

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// repeating is a source without end, that costs one copy.
type repeating struct {
	data []byte
	i    int
}

func (s *repeating) Read(p []byte) (int, error) {
	n := copy(p, s.data[s.i:])
	if s.i += n; s.i == len(s.data) {
		s.i = 0
	}
	return n, nil
}

const bodySize = 10 << 20

// text returns a body of lines of 78 octets, CRLF included; every second of
// them begins with a dot if dotted.
func text(dotted bool) []byte {
	line := strings.Repeat("x", 76) + "\r\n"
	second := line
	if dotted {
		second = "." + line[1:]
	}
	return bytes.Repeat([]byte(line+second), bodySize/(2*len(line)))
}

var bodies = []struct {
	name string
	body []byte
}{
	{"plain", text(false)},
	{"dotted", text(true)},
	{"empty lines", bytes.Repeat([]byte("\r\n"), bodySize/2)},
}

func BenchmarkReadLine(b *testing.B) {
	for _, line := range []string{"NOOP\r\n", "RCPT TO:<somebody@example.org>\r\n", strings.Repeat("x", 998) + "\r\n"} {
		b.Run(strings.Fields(line)[0][:4], func(b *testing.B) {
			r := NewReader(filling{&repeating{data: bytes.Repeat([]byte(line), 1000)}})
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.ReadLine(1000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDotReader(b *testing.B) {
	for _, tt := range bodies {
		raw, err := stuff(string(tt.body), Strict)
		if err != nil {
			b.Fatal(err)
		}
		for _, mode := range []Mode{Strict, Transparent} {
			bench := func(name string, read func(*DotReader) error) {
				b.Run(tt.name+"/"+mode.String()+"/"+name, func(b *testing.B) {
					r := NewReader(filling{&repeating{data: []byte(raw)}})
					d := new(DotReader)
					b.SetBytes(int64(len(raw)))
					b.ReportAllocs()
					for b.Loop() {
						d.Reset(r, mode)
						if err := read(d); err != nil || d.Size() != int64(len(tt.body)) {
							b.Fatal(err, d.Size())
						}
					}
				})
			}
			p := make([]byte, BufferSize)
			bench("Read", func(d *DotReader) error {
				for {
					if _, err := d.Read(p); err == io.EOF {
						return nil
					} else if err != nil {
						return err
					}
				}
			})
			bench("WriteTo", func(d *DotReader) error {
				_, err := d.WriteTo(io.Discard)
				return err
			})
		}
	}
}

func BenchmarkDotWriter(b *testing.B) {
	for _, tt := range bodies {
		for _, mode := range []Mode{Strict, Transparent, Normalize} {
			benchmarkDotWriter(b, tt.name+"/"+mode.String(), tt.body, mode)
		}
	}
	lines := bytes.ReplaceAll(text(true), []byte("\r\n"), []byte("\n"))
	benchmarkDotWriter(b, "LF lines/normalize", lines, Normalize)
}

func benchmarkDotWriter(b *testing.B, name string, body []byte, mode Mode) {
	b.Run(name, func(b *testing.B) {
		w := NewWriter(io.Discard)
		d := new(DotWriter)
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			d.Reset(w, mode)
			for rest := body; len(rest) > 0; {
				n, err := d.Write(rest[:min(len(rest), BufferSize)])
				if err != nil {
					b.Fatal(err)
				}
				rest = rest[n:]
			}
			if err := d.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	w := NewWriter(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		for range 4 {
			if _, err := w.Write(append(w.AvailableBuffer(), "250 2.1.5 OK\r\n"...)); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			b.Fatal(err)
		}
	}
}
