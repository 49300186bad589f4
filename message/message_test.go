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
	buf := make([]byte, size)
	m := &Message{src: bytes.NewReader(b), size: int64(len(b))}
	m, err := parser.parse(newScanner(m, parser.Limits, window{src: m.src, size: m.size, pool: &buf, buf: buf[:0]}))
	good(t, err)
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
	last := make([]int64, len(m.parts)) // where the last part in each ended
	for p := range m.Parts() {
		if p.start < 0 || p.start > p.body || p.body > p.end || p.end > int64(len(b)) {
			t.Fatalf("offsets of %s", p.Path())
		}
		if up := p.Parent(); up == nil {
			same(t, [2]int64{0, int64(len(b))}, [2]int64{p.start, p.end}, "the message is all of it")
		} else {
			if p.start < max(up.body, last[up.index]) || p.end > up.end {
				t.Fatalf("%s lies in the part before, or outside its parent", p.Path())
			}
			last[up.index] = p.end
		}
		if p.index < 200 {
			same(t, p, m.Part(p.Path()), "the part by its path")
		}

		h := p.Header()
		rest := h.Raw()
		for f := range h.All() {
			rest = bytes.TrimPrefix(rest, f.Raw())
		}
		same(t, 0, len(rest), "the fields make up the header")
		between := b[p.start+int64(len(h.Raw())) : p.body]
		same(t, true, bytes.HasPrefix(b[p.start:], h.Raw()) && (len(between) == 0 || emptyLine(between)), "the header and what ends it")

		raw := make([]byte, p.end-p.start+1)
		n, err := io.ReadFull(p.Raw(), raw)
		if err != io.ErrUnexpectedEOF && err != io.EOF {
			t.Fatalf("%s: %v, more than %d octets", p.Path(), err, n)
		}
		sameOctets(t, b[p.start:p.end], raw[:n], "the part as it stands")
	}
}

// checkBodies checks that all ways to a body give the same.
func checkBodies(t testing.TB, m *Message) {
	var want, text []byte
	var got bytes.Buffer
	for p := range m.Parts() {
		var err error
		want, err = p.AppendBody(append(want[:0], 'x'))
		good(t, err)
		got.Reset()
		_, err = got.ReadFrom(iotest.HalfReader(p.Open()))
		good(t, err)
		sameOctets(t, want[1:], got.Bytes(), "a body read")
		got.Reset()
		_, err = p.Open().(io.WriterTo).WriteTo(&got)
		good(t, err)
		sameOctets(t, want[1:], got.Bytes(), "a body written")

		text, err = p.AppendText(append(text[:0], 'x'))
		good(t, err)
		same(t, true, utf8.Valid(text), "text is UTF-8")
		got.Reset()
		_, err = got.ReadFrom(p.Text())
		good(t, err)
		sameOctets(t, text[1:], got.Bytes(), "a text read")
	}
}

// checkAll checks everything of b, and that a window gives what memory gives.
func checkAll(t testing.TB, b []byte, parser Parser, sizes ...int) *Message {
	m, err := parser.ParseBytes(b)
	good(t, err)
	checkMessage(t, m, b)
	checkBodies(t, m)
	checkBodiesOf(t, m)
	checkIndex(t, m, b)
	for _, size := range sizes {
		w := parseThrough(t, b, parser, size)
		sameList(t, outlines(m), outlines(w), "parts through a window")
		sameList(t, m.Defects(), w.Defects(), "defects through a window")
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
