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

// readLF reads one body, with the wire cut into pieces of n octets, and returns
// what the Reader holds after it.
func readLF(wire []byte, cut func(io.Reader) io.Reader) (body string, rest string, err error) {
	r := NewReader(cut(bytes.NewReader(wire)))
	d := NewDotReader(r, Transparent)
	var l LFReader
	l.Reset(d)
	defer l.Release()
	got, err := io.ReadAll(&l)
	after, _ := io.ReadAll(r)
	return string(got), string(after), err
}

func whole(r io.Reader) io.Reader { return r }

func TestLFReader(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ wire, body, rest string }{
		"empty":                  {".\r\nQUIT\r\n", "", "QUIT\r\n"},
		"CRLF":                   {"a\r\n..b\r\n.\r\nX", "a\r\n.b\r\n", "X"},
		"LF":                     {"a\nb\n\r\n.\r\nX", "a\r\nb\r\n\r\n", "X"},
		"dots behind LF":         {"a\n..b\n...\n\r\n.\r\n", "a\r\n.b\r\n..\r\n\r\n", ""},
		"LF.LF ends nothing":     {"a\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n", ""},
		"LF.CRLF ends nothing":   {"a\n.\r\nb\r\n.\r\n", "a\r\n\r\nb\r\n", ""},
		"CRLF.LF ends nothing":   {"a\r\n.\nb\r\n.\r\n", "a\r\n\r\nb\r\n", ""},
		"LF first":               {"\n.x\r\n.\r\n", "\r\nx\r\n", ""},
		"dot first, stuffed":     {"..\n.\r\n\r\n.\r\n", ".\r\n\r\n\r\n", ""},
		"unstuffed dot and CRLF": {".a\r\n.\r\n", "a\r\n", ""},
	} {
		for _, cut := range []func(io.Reader) io.Reader{whole, iotest.OneByteReader, iotest.DataErrReader} {
			body, rest, err := readLF([]byte(row.wire), cut)
			require.NoError(t, err, name)
			require.Equal(t, row.body, body, name)
			require.Equal(t, row.rest, rest, name)
		}
	}
}

func TestLFReaderRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		wire, body string
		octet      byte
		offset     int64
	}{
		"CR":         {"a\rb\r\n.\r\n", "a", '\r', 1},
		"CR CRLF":    {"a\r\r\n.\r\n", "a", '\r', 1},
		"NUL":        {"a\n\x00\r\n.\r\n", "a\r\n", 0, 3},
		"CR, dot LF": {"a\n.\r.\r\n.\r\n", "a\r\n", '\r', 3},
	} {
		for _, cut := range []func(io.Reader) io.Reader{whole, iotest.OneByteReader} {
			body, _, err := readLF([]byte(row.wire), cut)
			var framing *FramingError
			require.ErrorAs(t, err, &framing, name)
			require.Equal(t, FramingError{row.octet, row.offset}, *framing, name)
			require.Equal(t, row.body, body, name)
		}
	}
	_, _, err := readLF([]byte("a\n"), whole)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	stop := errors.New("stop")
	_, _, err = readLF(nil, func(io.Reader) io.Reader { return iotest.ErrReader(stop) })
	require.ErrorIs(t, err, stop)
}

// oracleLF converts what a Transparent DotReader delivers, octet by octet.
func oracleLF(body []byte) (out []byte, bad bool) {
	soft := false
	for i, c := range body {
		switch {
		case soft && c == '.':
			soft = false
			continue
		case c == 0, c == '\r' && (i+1 == len(body) || body[i+1] != '\n'):
			return out, true
		case c == '\n' && (i == 0 || body[i-1] != '\r'):
			out = append(out, "\r\n"...)
			soft = true
			continue
		}
		soft = false
		out = append(out, c)
	}
	return out, false
}

func FuzzLFReader(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("a\n..b\r\n.c\n\r\n.\r\nrest"), uint8(3))
	f.Add([]byte("\n\n.\n.\r\n\r\n.\r\n"), uint8(1))
	f.Add([]byte("\r\r\n.\r\n"), uint8(0))
	f.Fuzz(func(t *testing.T, wire []byte, size uint8) {
		plain, _, plainErr := unstuff(wire, Transparent)
		want, bad := oracleLF(plain)
		r := NewReader(&chopped{data: wire, sizes: []byte{size}})
		var l LFReader
		l.Reset(NewDotReader(r, Transparent))
		body, err := readAll(&l, &chopped{})
		l.Release()
		r.Reset(nil)
		if plainErr != io.EOF {
			if !bytes.HasPrefix(want, body) {
				t.Fatalf("got %q of %q", body, want)
			}
			return
		}
		_, isFraming := err.(*FramingError)
		if isFraming != bad || !bad && err != io.EOF {
			t.Fatalf("error %v, bad: %t", err, bad)
		}
		if !bytes.Equal(body, want) {
			t.Fatalf("got %q, want %q", body, want)
		}
	})
}

func TestLFReaderWriteTo(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("line\n", 20_000)
	var l LFReader
	defer l.Release()
	l.Reset(NewDotReader(NewReader(strings.NewReader(body+"\r\n.\r\n")), Transparent))
	var out bytes.Buffer
	n, err := l.WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("line\r\n", 20_000)+"\r\n", out.String())
	require.Equal(t, int64(out.Len()), n)

	l.Reset(NewDotReader(NewReader(strings.NewReader("a\rb\r\n.\r\n")), Transparent))
	_, err = l.WriteTo(io.Discard)
	var framing *FramingError
	require.ErrorAs(t, err, &framing)

	l.Reset(NewDotReader(NewReader(strings.NewReader("a\r\n.\r\n")), Transparent))
	_, err = l.WriteTo(&failing{})
	require.ErrorIs(t, err, io.ErrShortBuffer)
}

type failing struct{}

func (*failing) Write([]byte) (int, error) { return 0, io.ErrShortBuffer }

func BenchmarkLFReader(b *testing.B) {
	wire := []byte(strings.Repeat(strings.Repeat("x", 76)+"\n", 10_000) + "\r\n.\r\n")
	src := bytes.NewReader(nil)
	r := NewReader(src)
	d := NewDotReader(r, Transparent)
	var l LFReader
	p := make([]byte, BufferSize)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(wire)
		r.Reset(src)
		d.Reset(r, Transparent)
		l.Reset(d)
		for {
			if _, err := l.Read(p); err == io.EOF {
				break
			}
		}
	}
}
