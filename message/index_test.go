package message

import (
	"bytes"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/storm"
)

// checkIndex checks that a message that was loaded is the one that was saved.
func checkIndex(t testing.TB, m *Message, b []byte) {
	index, err := m.AppendIndex([]byte("x"))
	good(t, err)
	loaded, err := m.parser.Load(index[1:], bytes.NewReader(b), int64(len(b)))
	good(t, err)
	sameList(t, outlines(m), outlines(loaded), "parts that were loaded")
	checkMessage(t, loaded, b)
	want, err := m.AppendStructure(nil, true)
	good(t, err)
	got, err := loaded.AppendStructure(nil, true)
	good(t, err)
	sameOctets(t, want, got, "structure of what was loaded")
	again, err := loaded.AppendIndex(nil)
	good(t, err)
	sameOctets(t, index[1:], again, "index of what was loaded")
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "\n", sectionMessage, nestedMessage(6), "bad\nContent-Type: multipart/mixed; boundary=a\n\n--a"} {
		b := crlf(s)
		m, err := ParseBytes(b)
		require.NoError(t, err)
		checkIndex(t, m, b)
		index, err := m.AppendIndex(nil)
		require.NoError(t, err)
		_, err = Load(index, bytes.NewReader(b), int64(len(b)+1))
		require.ErrorIs(t, err, ErrBadIndex)
		_, err = Load(append(index, 0), bytes.NewReader(b), int64(len(b)))
		require.ErrorIs(t, err, ErrBadIndex)
		for i := range index {
			_, err := Load(index[:i], bytes.NewReader(b), int64(len(b)))
			require.ErrorIs(t, err, ErrBadIndex, i)
		}
	}
	m, err := ParseBytes(crlf(sectionMessage))
	require.NoError(t, err)
	m.parts[0].mediaType = "text/plain" // and a multipart
	index, err := m.AppendIndex(nil)
	require.NoError(t, err)
	_, err = Load(index, m.src, m.size)
	require.ErrorIs(t, err, ErrBadIndex)

	m, err = Parse(bytes.NewReader([]byte("\r\nx")), 3)
	require.NoError(t, err)
	m.src = bytes.NewReader(nil)
	_, err = m.AppendIndex(nil)
	require.Error(t, err)
	_, err = m.AppendStructure(nil, false)
	require.Error(t, err)
	_, err = m.Root().Lines()
	require.Error(t, err)
}

// FuzzLoad checks that no index whatever does harm.
func FuzzLoad(tf *testing.F) {
	f := storm.New(tf)
	b := crlf(nestedMessage(6))
	for _, b := range [][]byte{b, crlf(sectionMessage), []byte("x")} {
		m, _ := ParseBytes(b)
		index, _ := m.AppendIndex(nil)
		f.Add(index, uint16(len(b)))
	}
	f.Fuzz(func(t *testing.T, index []byte, size uint16) {
		m, err := Load(index, bytes.NewReader(make([]byte, size)), int64(size))
		if err != nil {
			return
		}
		_, _ = m.AppendStructure(nil, true)
		_ = m.Bodies()
		for p := range m.Parts() {
			_, _, _ = p.Filename(), p.Disposition(), p.Header().AppendEnvelope(nil)
			_, _ = p.AppendText(nil)
			_, _ = p.Lines()
			_ = m.Part(p.Path())
		}
		if again, err := m.AppendIndex(nil); err != nil || len(again) > len(index) {
			t.Fatalf("%v: %x becomes %x", err, index, again)
		}
	})
}

// countReader reads nothing and says that it read so much.
type countReader int

func (n countReader) Read([]byte) (int, error) { return int(n), nil }

func TestRead(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	files := func() int {
		list, err := os.ReadDir(dir)
		require.NoError(t, err)
		return len(list)
	}
	b := crlf(nestedMessage(6))
	want, err := ParseBytes(b)
	require.NoError(t, err)
	for memory, spooled := range map[int]int{0: 0, len(b): 0, len(b) - 1: 1, 1: 1, math.MaxInt: 0} {
		parser := Parser{Memory: memory}
		m, err := parser.Read(bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, spooled, files())
		require.Equal(t, outlines(want), outlines(m.Message))
		checkMessage(t, m.Message, b)
		require.NoError(t, m.Close())
		require.NoError(t, m.Close())
		require.Zero(t, files())
	}
	m, err := Read(bytes.NewReader(b))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	for _, memory := range []int{1, 1 << 20} {
		parser := Parser{Memory: memory, Strict: true}
		_, err = parser.Read(bytes.NewReader([]byte("bad")))
		require.ErrorAs(t, err, new(Defect))
		_, err = parser.Read(io.MultiReader(strings.NewReader("Subject: x"), iotest.ErrReader(errDisk)))
		require.ErrorIs(t, err, errDisk)
		for n, want := range map[int]error{0: io.ErrNoProgress, -1: errBadCount, 1 << 30: errBadCount} {
			_, err = parser.Read(io.MultiReader(strings.NewReader("Subject: x"), countReader(n)))
			require.ErrorIs(t, err, want)
		}
		require.Zero(t, files())
	}
	t.Setenv("TMPDIR", dir+"/missing")
	parser := Parser{Memory: 1}
	_, err = parser.Read(bytes.NewReader(b))
	require.ErrorIs(t, err, os.ErrNotExist)
}
