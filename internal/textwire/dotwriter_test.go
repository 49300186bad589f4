package textwire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestDotWriter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		mode       Mode
		want       string // up to the fault, if there is one
		err        error
	}{
		{"empty", "", Strict, ".\r\n", nil},
		{"line", "a\r\n", Strict, "a\r\n.\r\n", nil},
		{"last CRLF is added", "a", Strict, "a\r\n.\r\n", nil},
		{"dot", ".", Strict, "..\r\n.\r\n", nil},
		{"dots at line starts only", ".a.\r\n..\r\n.\r\n", Strict, "..a.\r\n...\r\n..\r\n.\r\n", nil},
		{"bare LF", "a\nb", Strict, "a", &FramingError{'\n', 1}},
		{"bare CR", "a\rb", Strict, "a", &FramingError{'\r', 1}},
		{"CR last", "a\r", Strict, "a", &FramingError{'\r', 1}},
		{"two CRs", "a\r\r\n", Strict, "a", &FramingError{'\r', 1}},
		{"NUL", "a\r\n.\x00", Strict, "a\r\n..", &FramingError{0, 4}},
		{"nothing is lost", "a\nb\rc\x00", Transparent, "a\nb\rc\x00\r\n.\r\n", nil},
		{"CR last", "a\r", Transparent, "a\r\r\n.\r\n", nil},
		{"dot after bare LF", "a\n.\r.\r\n.b", Transparent, "a\n.\r.\r\n..b\r\n.\r\n", nil},
		{"LF lines", "a\n.b\n\nc", Normalize, "a\r\n..b\r\n\r\nc\r\n.\r\n", nil},
		{"CR lines", "a\r.b\r\rc\r", Normalize, "a\r\n..b\r\n\r\nc\r\n.\r\n", nil},
		{"mixed", "a\r\nb\n\rc\r\r\n.\n", Normalize, "a\r\nb\r\n\r\nc\r\n\r\n..\r\n.\r\n", nil},
		{"NUL", "a\nb\x00c", Normalize, "a\r\nb", &FramingError{0, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.mode.String()+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			for i := range len(tt.body) + 1 {
				var out strings.Builder
				w := NewWriter(&out)
				d := NewDotWriter(w, tt.mode)
				_, err := io.WriteString(d, tt.body[:i])
				if err == nil {
					_, err = io.WriteString(d, tt.body[i:])
				}
				closed := d.Close()
				if err == nil {
					err = closed
				}
				require.NoError(t, w.Flush())
				require.Equal(t, tt.err, err, "cut at %d", i)
				require.Equal(t, tt.err, closed, "cut at %d: Close refuses", i)
				require.Equal(t, tt.want, out.String(), "cut at %d", i)
				if err == nil {
					require.Equal(t, int64(len(tt.body)), d.Size())
					_, err = d.Write([]byte("more"))
					require.Equal(t, errClosed, err)
				}
			}
		})
	}
}

func TestDotWriter_ErrorsAreSticky(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var out strings.Builder
	w := NewWriter(&out)
	d := NewDotWriter(w, Strict)
	n, err := d.ReadFrom(io.MultiReader(strings.NewReader("a\r\n"), iotest.ErrReader(broken)))
	require.Equal(t, broken, err)
	require.Equal(t, int64(3), n)
	_, err = d.Write([]byte("b\r\n"))
	require.Equal(t, broken, err)
	require.Equal(t, broken, d.Close(), "a body that could not be read was ended")
	require.NoError(t, w.Flush())
	require.Equal(t, "a\r\n", out.String())
}

func TestDotWriter_WriterError(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Strict, Transparent, Normalize} {
		for _, body := range []string{strings.Repeat("text\r\n", BufferSize), strings.Repeat(".\n", BufferSize)} {
			if mode == Strict {
				body = strings.ReplaceAll(body, ".\n", ".\r\n")
			}
			dst := &writes{err: errors.New("broken")}
			d := NewDotWriter(NewWriter(dst), mode)
			n, err := d.Write([]byte(body))
			require.Equal(t, dst.err, err)
			require.Less(t, n, len(body))
			require.Equal(t, dst.err, d.Close())
			require.Len(t, dst.got, 1)
		}
	}
}

func TestDotWriter_ReadFromNoProgress(t *testing.T) {
	t.Parallel()
	d := NewDotWriter(NewWriter(io.Discard), Strict)
	_, err := d.ReadFrom(readerFunc(func([]byte) (int, error) { return 0, nil }))
	require.Equal(t, io.ErrNoProgress, err)
	require.Equal(t, io.ErrNoProgress, d.Close())
}

func TestDotWriter_CleanTextIsNotCopied(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("text\r\n"), BufferSize)
	var at []*byte
	d := NewDotWriter(NewWriter(writerFunc(func(b []byte) (int, error) { at = append(at, &b[0]); return len(b), nil })), Strict)
	_, err := d.Write(body)
	require.NoError(t, err)
	require.Same(t, &body[0], at[0])
}

func FuzzDotRoundTrip(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{"", ".", "a\r\n.b\r\n", "a\n.b\r.c\r\r\n", "a\x00", "\r", ".\r\n.\r", strings.Repeat("a\n.b\r\n", 30)} {
		f.Add([]byte(s), []byte{0})
		f.Add([]byte(s), []byte{1, 2})
	}
	f.Fuzz(func(t *testing.T, body, sizes []byte) {
		for _, mode := range []Mode{Strict, Transparent, Normalize} {
			want, wantErr := stuff(string(body), mode)
			for _, copied := range []bool{false, true} {
				var out bytes.Buffer
				w := NewWriter(&out)
				d := NewDotWriter(w, mode)
				err := writeAll(d, &chopped{data: body, sizes: sizes}, copied)
				if flushed := w.Flush(); flushed != nil {
					t.Fatal(flushed)
				}
				if !sameError(err, wantErr) || out.String() != want {
					t.Fatalf("%s: wrote %q, %v, want %q, %v", mode, out.Bytes(), err, want, wantErr)
				}
				if err != nil {
					continue
				}
				if d.Size() != int64(len(body)) {
					t.Fatalf("%s: size %d", mode, d.Size())
				}
				checkReadBack(t, out.Bytes(), body, mode)
			}
		}
	})
}

// writeAll writes a body to its end, copied or piece by piece.
func writeAll(d *DotWriter, src *chopped, copied bool) (err error) {
	if copied {
		_, err = d.ReadFrom(src)
	}
	for len(src.data) > 0 && err == nil {
		n := src.next(len(src.data))
		_, err = d.Write(src.data[:n])
		src.data = src.data[n:]
	}
	if err == nil {
		err = d.Close()
	}
	return err
}

// checkReadBack reads what was written: the body, or the body and a last CRLF.
func checkReadBack(t *testing.T, wire, body []byte, mode Mode) {
	r := NewReader(&chopped{data: wire})
	defer r.Reset(nil)
	back, err := readAll(NewDotReader(r, readMode(mode)), &chopped{})
	if err != io.EOF {
		t.Fatalf("%s: read back: %v", mode, err)
	}
	text, added := bytes.CutSuffix(back, []byte("\r\n"))
	if mode != Normalize && !bytes.Equal(back, body) && !(added && bytes.Equal(text, body)) {
		t.Fatalf("%s: read back %q", mode, back)
	}
}

// readMode is the mode in which what m writes can be read.
func readMode(m Mode) Mode {
	if m == Transparent {
		return Transparent
	}
	return Strict
}
