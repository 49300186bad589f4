package maildir

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// crlfOf is the clear version of what Open gives of a file.
func crlfOf(stored string) string {
	var out strings.Builder
	for i := range len(stored) {
		if stored[i] == '\n' && (i == 0 || stored[i-1] != '\r') {
			out.WriteByte('\r')
		}
		out.WriteByte(stored[i])
	}
	if stored != "" && !strings.HasSuffix(stored, "\n") {
		out.WriteString("\r\n")
	}
	return out.String()
}

// store delivers a message in pieces of n octets, and gives the file and what Open gives of it.
func store(t *testing.T, crlf bool, message string, n int) (file, read string) {
	t.Helper()
	disk := newModelFS()
	d, err := newDir(disk)
	require.NoError(t, err)
	d.CRLF = crlf
	w, err := d.Create()
	require.NoError(t, err)
	for rest := message; rest != ""; {
		k := min(n, len(rest))
		written, err := w.Write([]byte(rest[:k]))
		require.NoError(t, err)
		require.Equal(t, k, written)
		rest = rest[k:]
	}
	e, err := w.Commit(t.Context())
	require.NoError(t, err)
	stored, err := disk.lookup(e.path())
	require.NoError(t, err)
	require.Equal(t, int64(len(stored.data)), e.Size, "S=")

	r, err := d.Open(t.Context(), e)
	require.NoError(t, err)
	defer r.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, int64(len(got)), e.CRLFSize, "W=")
	counted, err := d.Count(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, e.CRLFSize, counted)
	return string(stored.data), string(got)
}

func TestStoredForm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ message, lf, crlf string }{
		{"", "", ""},
		{"a\r\n", "a\n", "a\r\n"},
		{"a\n", "a\n", "a\r\n"},
		{"a", "a\n", "a\r\n"},
		{"\r\n\r\n", "\n\n", "\r\n\r\n"},
		{"a\rb\r\n", "a\rb\n", "a\rb\r\n"},
		{"a\r\r\n", "a\r\r\n", "a\r\r\n"},
		{"a\r\r\r\nb\r\n", "a\r\r\r\nb\n", "a\r\r\r\nb\r\n"},
		{"a\r", "a\r\r\n", "a\r\r\n"},
		{"\r", "\r\r\n", "\r\r\n"},
		{"a\n\r\nb", "a\n\nb\n", "a\r\n\r\nb\r\n"},
		{"\x00", "\x00\n", "\x00\r\n"},
		{"nul \x00 and \xff\r\n", "nul \x00 and \xff\n", "nul \x00 and \xff\r\n"},
	} {
		for n := 1; n < 4; n++ {
			lf, read := store(t, false, row.message, n)
			require.Equal(t, row.lf, lf, "%q stored with LF", row.message)
			require.Equal(t, row.crlf, read, "%q read", row.message)
			crlf, read := store(t, true, row.message, n)
			require.Equal(t, row.crlf, crlf, "%q stored with CRLF", row.message)
			require.Equal(t, row.crlf, read, "%q read", row.message)
		}
	}
}

// FuzzLineEnds: whatever is delivered in whatever pieces, S= and W= are right, and what came with CRLF on every line
// comes out as it went in.
func FuzzLineEnds(f *testing.F) {
	f.Add("a\r\nb\r\n", 1, false)
	f.Add("a\r\r\n\n\r", 2, true)
	f.Fuzz(func(t *testing.T, message string, n int, crlf bool) {
		_, read := store(t, crlf, message, max(n, 1))
		require.Equal(t, crlfOf(message), read)
	})
}

// FuzzReader: Read with buffers of any size, WriteTo, and Count agree on any file.
func FuzzReader(f *testing.F) {
	f.Add("a\nb\r\nc\rd", 1)
	f.Fuzz(checkReader)
}

// TestLinesAcrossBuffers is what the fuzz tests say of small messages, for those that fill a buffer.
func TestLinesAcrossBuffers(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"line of text\r\n", "0123456789\n", "\n", "\r\n", "\r", "\r\r\n", "x"} {
		for _, n := range []int{1000, bufferSize/2 - 1, bufferSize, bufferSize + 1, 1 << 20} {
			for extra := range 3 {
				message := strings.Repeat("y", extra) + strings.Repeat(line, (bufferSize*2+1000)/len(line))
				for _, crlf := range []bool{false, true} {
					_, read := store(t, crlf, message, n)
					require.True(t, crlfOf(message) == read, "%q in pieces of %d", line, n)
				}
				checkReader(t, message, n)
			}
		}
	}
}

func checkReader(t *testing.T, stored string, n int) {
	disk := newModelFS()
	d, err := newDir(disk)
	require.NoError(t, err)
	disk.change(&change{folder: dirNew, name: "foreign", file: &inode{data: []byte(stored)}})
	e := parseEntry("foreign", true, int64(len(stored)))
	want := crlfOf(stored)

	r, err := d.Open(t.Context(), e)
	require.NoError(t, err)
	var got bytes.Buffer
	_, err = io.CopyBuffer(&got, struct{ io.Reader }{r}, make([]byte, min(max(n, 1), 1<<17)))
	require.NoError(t, err)
	require.Equal(t, want, got.String())
	require.NoError(t, r.Close())

	r, err = d.Open(t.Context(), e)
	require.NoError(t, err)
	head := make([]byte, min(len(want), max(n, 0)))
	_, err = io.ReadFull(r, head)
	require.NoError(t, err)
	got.Reset()
	written, err := r.WriteTo(&got)
	require.NoError(t, err)
	require.Equal(t, int64(got.Len()), written)
	require.Equal(t, want, string(head)+got.String())
	require.NoError(t, r.Close())

	counted, err := d.Count(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, int64(len(want)), counted)
}
