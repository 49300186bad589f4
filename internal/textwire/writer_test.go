package textwire

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// writes records each Write.
type writes struct {
	got []string
	err error // of the next one
	cut int   // octets that the next one leaves out
}

func (w *writes) Write(p []byte) (int, error) {
	n := len(p) - w.cut
	w.got = append(w.got, string(p[:n]))
	return n, w.err
}

func TestWriter_GathersRepliesInOneWrite(t *testing.T) {
	t.Parallel()
	var dst writes
	w := NewWriter(&dst)
	for _, reply := range []string{"250 OK\r\n", "250 OK\r\n", "354 go\r\n"} {
		n, err := w.WriteString(reply)
		require.NoError(t, err)
		require.Equal(t, len(reply), n)
	}
	require.Empty(t, dst.got)
	require.Equal(t, 24, w.Buffered())
	require.NoError(t, w.Flush())
	require.Equal(t, []string{"250 OK\r\n250 OK\r\n354 go\r\n"}, dst.got)
	require.Zero(t, w.Buffered())
	require.Nil(t, w.buf, "a buffer is kept with nothing pending")
	require.NoError(t, w.Flush())
	require.Len(t, dst.got, 1, "a Flush of nothing writes")
}

func TestWriter_AvailableBuffer(t *testing.T) {
	t.Parallel()
	var dst writes
	w := NewWriter(&dst)
	for range 3 {
		b := append(w.AvailableBuffer(), "250 OK\r\n"...)
		n, err := w.Write(b)
		require.NoError(t, err)
		require.Equal(t, len(b), n)
	}
	big := append(w.AvailableBuffer(), strings.Repeat("x", BufferSize)...)
	_, err := w.Write(big)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	require.Equal(t, strings.Repeat("250 OK\r\n", 3)+string(big), strings.Join(dst.got, ""))
}

func TestWriter_Sizes(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 1, BufferSize - 1, BufferSize} {
		for _, second := range []int{0, 1, BufferSize - 1, BufferSize, BufferSize + 1, 3*BufferSize + 5} {
			for _, asString := range []bool{false, true} {
				var dst writes
				w := NewWriter(&dst)
				a, b := strings.Repeat("a", first), strings.Repeat("b", second)
				_, err := w.WriteString(a)
				require.NoError(t, err)
				var n int
				if asString {
					n, err = w.WriteString(b)
				} else {
					n, err = w.Write([]byte(b))
				}
				require.NoError(t, err)
				require.Equal(t, second, n)
				require.Less(t, w.Buffered(), BufferSize)
				require.NoError(t, w.Flush())
				require.True(t, a+b == strings.Join(dst.got, ""), "%d, %d", first, second)
			}
		}
	}
}

func TestWriter_BigWriteIsNotCopied(t *testing.T) {
	t.Parallel()
	p := make([]byte, 3*BufferSize)
	var got []byte
	w := NewWriter(writerFunc(func(b []byte) (int, error) { got = b; return len(b), nil }))
	_, err := w.Write(p)
	require.NoError(t, err)
	require.Same(t, &p[0], &got[0])
	require.Len(t, got, len(p))
	require.Nil(t, w.buf)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriter_ErrorsAreSticky(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := []struct {
		name string
		dst  *writes
		want error
	}{
		{"error", &writes{err: broken}, broken},
		{"short write", &writes{cut: 1}, io.ErrShortWrite},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := NewWriter(tt.dst)
			_, err := w.WriteString("220 hello\r\n")
			require.NoError(t, err)
			require.Equal(t, tt.want, w.Flush())
			tt.dst.err, tt.dst.cut = nil, 0
			n, err := w.WriteString("250 OK\r\n")
			require.Equal(t, tt.want, err)
			require.Zero(t, n)
			n, err = w.Write([]byte("250 OK\r\n"))
			require.Equal(t, tt.want, err)
			require.Zero(t, n)
			require.Equal(t, tt.want, w.Flush())
			require.Len(t, tt.dst.got, 1)
			w.Reset(tt.dst)
			_, err = w.WriteString("250 OK\r\n")
			require.NoError(t, err)
			require.NoError(t, w.Flush())
		})
	}
}

func TestWriter_BigWriteError(t *testing.T) {
	t.Parallel()
	dst := &writes{err: errors.New("broken"), cut: 10}
	n, err := NewWriter(dst).Write(make([]byte, 2*BufferSize))
	require.Equal(t, dst.err, err)
	require.Equal(t, 2*BufferSize-10, n)
}

// Whether the last octet may have left is told by how much dst took, not by its
// error.
func TestWriter_Unsent(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, tt := range []struct {
		cut  int
		want bool
	}{{1, true}, {5, true}, {0, false}} {
		dst := writes{err: boom, cut: tt.cut}
		w := NewWriter(&dst)
		_, err := w.WriteString("QUIT\r\n")
		require.NoError(t, err)
		require.ErrorIs(t, w.Flush(), boom)
		require.Equal(t, tt.want, w.Unsent(), "%d octets left out", tt.cut)
	}
}
