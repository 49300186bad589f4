package testpeer

import (
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPipe is about the network in memory: deadlines, closing, and a buffer that
// does not grow.
func TestPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := NewPipe("server.test:1")
		b := make([]byte, pipeBuffer+1)
		start := time.Now()

		require.NoError(t, client.SetDeadline(start.Add(time.Second)))
		_, err := client.Read(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.NoError(t, client.SetDeadline(time.Time{}))

		require.NoError(t, server.SetWriteDeadline(start.Add(time.Minute)))
		n, err := server.Write(b)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, pipeBuffer, n)
		require.Equal(t, time.Minute, time.Since(start))
		require.NoError(t, server.SetWriteDeadline(time.Time{}))

		require.NoError(t, server.Close())
		n, err = io.ReadFull(client, b[:pipeBuffer])
		require.NoError(t, err)
		require.Equal(t, pipeBuffer, n)
		_, err = client.Read(b)
		require.Equal(t, io.EOF, err)
		_, err = client.Write(b)
		require.Error(t, err)
		_, err = server.Read(b)
		require.Error(t, err)
		require.Equal(t, client.LocalAddr(), server.RemoteAddr())
		require.Equal(t, "memory", server.LocalAddr().Network())
	})
}
