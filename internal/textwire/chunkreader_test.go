package textwire_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/textwire"
)

// chunked reads text as chunks that end at the cuts, and returns what was delivered.
func chunked(src io.Reader, mode textwire.Mode, total int, byWriteTo bool, cuts ...int) (string, *textwire.ChunkReader, error) {
	return chunkedFrom(textwire.NewReader(src), mode, total, byWriteTo, cuts...)
}

func chunkedFrom(r *textwire.Reader, mode textwire.Mode, total int, byWriteTo bool, cuts ...int) (string, *textwire.ChunkReader, error) {
	var c textwire.ChunkReader
	c.Reset(r, mode)
	var b strings.Builder
	var buf [512]byte
	at := 0
	for _, cut := range append(cuts, total) {
		c.Begin(int64(cut - at))
		at = cut
		var err error
		if byWriteTo {
			_, err = c.WriteTo(&b)
		} else {
			_, err = io.CopyBuffer(struct{ io.Writer }{&b}, struct{ io.Reader }{&c}, buf[:])
		}
		if err != nil {
			return b.String(), &c, err
		}
	}
	return b.String(), &c, c.End()
}

func TestChunkReader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		bad        string // the beginning that is good; "" if all is
	}{
		{"empty", "", ""},
		{"lines", "a\r\nb\r\n", ""},
		{"no end of line", "a\r\nb", ""},
		{"dots", ".\r\n..\r\n.\r\n", ""},
		{"end of DATA", "a\r\n.\r\nb\r\n", ""},
		{"8 bits", "\xff\xfe\r\n", ""},
		{"bare LF", "a\r\nb\nc\r\n", "a\r\nb"},
		{"LF first", "\na", "\x00"},
		{"bare CR", "a\rb\r\n", "a"},
		{"CR CR LF", "a\r\r\n", "a"},
		{"CR last", "abc\r", "abc"},
		{"NUL", "ab\x00\r\n", "ab"},
		{"lines of one length", "abcd\r\nefgh\r\ni\r\nj\r\nmnop\r\n.rst\r\n", ""},
		{"bare LF in lines of one length", "abcd\r\nefgh\r\nijkl\r\ni\njk\r\n", "abcd\r\nefgh\r\nijkl\r\ni"},
		{"bare CR in lines of one length", "abcd\r\nefgh\r\nijkl\r\ni\rjk\r\n", "abcd\r\nefgh\r\nijkl\r\ni"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for cut := range len(tt.text) + 1 {
				for _, byWriteTo := range []bool{false, true} {
					for _, oneByte := range []bool{false, true} {
						var src io.Reader = strings.NewReader(tt.text)
						if oneByte {
							src = iotest.OneByteReader(src)
						}
						got, c, err := chunked(src, textwire.Strict, len(tt.text), byWriteTo, cut)
						if tt.bad == "" {
							require.NoError(t, err)
							require.Equal(t, tt.text, got)
							require.EqualValues(t, len(tt.text), c.Size())
							continue
						}
						var framing *textwire.FramingError
						require.ErrorAs(t, err, &framing)
						good := strings.TrimPrefix(tt.bad, "\x00")
						require.EqualValues(t, len(good), framing.Offset)
						require.Equal(t, tt.text[len(good)], framing.Octet)
						require.Equal(t, good, strings.TrimSuffix(got, "\r"))
						// RFC 3030 section 2: what is refused is read off the wire all
						// the same.
						require.NoError(t, c.Discard())
						require.Zero(t, c.Left())
					}
				}
			}
			got, _, err := chunked(strings.NewReader(tt.text), textwire.Transparent, len(tt.text), true)
			require.NoError(t, err)
			require.Equal(t, tt.text, got)
		})
	}
}

// TestChunkReader_TakesNoMore: what follows a chunk stays, read or discarded.
func TestChunkReader_TakesNoMore(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 3*textwire.BufferSize)
	for _, discard := range []bool{false, true} {
		r := textwire.NewReader(strings.NewReader(big + "QUIT\r\n"))
		var c textwire.ChunkReader
		c.Reset(r, textwire.Strict)
		c.Begin(int64(len(big)))
		if discard {
			require.NoError(t, c.Discard())
		} else {
			n, err := c.WriteTo(io.Discard)
			require.NoError(t, err)
			require.EqualValues(t, len(big), n)
		}
		_, err := c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		line, err := r.ReadLine(10)
		require.NoError(t, err)
		require.Equal(t, "QUIT", string(line))
	}
}

func TestChunkReader_Cut(t *testing.T) {
	t.Parallel()
	for _, byWriteTo := range []bool{false, true} {
		got, c, err := chunked(strings.NewReader("abc"), textwire.Strict, 10, byWriteTo)
		require.Equal(t, io.ErrUnexpectedEOF, err)
		require.Equal(t, "abc", got)
		require.Equal(t, io.ErrUnexpectedEOF, c.Discard())
		require.Equal(t, io.ErrUnexpectedEOF, c.End())
	}
}

// FuzzChunkReader: how a body is cut into chunks and segments does not change what is
// delivered, and a plain reading finds the same flaw.
func FuzzChunkReader(tf *testing.F) {
	f := storm.New(tf)
	f.Add([]byte("a\r\nb\r\n"), uint16(2), uint8(1), false)
	f.Add([]byte("a\rb\n\x00"), uint16(1), uint8(3), true)
	f.Add([]byte(strings.Repeat("abcd\r\n", 20)+"e\r\nf\r\n"+strings.Repeat("abcd\r\n", 4)), uint16(30), uint8(0), true)
	f.Fuzz(func(t *testing.T, text []byte, cut uint16, segment uint8, byWriteTo bool) {
		src := io.Reader(bytes.NewReader(text))
		if segment > 0 {
			src = &segments{text, int(segment)}
		}
		r := textwire.NewReader(src)
		defer r.Reset(nil)
		got, c, err := chunkedFrom(r, textwire.Strict, len(text), byWriteTo, int(cut)%(len(text)+1))
		bad := plainBad(text)
		if bad < 0 {
			if err != nil || got != string(text) {
				t.Fatalf("got %q, %v", got, err)
			}
			return
		}
		framing, ok := err.(*textwire.FramingError)
		if !ok || framing.Offset != int64(bad) || framing.Octet != text[bad] {
			t.Fatalf("got %v, want octet %d", err, bad)
		}
		if !bytes.HasPrefix(text, []byte(got)) || len(got) > bad+1 {
			t.Fatalf("delivered %q", got)
		}
		if err := c.Discard(); err != nil {
			t.Fatal(err)
		}
	})
}

// segments gives n octets at a time.
type segments struct {
	text []byte
	n    int
}

func (s *segments) Read(p []byte) (int, error) {
	if len(s.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.n)], s.text)
	s.text = s.text[n:]
	return n, nil
}

// plainBad returns the index of the first octet that text may not have, or -1.
func plainBad(text []byte) int {
	for i, c := range text {
		switch {
		case c == 0,
			c == '\n' && (i == 0 || text[i-1] != '\r'),
			c == '\r' && (i+1 == len(text) || text[i+1] != '\n'):
			return i
		}
	}
	return -1
}
