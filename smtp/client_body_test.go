package smtp

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/internal/textwire"
)

// inspect returns what is known of a body before it is sent.
func inspect(body io.Reader, normalize bool) (bodyFacts, error) {
	var s bodySource
	defer s.release()
	err := s.load(body, bodyScanner{normalize: normalize, eightBit: -1})
	return s.facts, err
}

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
			source := strings.NewReader(tt.body)
			body := struct {
				io.Reader
				io.Seeker
			}{cut(source), source}

			facts, err := inspect(body, false)
			if tt.bad != nil {
				require.Equal(t, tt.bad, err, "%q in %s", tt.body, name)
			} else {
				require.NoError(t, err)
				require.True(t, facts.known)
				require.Equal(t, tt.size, facts.size, "%q in %s", tt.body, name)
				require.Equal(t, tt.eightBit, facts.eightBit, "%q in %s", tt.body, name)
			}
			_, err = source.Seek(0, io.SeekStart)
			require.NoError(t, err)
			facts, err = inspect(body, true)
			if tt.badForGood != nil {
				require.Equal(t, tt.badForGood, err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, tt.size, facts.size, "%q in %s", tt.body, name)
			require.Equal(t, tt.eightBit, facts.eightBit, "%q in %s", tt.body, name)
			require.Equal(t, tt.bad != nil, facts.bare)
		}
	}
}

// Of a long body only one that can be rewound is looked through, and it is rewound.
func TestInspect_Long(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("line\r\n", 100_000)
	facts, err := inspect(stream(long), false)
	require.NoError(t, err)
	require.False(t, facts.known)
	facts, err = inspect(stream("short\r\n"), false)
	require.NoError(t, err)
	require.True(t, facts.known)

	path := filepath.Join(t.TempDir(), "mail")
	require.NoError(t, os.WriteFile(path, []byte("ignored"+long+"\xff"), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Seek(7, io.SeekStart)
	require.NoError(t, err)
	var s bodySource
	defer s.release()
	require.NoError(t, s.load(f, bodyScanner{eightBit: -1}))
	require.True(t, s.facts.known)
	require.EqualValues(t, len(long)+3, s.facts.size)
	require.EqualValues(t, len(long), s.facts.eightBit)
	require.EqualValues(t, 4, s.facts.longest)
	require.True(t, s.facts.openEnded)
	rest, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, long+"\xff", string(s.head)+string(rest))

	for name, r := range map[string]io.Reader{"at once": iotest.ErrReader(io.ErrClosedPipe), "later": io.MultiReader(strings.NewReader(long), iotest.ErrReader(io.ErrClosedPipe))} {
		_, err = inspect(struct {
			io.Reader
			io.Seeker
		}{r, strings.NewReader(long)}, false)
		require.ErrorIs(t, err, io.ErrClosedPipe, name)
	}
	_, err = inspect(iotest.OneByteReader(lazy{}), false)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// Lines are measured wherever they are cut, and however they end.
func TestInspect_LineLength(t *testing.T) {
	t.Parallel()
	x := strings.Repeat("x", maxTextLine)
	for body, length := range map[string]int64{
		x: 0, x + "\r\n" + x + "\r\n": 0, x + "x": 999, "a\r\n" + x + "xx\r\nb": 1000,
		x + "\n" + x + "\r" + x + "\r\n" + x: 0,
	} {
		for name, cut := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "octets": iotest.OneByteReader} {
			_, err := inspect(cut(strings.NewReader(body)), true)
			if length == 0 {
				require.NoError(t, err, name)
				continue
			}
			tooLong := new(LineLengthError)
			require.ErrorAs(t, err, &tooLong, name)
			require.Equal(t, length, tooLong.Length, name)
		}
		_, err := inspectWith(body, bodyScanner{eightBit: -1, normalize: true, longLines: true})
		require.NoError(t, err)
	}
}

func inspectWith(body string, scan bodyScanner) (bodyFacts, error) {
	var s bodySource
	defer s.release()
	err := s.load(stream(body), scan)
	return s.facts, err
}

// Only a header beyond ASCII that is UTF-8 is one of RFC 6532.
func TestInspect_Header(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("X: gr\xc3\xbcn\r\n", headSize/11)
	for body, want := range map[string]bool{
		"Subject: gr\xc3\xbcn\r\n\r\n":      true,
		"Subject: gr\xc3\xbcn\r\n":          true,
		"Subject: gr\xc3\xbcn":              true,
		"Subject: gr\xfcn\r\n\r\n":          false,
		"Subject: green\r\n\r\ngr\xc3\xbcn": false,
		"\r\ngr\xc3\xbcn":                   false,
		"Subject: green\r\n\r\n":            false,
		long:                                true,
		"Y: x\r\n" + long:                   true,
		"Y: xx\r\n" + long:                  true,
		"no field gr\xc3\xbcn\r\n":          false,
	} {
		facts, err := inspectWith(body, bodyScanner{eightBit: -1})
		require.NoError(t, err)
		require.Equal(t, want, facts.header8, "%.30q", body)
	}
}

// lazy never has anything to read.
type lazy struct{}

func (lazy) Read([]byte) (int, error) { return 0, nil }

// What inspect says of a body is what becomes of it on the wire.
func FuzzInspect(tf *testing.F) {
	f := storm.New(tf)
	for _, s := range []string{
		"", "a", "a\r\n", "a\nb\rc\r\r\n\n\r.\r\n.", "\x00", "\xff\r", strings.Repeat("x\r\n", 50),
		// Lines of one length, and what a look at their ends alone would not see.
		strings.Repeat("abcd\r\n", 3) + "a\ncd\r\nabcd\r\n", strings.Repeat("abcd\r\n", 3) + "a\rcd\r\nabcd\r\n",
		strings.Repeat("abcd\r\n", 3) + "\r\ncd\r\nabcd\r\nabcdefgh\r\n", strings.Repeat("\r\n", 5) + "\n\n",
	} {
		f.Add([]byte(s), uint8(3), false)
		f.Add([]byte(s), uint8(0), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, cut uint8, normalize bool) {
		scan := bodyScanner{normalize: normalize, longLines: true, eightBit: -1}
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
		if (werr == nil) != (err == nil) {
			t.Fatalf("written: %v, inspected: %v", werr, err)
		}
		if err != nil {
			want, ok := werr.(*FramingError)
			got, okay := err.(*FramingError)
			if !ok || !okay || want.Octet == got.Octet && want.Offset != got.Offset {
				t.Fatalf("written: %v, inspected: %v", werr, err)
			}
			return
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r := textwire.NewReader(&wire)
		defer r.Reset(nil)
		sent, err := textwire.NewDotReader(r, textwire.Strict).WriteTo(io.Discard)
		if err != nil || sent != scan.size+scan.added {
			t.Fatalf("%d octets sent, %v, want %d and %d", sent, err, scan.size, scan.added)
		}
		want := int64(bytes.IndexFunc(body, func(r rune) bool { return r > unicode.MaxASCII }))
		if scan.eightBit != want {
			t.Fatalf("8-bit octet at %d, want %d", scan.eightBit, want)
		}
		longest := 0
		for line := range strings.FieldsFuncSeq(string(body), func(r rune) bool { return r == '\r' || r == '\n' }) {
			longest = max(longest, len(line))
		}
		if got := max(scan.longest, scan.line); got != int64(longest) {
			t.Fatalf("longest line of %d octets, want %d", got, longest)
		}
	})
}

// miscounter is a body that tells of more than it writes.
type miscounter struct{ *strings.Reader }

func (m miscounter) WriteTo(w io.Writer) (int64, error) {
	n := int64(m.Len())
	if _, err := io.CopyN(w, m.Reader, n/2); err != nil {
		return 0, err
	}
	_, err := m.Seek(0, io.SeekEnd)
	return n, err
}

// Nobody gets half of a body that writes itself and miscounts.
func TestClientSend_Miscounted(t *testing.T) {
	t.Parallel()
	for _, offer := range []string{"CHUNKING", "X-NONE"} {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe(t)
			s := (&sink{conn: far, offers: []string{"PIPELINING", offer}}).start()
			c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
			require.NoError(t, err)
			body := &onceMiscounter{Reader: strings.NewReader(lines(200_000))}
			result, err := c.Send(t.Context(), envelope(t, "b"), body)
			checkHonest(t, result, err)
			require.ErrorIs(t, err, ErrBodyChanged)
			require.Equal(t, Refused, result.Outcome)
			c.Close()
			<-s.done
			require.Empty(t, s.messages)
		})
	}
}

// onceMiscounter is honest when it is looked through.
type onceMiscounter struct {
	*strings.Reader
	seen bool
}

func (m *onceMiscounter) WriteTo(w io.Writer) (int64, error) {
	if m.seen {
		return miscounter{m.Reader}.WriteTo(w)
	}
	m.seen = true
	return m.Reader.WriteTo(w)
}
