package message

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// opened counts the attachments that are open.
type opened struct {
	io.Reader
	open *int
}

func (o opened) Close() error { *o.open--; return nil }

func TestDraftReaderSeeks(t *testing.T) {
	t.Parallel()
	open := 0
	content := bytes.Repeat([]byte("0123456789"), 20_000)
	file := Attachment{Name: "a", Open: func() (io.ReadCloser, error) {
		open++
		return opened{bytes.NewReader(content), &open}, nil
	}}
	c, err := composeAt(&Draft{From: me, Text: "x", Attachments: []Attachment{file, FromBytes("b", "", []byte("b")), file}})
	require.NoError(t, err)
	var want bytes.Buffer
	_, err = c.WriteTo(&want)
	require.NoError(t, err)
	size := int64(want.Len())

	r, ok := c.Reader().(io.ReadSeekCloser)
	require.True(t, ok)
	for _, at := range []int64{0, 1, 100, 5, size / 2, size/2 + 1, 50_000, 3, size - 1, size, 0, 0, size, size - 7} {
		n, err := r.Seek(at, io.SeekStart)
		require.NoError(t, err)
		require.Equal(t, at, n)
		n, err = r.Seek(0, io.SeekCurrent)
		require.NoError(t, err)
		require.Equal(t, at, n)
		piece := make([]byte, min(1000, size-at))
		_, err = io.ReadFull(r, piece)
		require.NoError(t, err)
		require.Equal(t, want.Bytes()[at:at+int64(len(piece))], piece)
		require.LessOrEqual(t, open, 1)
	}
	_, err = r.Seek(0, io.SeekStart)
	require.NoError(t, err)
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want.Bytes(), all))
	require.Zero(t, open)

	for _, bad := range []struct {
		at     int64
		whence int
	}{{-1, io.SeekStart}, {-size - 1, io.SeekCurrent}, {size + 1, io.SeekStart}, {1, io.SeekEnd}, {-size - 1, io.SeekEnd}, {0, 7}} {
		_, err := r.Seek(bad.at, bad.whence)
		require.Error(t, err)
		require.NotErrorIs(t, err, io.EOF)
	}
	n, err := r.Seek(-size/2, io.SeekEnd)
	require.NoError(t, err)
	require.Equal(t, size-size/2, n)
	require.Equal(t, 1, open)
	require.NoError(t, r.Close())
	require.Zero(t, open)
	_, err = r.Seek(0, io.SeekStart)
	require.ErrorIs(t, err, fs.ErrClosed)
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
}

// TestDraftReaderTriesAgain: what has failed once is asked again by who goes back.
func TestDraftReaderTriesAgain(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x"} {
		failing := errors.New("no disk")
		c, err := composeAt(&Draft{From: me, Text: text, Attachments: []Attachment{{Name: "a", Open: func() (io.ReadCloser, error) {
			if failing != nil {
				return nil, failing
			}
			return io.NopCloser(strings.NewReader("there")), nil
		}}}})
		require.NoError(t, err)
		r := c.Reader().(io.ReadSeekCloser)
		for range 2 {
			_, err = io.ReadAll(r)
			require.ErrorIs(t, err, failing)
		}
		_, err = r.Seek(0, io.SeekStart)
		require.NoError(t, err)
		_, err = io.ReadAll(r)
		require.ErrorIs(t, err, failing)
		failing = nil
		_, err = r.Seek(0, io.SeekStart)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Contains(t, string(b), "dGhlcmU=")
		require.NoError(t, r.Close())
	}
}
