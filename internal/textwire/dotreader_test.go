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

func TestDotReader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, want string
		err            error
	}{
		{"empty body", ".\r\n", "", io.EOF},
		{"one line", "a\r\n.\r\n", "a\r\n", io.EOF},
		{"empty line", "\r\n.\r\n", "\r\n", io.EOF},
		{"stuffed dot", "..\r\n.\r\n", ".\r\n", io.EOF},
		{"stuffed first line", "..a\r\n.\r\n", ".a\r\n", io.EOF},
		{"stuffed later line", "a\r\n..b\r\n...\r\n.\r\n", "a\r\n.b\r\n..\r\n", io.EOF},
		{"dot that nobody doubled", "a\r\n.b\r\n.\r\n", "a\r\nb\r\n", io.EOF},
		{"dot inside a line", "a.\r\nb.c\r\n.\r\n", "a.\r\nb.c\r\n", io.EOF},
		{"lines of one length", "abcd\r\nefgh\r\nijkl\r\nmnop\r\n.\r\n", "abcd\r\nefgh\r\nijkl\r\nmnop\r\n", io.EOF},
		{"two lines as long as one", "abcd\r\nefgh\r\ni\r\nj\r\nmnop\r\n.\r\n", "abcd\r\nefgh\r\ni\r\nj\r\nmnop\r\n", io.EOF},
		{"a dot in lines of one length", "abcd\r\nefgh\r\n..jk\r\n\r\n..\r\nmnop\r\n.\r\n", "abcd\r\nefgh\r\n.jk\r\n\r\n.\r\nmnop\r\n", io.EOF},
		{"the end as long as a line", "a\r\nb\r\n.\r\n", "a\r\nb\r\n", io.EOF},
		{"no source", "", "", io.ErrUnexpectedEOF},
		{"cut body", "a\r\n", "a\r\n", io.ErrUnexpectedEOF},
		{"cut after dot", "a\r\n.", "a\r\n", io.ErrUnexpectedEOF},
		{"cut inside the end", "a\r\n.\r", "a\r\n", io.ErrUnexpectedEOF},
		{"dot without CRLF before it", "a.\r\n", "a.\r\n", io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []Mode{Strict, Transparent} {
				for i := range len(tt.in) + 1 {
					rest := ""
					if tt.err == io.EOF {
						rest = "QUIT\r\n"
					}
					r := NewReader(segments(tt.in[:i], tt.in[i:]+rest))
					d := NewDotReader(r, mode)
					got, err := io.ReadAll(plain{d})
					require.Equal(t, tt.want, string(got), "%s, cut at %d", mode, i)
					if tt.err == io.EOF {
						require.NoError(t, err)
						line, err := r.ReadLine(512)
						require.NoError(t, err)
						require.Equal(t, "QUIT", string(line), "what follows the body")
					} else {
						require.Equal(t, tt.err, err)
					}
					require.Equal(t, tt.err == io.EOF, d.Ended())
					require.Equal(t, int64(len(tt.want)), d.Size())
				}
			}
		})
	}
}

// plain hides all but Read.
type plain struct{ io.Reader }

// TestSmuggling holds what has been used to make one server see the end of a
// body where another does not: each between two transactions, cut at every
// octet. None may end the body early, and the genuine end may not be missed.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	tests := []struct {
		id, octets string
		bad        FramingError // the first, counted from octets
		ends       bool         // octets hold a genuine end
	}{
		{"E01", "\n.\n", FramingError{'\n', 0}, false},
		{"E02", "\n.\r", FramingError{'\n', 0}, false},
		{"E03", "\r.\n", FramingError{'\r', 0}, false},
		{"E04", "\r.\r", FramingError{'\r', 0}, false},
		{"E05", "\n.\r\n", FramingError{'\n', 0}, false},
		{"E06", "\r.\r\n", FramingError{'\r', 0}, false},
		{"E07", "\r\n.\n", FramingError{'\n', 2}, false},
		{"E08", "\r\n.\r", FramingError{'\r', 2}, false},
		{"E09", "\r\n.\r\r\n", FramingError{'\r', 2}, false},
		{"E10", "\r\r\n.\r\r\n", FramingError{'\r', 0}, false},
		{"E11", "\r\n\x00.\r\n", FramingError{0, 2}, false},
		{"E12", "\r\n.\x00\r\n", FramingError{0, 2}, false},
		{"M01", "\r\r\n.\r\n", FramingError{'\r', 0}, true},
	}
	const before, after = "From: a@example.org\r\n\r\nhello", "MAIL FROM:<evil@example.org>\r\n"
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			t.Parallel()
			in := before + tt.octets + after
			if !tt.ends {
				in += "\r\n.\r\n" + after
			}
			clear, used, err := unstuff([]byte(in), Transparent)
			require.Equal(t, io.EOF, err)
			require.Equal(t, !tt.ends, bytes.Contains(clear, []byte("evil")))
			for i := range len(in) {
				r := NewReader(segments(in[:i], in[i:]))
				d := NewDotReader(r, Strict)
				got, err := io.ReadAll(plain{d})
				bad := FramingError{tt.bad.Octet, tt.bad.Offset + int64(len(before))}
				require.Equal(t, &bad, err, "cut at %d", i)
				require.Len(t, got, int(bad.Offset), "cut at %d", i)
				require.False(t, d.Ended())
				require.NoError(t, d.Drain(1000))
				require.True(t, d.Ended())
				require.Equal(t, int64(used), d.Raw())
				_, err = d.Read(make([]byte, 1))
				require.Equal(t, &bad, err, "the fault stays after Drain")
				requireLine(t, r, after)

				r = NewReader(segments(in[:i], in[i:]))
				d = NewDotReader(r, Transparent)
				got, err = io.ReadAll(plain{d})
				require.NoError(t, err)
				require.Equal(t, string(clear), string(got), "cut at %d", i)
				requireLine(t, r, after)
			}
		})
	}
}

func requireLine(t *testing.T, r *Reader, want string) {
	t.Helper()
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, want, string(line)+"\r\n")
}

func TestDotReader_DeliversWhatIsThere(t *testing.T) {
	t.Parallel()
	d := NewDotReader(NewReader(segments("hello ", "world\r\n", ".\r\n")), Strict)
	p := make([]byte, 100)
	n, err := d.Read(p)
	require.NoError(t, err)
	require.Equal(t, "hello ", string(p[:n]))
	n, err = d.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = d.Read(p)
	require.NoError(t, err)
	require.Equal(t, "world\r\n", string(p[:n]))
	_, err = d.Read(p)
	require.Equal(t, io.EOF, err)
}

func TestDotReader_WriteToGathers(t *testing.T) {
	t.Parallel()
	var dst writes
	d := NewDotReader(NewReader(filling{segments("a\r\n..b\r\n", "..c\r\nd\r\n.\r\nQUIT\r\n")}), Strict)
	n, err := d.WriteTo(&dst)
	require.NoError(t, err)
	require.Equal(t, []string{"a\r\n.b\r\n", ".c\r\nd\r\n"}, dst.got)
	require.Equal(t, int64(14), n)
	require.Equal(t, int64(14), d.Size())
	require.Equal(t, int64(19), d.Raw())
}

func TestDotReader_WriteToError(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	d := NewDotReader(NewReader(strings.NewReader("a\r\n.\r\n")), Strict)
	_, err := d.WriteTo(&writes{err: full})
	require.Equal(t, full, err)
	require.NoError(t, d.Drain(100))
	require.True(t, d.Ended())
}

func TestDotReader_SourceError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for range 2 {
		d := NewDotReader(NewReader(io.MultiReader(strings.NewReader("a\r\n."), iotest.ErrReader(broken))), Strict)
		got, err := io.ReadAll(plain{d})
		require.Equal(t, "a\r\n", string(got))
		require.Equal(t, broken, err)
		require.Equal(t, broken, d.Drain(100))
	}
}

func TestDotReader_Drain(t *testing.T) {
	t.Parallel()
	const raw = "a\r\n..b\r\n.\r\n"
	tests := []struct {
		name       string
		read       int
		limit      int64
		want, then error
	}{
		{"whole body", 0, int64(len(raw)), nil, errDrained},
		{"over the limit by one", 0, int64(len(raw)) - 1, ErrBodyTooLong, ErrBodyTooLong},
		{"rest", 4, int64(len(raw)) - 5, nil, errDrained},
		{"rest over the limit", 4, int64(len(raw)) - 6, ErrBodyTooLong, ErrBodyTooLong},
		{"the end only", 7, 3, nil, io.EOF},
		{"the end over the limit", 7, 2, ErrBodyTooLong, ErrBodyTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, src := range map[string]io.Reader{
				"whole":  strings.NewReader(raw),
				"octets": iotest.OneByteReader(strings.NewReader(raw)),
			} {
				d := NewDotReader(NewReader(src), Strict)
				_, err := io.ReadFull(d, make([]byte, tt.read))
				require.NoError(t, err)
				require.Equal(t, tt.want, d.Drain(tt.limit), name)
				_, err = d.Read(make([]byte, 1))
				require.Equal(t, tt.then, err, name)
				if tt.want == nil {
					require.Equal(t, int64(len(raw)), d.Raw(), name)
					require.NoError(t, d.Drain(0), "%s: again", name)
				}
			}
		})
	}
}

func TestDotReader_DrainOfACutBody(t *testing.T) {
	t.Parallel()
	d := NewDotReader(NewReader(strings.NewReader("a\nb\r\n")), Strict)
	_, err := io.Copy(io.Discard, d)
	require.Equal(t, &FramingError{'\n', 1}, err)
	require.Equal(t, io.ErrUnexpectedEOF, d.Drain(100))
	require.False(t, d.Ended())
}

func FuzzDotReader(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		"a\r\n..b\r\n.\r\nQUIT\r\n", "hello\r\r\n.\r\n", "\n.\n", "\r\n.\r\r\n.\r\n", ".\r\n", "a\x00\r\n.\r\n",
		".\r", "..\r\n", ".\n.\r\n\r\n.\r\n", strings.Repeat("..x\r\n", 40) + ".\r\n",
		strings.Repeat("abcd\r\n", 20) + "e\r\nf\r\n" + strings.Repeat("abcd\r\n", 4) + ".\r\n",
	} {
		f.Add([]byte(s), []byte{0}, []byte{0})
		f.Add([]byte(s), []byte{1}, []byte{7})
	}
	f.Fuzz(func(t *testing.T, raw, sizes, reads []byte) {
		for _, mode := range []Mode{Strict, Transparent} {
			want, used, wantErr := unstuff(raw, mode)
			end, endErr := used, wantErr
			if mode != Transparent {
				_, end, endErr = unstuff(raw, Transparent)
			}
			r := NewReader(&chopped{data: raw, sizes: sizes})
			d := NewDotReader(r, mode)
			got, err := readAll(d, &chopped{sizes: reads})
			checkDotReader(t, d, got, err, want, used, wantErr)
			checkDrained(t, d, raw, end, endErr)
			r.Reset(nil)

			r = NewReader(filling{&chopped{data: raw, sizes: sizes}})
			d = NewDotReader(r, mode)
			var out bytes.Buffer
			if _, err = d.WriteTo(&out); err == nil {
				err = io.EOF
			}
			checkDotReader(t, d, out.Bytes(), err, want, used, wantErr)
			checkDrained(t, d, raw, end, endErr)
			r.Reset(nil)
		}
	})
}

// readAll reads r to its error, with buffers of the sizes given.
func readAll(r io.Reader, sizes *chopped) (got []byte, err error) {
	var buf [512]byte
	for err == nil {
		var n int
		n, err = r.Read(buf[:sizes.next(len(buf))])
		got = append(got, buf[:n]...)
	}
	return got, err
}

// checkDotReader compares what was read of a body with the clear version.
func checkDotReader(t *testing.T, d *DotReader, got []byte, err error, want []byte, used int, wantErr error) {
	switch {
	case !sameError(err, wantErr):
		t.Fatalf("%s: error %v, want %v", d.mode, err, wantErr)
	case !bytes.Equal(got, want):
		t.Fatalf("%s: got %q, want %q", d.mode, got, want)
	case d.Raw() != int64(used) || d.Size() != int64(len(want)):
		t.Fatalf("%s: %d octets of %d, want %d of %d", d.mode, d.Size(), d.Raw(), len(want), used)
	case d.Ended() != (wantErr == io.EOF):
		t.Fatalf("%s: ended: %t", d.mode, d.Ended())
	}
}

// checkDrained goes on to the end of the body, which takes end octets of raw, and looks at
// what is behind it.
func checkDrained(t *testing.T, d *DotReader, raw []byte, end int, endErr error) {
	err := d.Drain(int64(len(raw)))
	if endErr == io.ErrUnexpectedEOF {
		if err != io.ErrUnexpectedEOF {
			t.Fatalf("drained a cut body: %v", err)
		}
		return
	}
	if err != nil || !d.Ended() || d.Raw() != int64(end) {
		t.Fatalf("drained %d octets, %v, want %d", d.Raw(), err, end)
	}
	rest, err := readAll(d.r, &chopped{})
	if err != io.EOF || !bytes.Equal(rest, raw[end:]) {
		t.Fatalf("%q, %v is left, want %q", rest, err, raw[end:])
	}
}
