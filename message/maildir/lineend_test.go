package maildir

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
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

// store delivers a message in pieces of n octets, and gives the file and what Open
// gives of it.
func store(t *testing.T, crlf bool, message string, n int) (file, read string) {
	disk, d := modelDir()
	d.CRLF = crlf
	e, err := deliverPieces(t.Context(), d, message, n)
	must(t, err)
	stored, err := disk.lookup(e.path())
	must(t, err)
	r, err := d.Open(t.Context(), e)
	must(t, err)
	got, err := io.ReadAll(r)
	must(t, err)
	must(t, r.Close())
	counted, err := d.Count(t.Context(), e)
	must(t, err)
	if e.Size != int64(len(stored.data)) || e.CRLFSize != int64(len(got)) || counted != e.CRLFSize {
		t.Fatalf("%q is %d octets on the disk and %d read, %d counted: %+v", message, len(stored.data), len(got), counted, e)
	}
	return string(stored.data), string(got)
}

// deliverPieces delivers a message in pieces of n octets.
func deliverPieces(ctx context.Context, d *Dir, message string, n int) (Entry, error) {
	w, err := d.Create()
	for piece := range slices.Chunk([]byte(message), n) {
		if err == nil {
			_, err = w.Write(piece)
		}
	}
	if err != nil {
		return Entry{}, err
	}
	return w.Commit(ctx)
}

// modelDir is a Dir in memory, made without a call of the system.
func modelDir() (*modelFS, *Dir) {
	disk := newModelFS()
	for _, name := range []string{dirTmp, dirNew, dirCur} {
		_ = disk.mkdir(name) // is not told to fail
	}
	return disk, &Dir{fs: disk, now: time.Now}
}

// must is require.NoError for what is done a million times.
func must(t *testing.T, err error) {
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
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

// FuzzLineEnds: whatever is delivered in whatever pieces, S= and W= are right, and what
// came with CRLF on every line comes out as it went in.
func FuzzLineEnds(tf *testing.F) {
	f := storm.New(tf)
	f.Add("a\r\nb\r\n", 1, false)
	f.Add("a\r\r\n\n\r", 2, true)
	f.Fuzz(func(t *testing.T, message string, n int, crlf bool) {
		if _, read := store(t, crlf, message, max(n, 1)); read != crlfOf(message) {
			t.Fatalf("%q is read as %q", message, read)
		}
	})
}

// FuzzReader: Read with buffers of any size, WriteTo, and Count agree on any file.
func FuzzReader(tf *testing.F) {
	f := storm.New(tf)
	f.Add("a\nb\r\nc\rd", 1)
	f.Fuzz(checkReader)
}

// TestLinesAcrossBuffers is what the fuzz tests say of small messages, for those that
// fill a buffer.
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
	disk, d := modelDir()
	disk.change(&change{folder: dirNew, name: "foreign", file: &inode{data: []byte(stored)}})
	e := parseEntry("foreign", true, int64(len(stored)))
	want := crlfOf(stored)
	var got bytes.Buffer
	check := func(how string, octets int64, err error) {
		if must(t, err); octets != int64(len(want)) || how != "Count" && got.String() != want {
			t.Fatalf("%s of %q with %d gives %q, %d octets", how, stored, n, got.String(), octets)
		}
		got.Reset()
	}
	open := func() *Reader {
		r, err := d.Open(t.Context(), e)
		must(t, err)
		return r
	}

	r := open()
	octets, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{r}, make([]byte, min(max(n, 1), 1<<17, len(want)+1)))
	check("Read", octets, err)
	must(t, r.Close())

	r = open()
	head, err := io.CopyN(&got, r, int64(min(len(want), max(n, 0))))
	must(t, err)
	octets, err = r.WriteTo(&got)
	check("WriteTo", head+octets, err)
	must(t, r.Close())

	octets, err = d.Count(t.Context(), e)
	check("Count", octets, err)
}
