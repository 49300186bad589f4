package conn

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// secure makes the handshake of both ends.
func secure(t *testing.T, c *Conn, peer net.Conn, server, client *tls.Config) net.Conn {
	t.Helper()
	result := make(chan error)
	go func() { result <- c.StartTLSServer(t.Context(), server, nil) }()
	secured := tls.Client(peer, client)
	require.NoError(t, secured.Handshake())
	require.NoError(t, <-result)
	return secured
}

// TestLineBuffered: whether the peer has sent more lines is known without waiting for it,
// wherever the octets that are there may end; and when it has, they are found.
func TestLineBuffered(t *testing.T) {
	t.Parallel()
	server, client := testnet.Cert(t, "mail.example")
	check := func(t *testing.T, c *Conn, peer net.Conn) {
		for n := range 140 {
			_, err := peer.Write([]byte("NOOP\r\n" + strings.Repeat("x", n)))
			require.NoError(t, err)
			_, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.False(t, c.Reader().LineBuffered(), n)
			_, err = peer.Write([]byte("\r\nQUIT\r\n"))
			require.NoError(t, err)
			line, err := c.ReadLine(limit)
			require.NoError(t, err)
			require.Len(t, line, n)
			line, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, "QUIT", string(line))

			_, err = peer.Write([]byte("NOOP\r\n" + strings.Repeat("x", n) + "\r\n"))
			require.NoError(t, err)
			_, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.True(t, c.Reader().LineBuffered(), n)
			_, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.NoError(t, c.Err())
		}
	}
	t.Run("pipe", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			near, far := testnet.Pipe()
			defer near.Close()
			defer far.Close()
			begin := time.Now()
			check(t, New(near, Config{}), far)
			require.LessOrEqual(t, time.Since(begin), 4*glance)
		})
	})
	t.Run("TLS over a pipe", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			near, far := testnet.Pipe()
			defer near.Close()
			defer far.Close()
			c := New(near, Config{})
			secured := secure(t, c, far, server, client)
			begin := time.Now()
			check(t, c, secured)
			require.LessOrEqual(t, time.Since(begin), 4*glance)
		})
	})
	t.Run("TLS over TCP", func(t *testing.T) {
		t.Parallel()
		c, peer := sockets(t, "tcp", Config{})
		check(t, c, secure(t, c, peer, server, client))
	})
}

// TestTry_Aborted: what ends reading ends trying.
func TestTry_Aborted(t *testing.T) {
	t.Parallel()
	near, far := testnet.Pipe()
	defer far.Close()
	c := New(near, Config{})
	c.Abort(net.ErrClosed)
	_, err := c.link.Try(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	c = New(far, Config{})
	require.NoError(t, near.Close())
	_, err = c.link.Try(make([]byte, 1))
	require.Error(t, err)
	require.Equal(t, err, c.Err())
}
