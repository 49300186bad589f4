package message

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// crlf writes a message in a test with the line ends of mail.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

// parseThrough parses b through a window that starts with that many octets.
func parseThrough(t testing.TB, b []byte, parser Parser, size int) *Message {
	t.Helper()
	buf := make([]byte, size)
	m := &Message{src: bytes.NewReader(b), size: int64(len(b))}
	s := scanner{msg: m, win: window{src: m.src, size: m.size, pool: &buf, buf: buf[:0]}}
	m, err := parser.parse(&s)
	require.NoError(t, err)
	return m
}

// outline is what a part is, for comparing.
type outline struct {
	path, mediaType  string
	start, body, end int64
	header           string
	fields           int
	encoding         Encoding
}

func outlines(m *Message) (list []outline) {
	for p := range m.Parts() {
		list = append(list, outline{
			p.Path(), p.MediaType(), p.start, p.body, p.end, string(p.Header().Raw()), p.Header().Len(), p.Encoding(),
		})
	}
	return list
}

// checkMessage checks what holds of every parsed message.
func checkMessage(t testing.TB, m *Message, b []byte) {
	t.Helper()
	last := make(map[*Part]int64) // where the part before ended, by parent
	for p := range m.Parts() {
		require.True(t, 0 <= p.start && p.start <= p.body && p.body <= p.end && p.end <= int64(len(b)), "offsets of %s", p.Path())
		up := p.Parent()
		if up == nil {
			require.Equal(t, []int64{0, int64(len(b))}, []int64{p.start, p.end}, "the message is all of it")
		} else {
			require.GreaterOrEqual(t, p.start, max(up.body, last[up]), "%s lies behind the part before", p.Path())
			require.LessOrEqual(t, p.end, up.end, "%s lies in its parent", p.Path())
			last[up] = p.end
		}
		if p.index < 200 {
			require.Same(t, p, m.Part(p.Path()))
		}

		h := p.Header()
		var fields []byte
		for f := range h.All() {
			fields = append(fields, f.Raw()...)
		}
		require.Equal(t, string(h.Raw()), string(fields), "the fields make up the header")
		between := b[p.start+int64(len(h.Raw())) : p.body]
		require.True(t, bytes.HasPrefix(b[p.start:], h.Raw()) && (len(between) == 0 || emptyLine(between)))

		raw, err := io.ReadAll(p.Raw())
		require.NoError(t, err)
		require.Equal(t, string(b[p.start:p.end]), string(raw))
	}
}

// checkBodies checks that all ways to a body give the same.
func checkBodies(t testing.TB, m *Message) {
	t.Helper()
	for p := range m.Parts() {
		want, err := p.AppendBody([]byte("x"))
		require.NoError(t, err)
		got, err := io.ReadAll(iotest.HalfReader(p.Open()))
		require.NoError(t, err)
		require.Equal(t, string(want[1:]), string(got), "body of %s read", p.Path())
		var w bytes.Buffer
		_, err = p.Open().(io.WriterTo).WriteTo(&w)
		require.NoError(t, err)
		require.Equal(t, string(want[1:]), w.String(), "body of %s written", p.Path())

		text, err := p.AppendText([]byte("x"))
		require.NoError(t, err)
		require.True(t, utf8.Valid(text), "text of %s", p.Path())
		got, err = io.ReadAll(p.Text())
		require.NoError(t, err)
		require.Equal(t, string(text[1:]), string(got), "text of %s read", p.Path())
	}
}

// checkAll checks everything of b, and that a window gives what memory gives.
func checkAll(t testing.TB, b []byte, parser Parser, sizes ...int) *Message {
	t.Helper()
	m, err := parser.ParseBytes(b)
	require.NoError(t, err)
	checkMessage(t, m, b)
	checkBodies(t, m)
	checkBodiesOf(t, m)
	checkIndex(t, m, b)
	for _, size := range sizes {
		w := parseThrough(t, b, parser, size)
		require.Equal(t, outlines(m), outlines(w))
		require.Equal(t, m.Defects(), w.Defects())
		checkBodies(t, w)
	}
	return m
}

// TestCorpus parses all mail of the test collections, if it is there.
func TestCorpus(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "shared", "data", "mime")
	if _, err := os.Stat(root); err != nil {
		t.Skip("no test collections beside the repository")
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if files++; testing.Short() && files%8 != 0 {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m := checkAll(t, b, Parser{Thorough: true}, 256)
		for p := range m.Parts() {
			_, _, _ = p.Filename(), p.ContentID(), p.Disposition()
			_, _ = p.Header().Addresses("From")
			_, _ = p.Header().Groups("To")
			_, _ = p.Header().Date()
			require.True(t, utf8.ValidString(p.Header().Subject()))
		}
		return nil
	})
	require.NoError(t, err)
	require.NotZero(t, files)
}
