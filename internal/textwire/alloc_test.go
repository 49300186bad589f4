package textwire

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingIsAllocated does not run in parallel: it counts what the whole
// process allocates.
func TestNothingIsAllocated(t *testing.T) {
	lines := NewReader(filling{&repeating{data: []byte("RCPT TO:<a@example.org>\r\n")}})
	w := NewWriter(io.Discard)
	bodies := NewReader(filling{&repeating{data: []byte("a\r\n..b\r\n.\r\n")}})
	dr, dw := new(DotReader), new(DotWriter)
	p, body := make([]byte, 100), []byte("a\n.b\r\nc")
	for name, f := range map[string]func() error{
		"ReadLine": func() error {
			_, err := lines.ReadLine(512)
			return err
		},
		"Write": func() error {
			if _, err := w.Write(append(w.AvailableBuffer(), "250 OK\r\n"...)); err != nil {
				return err
			}
			return w.Flush()
		},
		"DotReader.Read": func() error {
			dr.Reset(bodies, Strict)
			for {
				if _, err := dr.Read(p); err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
			}
		},
		"DotReader.WriteTo": func() error {
			dr.Reset(bodies, Transparent)
			_, err := dr.WriteTo(io.Discard)
			return err
		},
		"DotWriter": func() error {
			dw.Reset(w, Normalize)
			if _, err := dw.Write(body); err != nil {
				return err
			}
			if err := dw.Close(); err != nil {
				return err
			}
			return w.Flush()
		},
	} {
		allocs := testing.AllocsPerRun(1000, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		})
		require.Zero(t, allocs, name)
	}
}

// TestDotWriter_ReadFromAllocatesNoBuffer allows for the reader alone.
func TestDotWriter_ReadFromAllocatesNoBuffer(t *testing.T) {
	w, d, src := NewWriter(io.Discard), new(DotWriter), new(bytes.Reader)
	body := text(true)[:78<<10]
	allocs := testing.AllocsPerRun(100, func() {
		d.Reset(w, Strict)
		src.Reset(body)
		if _, err := d.ReadFrom(src); err != nil || d.Size() != int64(len(body)) {
			t.Fatal(err, d.Size())
		}
	})
	require.Zero(t, allocs)
}
