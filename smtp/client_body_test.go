package smtp

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/textwire"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1870-6-1")
	for _, tt := range []struct {
		body       string
		size       int64 // when it is normalized
		eightBit   int64
		bad        *FramingError // when it is not
		badForGood *FramingError
	}{
		{"", 0, -1, nil, nil},
		{"a\r\nb\r\n", 6, -1, nil, nil},
		{"a\r\nb", 6, -1, nil, nil},
		{"\r\n", 2, -1, nil, nil},
		{".\r\n..\r\n", 7, -1, nil, nil},
		{"gr\xc3\xbcn\r\n", 7, 2, nil, nil},
		{strings.Repeat("x", 100) + "\xff", 103, 100, nil, nil},
		{"a\nb\n", 6, -1, &FramingError{Octet: '\n', Offset: 1}, nil},
		{"a\rb\r", 6, -1, &FramingError{Octet: '\r', Offset: 1}, nil},
		{"a\r\r\n", 5, -1, &FramingError{Octet: '\r', Offset: 1}, nil},
		{"a\r\n\n", 5, -1, &FramingError{Octet: '\n', Offset: 3}, nil},
		{"a\n\r\n", 5, -1, &FramingError{Octet: '\n', Offset: 1}, nil},
		{"a\n\r", 5, -1, &FramingError{Octet: '\n', Offset: 1}, nil},
		{"abc\r", 5, -1, &FramingError{Octet: '\r', Offset: 3}, nil},
		{"a\x00b\r\n", 0, 0, &FramingError{Octet: 0, Offset: 1}, &FramingError{Octet: 0, Offset: 1}},
	} {
		// However the body is cut, the answer is the same.
		for name, cut := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "octets": iotest.OneByteReader, "halves": iotest.HalfReader, "data with EOF": iotest.DataErrReader,
		} {
			source := strings.NewReader("ignored" + tt.body)
			_, err := source.Seek(7, io.SeekStart)
			require.NoError(t, err)
			body := struct {
				io.Reader
				io.Seeker
			}{cut(source), source}

			facts, err := inspect(body, false)
			if tt.bad != nil {
				require.Equal(t, tt.bad, err, "%q in %s", tt.body, name)
				_, err = source.Seek(7, io.SeekStart)
				require.NoError(t, err)
			} else {
				require.NoError(t, err)
				require.Equal(t, bodyFacts{true, tt.size, tt.eightBit}, facts, "%q in %s", tt.body, name)
			}
			facts, err = inspect(body, true)
			if tt.badForGood != nil {
				require.Equal(t, tt.badForGood, err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, bodyFacts{true, tt.size, tt.eightBit}, facts, "%q in %s", tt.body, name)
			rest, err := io.ReadAll(source)
			require.NoError(t, err)
			require.Equal(t, tt.body, string(rest), "rewound to where it was")
		}
	}
}

func TestInspect_Streams(t *testing.T) {
	t.Parallel()
	facts, err := inspect(stream("a\nb"), false)
	require.NoError(t, err)
	require.False(t, facts.known)

	r, w, err := os.Pipe() // a Seeker that cannot
	require.NoError(t, err)
	defer r.Close()
	w.Close()
	facts, err = inspect(r, false)
	require.NoError(t, err)
	require.False(t, facts.known)

	path := filepath.Join(t.TempDir(), "mail")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("line\r\n", 100_000)), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	facts, err = inspect(f, false)
	require.NoError(t, err)
	require.Equal(t, bodyFacts{true, 600_000, -1}, facts)

	failing := struct {
		io.Reader
		io.Seeker
	}{iotest.ErrReader(io.ErrClosedPipe), strings.NewReader("")}
	_, err = inspect(failing, false)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	failing.Reader = iotest.OneByteReader(lazy{})
	_, err = inspect(failing, false)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// lazy never has anything to read.
type lazy struct{}

func (lazy) Read([]byte) (int, error) { return 0, nil }

// What inspect says of a body is what becomes of it on the wire.
func FuzzInspect(f *testing.F) {
	for _, s := range []string{"", "a", "a\r\n", "a\nb\rc\r\r\n\n\r.\r\n.", "\x00", "\xff\r", strings.Repeat("x\r\n", 50)} {
		f.Add([]byte(s), uint8(3), false)
		f.Add([]byte(s), uint8(0), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut uint8, normalize bool) {
		scan := bodyScanner{normalize: normalize, eightBit: -1}
		var err error
		for rest := body; len(rest) > 0 && err == nil; {
			n := min(int(cut)+1, len(rest))
			_, err = scan.Write(rest[:n])
			rest = rest[n:]
		}
		if err == nil {
			err = scan.end()
		}

		mode := textwire.Strict
		if normalize {
			mode = textwire.Normalize
		}
		var wire bytes.Buffer
		w := textwire.NewWriter(&wire)
		d := textwire.NewDotWriter(w, mode)
		_, werr := d.Write(body)
		if werr == nil {
			werr = d.Close()
		}
		require.Equal(t, werr == nil, err == nil, "%v, %v", werr, err)
		if err != nil {
			want, got := new(FramingError), new(FramingError)
			require.True(t, errors.As(werr, &want) && errors.As(err, &got))
			if want.Octet == got.Octet {
				require.Equal(t, want.Offset, got.Offset)
			}
			return
		}
		require.NoError(t, w.Flush())
		sent, err := io.ReadAll(textwire.NewDotReader(textwire.NewReader(&wire), textwire.Strict))
		require.NoError(t, err)
		require.EqualValues(t, len(sent), scan.size+scan.added)
		want := bytes.IndexFunc(body, func(rune) bool { return false })
		for i, c := range body {
			if c > 127 {
				want = i
				break
			}
		}
		require.EqualValues(t, want, scan.eightBit)
	})
}
