package textwire

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

func TestReadLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		limit    int
		want     []string
		err      error
	}{
		{"lines", "EHLO a\r\n\r\nQUIT\r\n", 512, []string{"EHLO a", "", "QUIT"}, io.EOF},
		{"nothing", "", 512, nil, io.EOF},
		{"cut line", "QUIT", 512, nil, io.ErrUnexpectedEOF},
		{"cut before LF", "QUIT\r", 512, nil, io.ErrUnexpectedEOF},
		{"limit counts CRLF", "12345678\r\n", 10, []string{"12345678"}, io.EOF},
		{"one octet over", "123456789\r\n", 10, nil, ErrLineTooLong},
		{"long without end", strings.Repeat("x", 2*MaxLine), MaxLine, nil, ErrLineTooLong},
		{"limit beyond the buffer", strings.Repeat("x", 2*MaxLine), 1 << 30, nil, ErrLineTooLong},
		{"as long as the buffer", strings.Repeat("x", MaxLine-2) + "\r\n", MaxLine, []string{strings.Repeat("x", MaxLine-2)}, io.EOF},
		{"no room at all", "\r\n", 0, nil, ErrLineTooLong},
		{"bare LF", "QUIT\n", 512, nil, &FramingError{'\n', 4}},
		{"bare LF first", "\n", 512, nil, &FramingError{'\n', 0}},
		{"bare CR", "QU\rIT\r\n", 512, nil, &FramingError{'\r', 2}},
		{"two CRs", "QUIT\r\r\n", 512, nil, &FramingError{'\r', 4}},
		{"NUL", "QU\x00IT\r\n", 512, nil, &FramingError{0, 2}},
		{"the first fault counts", "a\nb\x00\rc\r\n", 512, nil, &FramingError{'\n', 1}},
		{"NUL before LF", "a\x00\n\r\n", 512, nil, &FramingError{0, 1}},
		{"fault before too long", "a\rb4567890\r\n", 10, nil, &FramingError{'\r', 1}},
		{"fault beyond the limit", "1234567890\n", 10, nil, ErrLineTooLong},
		{"after a good line", "NOOP\r\nQUIT\n", 512, []string{"NOOP"}, &FramingError{'\n', 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sources := map[string]io.Reader{
				"whole":   strings.NewReader(tt.in),
				"octets":  iotest.OneByteReader(strings.NewReader(tt.in)),
				"dataerr": iotest.DataErrReader(strings.NewReader(tt.in)),
				"filler":  filling{strings.NewReader(tt.in)},
			}
			for name, src := range sources {
				r := NewReader(src)
				got, err := readLines(r, tt.limit)
				require.Equal(t, tt.want, got, name)
				require.Equal(t, tt.err, err, name)
				_, err = r.ReadLine(tt.limit)
				require.Equal(t, tt.err, err, "%s: the error is sticky", name)
				_, err = r.Read(make([]byte, 1))
				require.Equal(t, tt.err, err, "%s: for Read also", name)
				require.Nil(t, r.buf, "%s: a buffer is kept after an error", name)
			}
		})
	}
}

func readLines(r *Reader, limit int) (lines []string, err error) {
	for {
		line, err := r.ReadLine(limit)
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

func TestReadLine_SplitAtEveryOctet(t *testing.T) {
	t.Parallel()
	const in = "MAIL FROM:<a@example.org>\r\n\r\nDATA\r\n"
	for i := range len(in) {
		lines, err := readLines(NewReader(segments(in[:i], in[i:])), 100)
		require.Equal(t, []string{"MAIL FROM:<a@example.org>", "", "DATA"}, lines, i)
		require.Equal(t, io.EOF, err, i)
	}
}

// waiting is a source that looks at its Reader when it is asked to wait.
type waiting struct {
	src  io.Reader
	look func(size int)
}

func (s waiting) Read(p []byte) (int, error) {
	s.look(len(p))
	return s.src.Read(p)
}

// stutter gives nothing every other time.
type stutter struct {
	io.Reader
	odd bool
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.odd = !s.odd; s.odd {
		return 0, nil
	}
	return s.Reader.Read(p)
}

// TestReader_WaitsWithoutBuffer: also when a line has begun, on either kind of
// source, and whether or not the source is asked in vain.
func TestReader_WaitsWithoutBuffer(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]func(io.Reader) io.Reader{
		"reader": func(src io.Reader) io.Reader { return src },
		"filler": func(src io.Reader) io.Reader { return filling{src} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var r *Reader
			waits := 0
			src := waiting{&stutter{Reader: segments("NOOP\r\nNOOP\r\n", "QU", "IT\r", "\n")}, func(int) {
				waits++
				require.Nil(t, r.buf, "wait %d", waits)
			}}
			r = NewReader(source(src))
			lines, err := readLines(r, 512)
			require.Equal(t, io.EOF, err)
			require.Equal(t, []string{"NOOP", "NOOP", "QUIT"}, lines)
			require.Equal(t, 10, waits) // in vain and for each segment, and for the end
		})
	}
}

func TestReader_LineBuffered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		want     bool // when NOOP was read
	}{
		{"nothing", "", false},
		{"a line", "QUIT\r\n", true},
		{"a line that will not do", "QUIT\n", true},
		{"the beginning of a line", "QUIT", false},
		{"but for its LF", "QUIT\r", false},
		{"more than was waited for", strings.Repeat("x", holdSize) + "\r\n", true},
		{"more than was waited for, cut", strings.Repeat("x", holdSize), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(trying{strings.NewReader("NOOP\r\n" + tt.in)})
			require.False(t, r.LineBuffered(), "before anything was read")
			_, err := r.ReadLine(512)
			require.NoError(t, err)
			require.Equal(t, tt.want, r.LineBuffered())
		})
	}
	r := NewReader(trying{strings.NewReader("NOOP\r\n" + strings.Repeat("x", holdSize))})
	for range 2 {
		_, _ = r.ReadLine(512)
	}
	require.False(t, r.LineBuffered(), "after an error")
}

// trying is a source that never waits.
type trying struct{ io.Reader }

func (s trying) Try(p []byte) (int, error) { return s.Read(p) }

// TestReader_LineBufferedDoesNotWait: what was read may end just where the room did in
// which it was waited for.
func TestReader_LineBufferedDoesNotWait(t *testing.T) {
	t.Parallel()
	rest := strings.Repeat("x", holdSize-len("NOOP\r\n"))
	for name, src := range map[string]io.Reader{
		"no Trier": segments("NOOP\r\n"+rest, "\r\n"),
		"Trier":    dry{segments("NOOP\r\n"+rest, "\r\n")},
	} {
		r := NewReader(src)
		_, err := r.ReadLine(512)
		require.NoError(t, err)
		require.False(t, r.LineBuffered(), name)
		line, err := r.ReadLine(512)
		require.NoError(t, err)
		require.Equal(t, rest, string(line), name)
	}
}

// dry is a source that never has anything at once.
type dry struct{ io.Reader }

func (dry) Try([]byte) (int, error) { return 0, nil }

func TestReader_LineNotReadBeyondLimit(t *testing.T) {
	t.Parallel()
	total := 0
	src := iotest.OneByteReader(waiting{strings.NewReader(strings.Repeat("x", 100)), func(n int) { total += n }})
	_, err := NewReader(src).ReadLine(10)
	require.Equal(t, ErrLineTooLong, err)
	require.Equal(t, 10, total)
}

func TestReader_Read(t *testing.T) {
	t.Parallel()
	chunk := strings.Repeat("0123456789\n\x00\r", 10000)
	const command = "BDAT 130000\r\n"
	for _, size := range []int{1, 100, directSize, 1 << 20} {
		for name, src := range map[string]io.Reader{
			"plain":  strings.NewReader(command + chunk + "QUIT\r\n"),
			"filler": filling{strings.NewReader(command + chunk + "QUIT\r\n")},
		} {
			r := NewReader(src)
			requireLine(t, r, command)
			var got strings.Builder
			_, err := io.CopyBuffer(&got, plain{io.LimitReader(r, int64(len(chunk)))}, make([]byte, size))
			require.NoError(t, err)
			require.True(t, chunk == got.String(), "%s, size %d", name, size)
			requireLine(t, r, "QUIT\r\n")
		}
	}
}

func TestReader_SourceErrorComesAfterTheOctets(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("NOOP\r\nQU"), iotest.ErrReader(broken)))
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "NOOP", string(line))
	_, err = r.ReadLine(512)
	require.Equal(t, broken, err)
}

func TestReader_NoProgress(t *testing.T) {
	t.Parallel()
	r := NewReader(readerFunc(func([]byte) (int, error) { return 0, nil }))
	_, err := r.ReadLine(512)
	require.Equal(t, io.ErrNoProgress, err)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReader_Reset(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("STARTTLS\r\nNOOP\r\n"))
	_, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, len("NOOP\r\n"), r.Buffered())
	r.Reset(strings.NewReader("EHLO a\r\n"))
	require.Zero(t, r.Buffered())
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "EHLO a", string(line))
}

func TestFramingError_SaysWhatAndWhere(t *testing.T) {
	t.Parallel()
	for c, want := range map[byte]string{'\r': "bare CR", '\n': "bare LF", 0: "NUL"} {
		require.EqualError(t, &FramingError{c, 4}, "textwire: "+want+" at octet 4")
	}
}

func FuzzReadLine(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("EHLO a\r\nQUIT\r\n"), []byte{3}, uint16(20))
	f.Add([]byte("a\rb\r\n"), []byte{1}, uint16(20))
	f.Add([]byte("a\r\r\nb\n\x00"), []byte{0}, uint16(4))
	f.Fuzz(func(t *testing.T, data, sizes []byte, limit uint16) {
		for _, src := range []io.Reader{&chopped{data: data, sizes: sizes}, filling{&chopped{data: data, sizes: sizes}}} {
			r, rest := NewReader(src), data
			for {
				want, wantErr := lineOf(rest, min(int(limit), MaxLine))
				got, err := r.ReadLine(int(limit))
				if !sameError(err, wantErr) {
					t.Fatalf("error %v, want %v", err, wantErr)
				}
				if err != nil {
					break
				}
				if string(got) != want {
					t.Fatalf("got %q, want %q", got, want)
				}
				rest = rest[len(want)+2:]
			}
		}
	})
}

func TestReader_Peek(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("one\r\ntwo\r\n"))
	require.Empty(t, r.Peek())
	_, err := r.ReadLine(100)
	require.NoError(t, err)
	require.Equal(t, "two\r\n", string(r.Peek()))
	line, err := r.ReadLine(100)
	require.NoError(t, err)
	require.Equal(t, "two", string(line))
	require.Empty(t, r.Peek())
}

// Rest throws away nothing that is still to be read.
func TestReader_Rest(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader("one\r\ntwo\r\nthree\r\n"))
	for _, want := range []string{"one", "two", "three"} {
		r.Rest()
		line, err := r.ReadLine(100)
		require.NoError(t, err)
		require.Equal(t, want, string(line))
	}
	r.Rest()
	require.Nil(t, r.buf)
	_, err := r.ReadLine(100)
	require.Equal(t, io.EOF, err)
}
