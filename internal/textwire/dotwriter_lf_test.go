package textwire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

// withCRLF is what WriteLF saves: the text with CRLF, made the slow way.
func withCRLF(text []byte) []byte {
	var out []byte
	for i, c := range text {
		if c == '\n' && (i == 0 || text[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

// viaWriteLF writes text in pieces, of which the last is by Write.
func viaWriteLF(t *testing.T, text []byte, piece int, end string) (wire []byte, octets int64) {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	d := NewDotWriter(w, Transparent)
	var err error
	for len(text) > 0 && err == nil {
		n := min(piece, len(text))
		var m int64
		m, err = d.WriteLF(text[:n])
		octets += m
		text = text[n:]
	}
	if err != nil {
		t.Fatal(err)
	}
	if m, err := d.WriteLF(nil); m != 0 || err != nil {
		t.Fatal(m, err)
	}
	if _, err = d.Write([]byte(end)); err != nil || d.Size() != octets+int64(len(end)) {
		t.Fatal(d.Size(), err)
	}
	finish(t, d, w)
	return out.Bytes(), octets
}

func viaWrite(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	d := NewDotWriter(w, Transparent)
	if _, err := d.Write(text); err != nil {
		t.Fatal(err)
	}
	finish(t, d, w)
	return out.Bytes()
}

// finish ends a body and sends it.
func finish(t *testing.T, d *DotWriter, w *Writer) {
	t.Helper()
	if err := errors.Join(d.Close(), w.Flush()); err != nil {
		t.Fatal(err)
	}
}

func TestWriteLF(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "a", "a\n", "a\r\n", ".\n", "..\n.\r\n.", "\n", "\r", "\r\r\n", "a\rb\n", "\n\n.\n", "a\r", "\r.\n", ".\r.\n", "\x00\n",
		strings.Repeat("x", BufferSize-3) + "\n.\n", strings.Repeat("x", BufferSize-4) + "\n.\n", strings.Repeat(".", 3*BufferSize),
		strings.Repeat(".\n", BufferSize), strings.Repeat("\n", BufferSize+1), strings.Repeat("x", BufferSize-2) + "\r\n",
	} {
		for _, end := range []string{"", "\r\n"} {
			want := withCRLF([]byte(text))
			wire := viaWrite(t, append(want, end...))
			for _, piece := range []int{1, 2, 3, 7, 1000, len(text) + 1} {
				if len(text) > 100 && piece < 1000 {
					continue
				}
				got, octets := viaWriteLF(t, []byte(text), piece, end)
				require.Equal(t, int64(len(want)), octets, "%.20q in pieces of %d", text, piece)
				require.True(t, bytes.Equal(wire, got), "%.20q in pieces of %d", text, piece)
			}
		}
	}
}

func TestWriteLFKeepsErrors(t *testing.T) {
	t.Parallel()
	errFailing := errors.New("broken")
	w := NewWriter(&writes{err: errFailing})
	d := NewDotWriter(w, Transparent)
	_, err := d.WriteLF(bytes.Repeat([]byte("x\n"), BufferSize))
	require.ErrorIs(t, err, errFailing)
	_, err = d.WriteLF([]byte("x"))
	require.ErrorIs(t, err, errFailing)
	require.ErrorIs(t, d.Close(), errFailing)
}

func FuzzWriteLF(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("a\n.b\r\n\r\r\n.\r.\n"), uint16(2))
	f.Add([]byte(".\n..\n\r"), uint16(1))
	f.Fuzz(func(t *testing.T, text []byte, piece uint16) {
		want := withCRLF(text)
		got, octets := viaWriteLF(t, text, int(piece)+1, "")
		if wire := viaWrite(t, want); octets != int64(len(want)) || !bytes.Equal(got, wire) {
			t.Fatalf("%d octets, %q, want %d, %q", octets, got, len(want), wire)
		}
	})
}
