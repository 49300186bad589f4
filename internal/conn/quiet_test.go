package conn

import (
	"crypto/tls"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// becomes waits until Quiet gives an answer, which the kernel may need a
// moment for.
func becomes(t *testing.T, quiet bool, c *Conn) {
	t.Helper()
	require.Eventually(t, func() bool { return c.Quiet() == quiet }, time.Minute, time.Millisecond)
}

func TestQuiet_Socket(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		for name, disturb := range map[string]func(net.Conn) error{
			"octets": func(peer net.Conn) error { _, err := peer.Write([]byte("421 bye\r\n")); return err },
			"end":    func(peer net.Conn) error { return peer.Close() },
			"reset": func(peer net.Conn) error {
				if tcp, ok := peer.(*net.TCPConn); ok {
					if err := tcp.SetLinger(0); err != nil {
						return err
					}
				}
				return peer.Close()
			},
		} {
			t.Run(network+"/"+name, func(t *testing.T) {
				t.Parallel()
				c, peer := sockets(t, network, Config{})
				require.True(t, c.Quiet())
				_, err := peer.Write([]byte("250 ok\r\n"))
				require.NoError(t, err)
				line, err := c.ReadLine(limit)
				require.NoError(t, err)
				require.Equal(t, "250 ok", string(line))
				require.True(t, c.Quiet())
				require.NoError(t, disturb(peer))
				becomes(t, false, c)
			})
		}
	}
}

// A socket under TLS is asked as well, and session tickets are no disturbance.
func TestQuiet_TLS(t *testing.T) {
	t.Parallel()
	server, client := testnet.Cert(t)
	c, peer := sockets(t, "tcp", Config{})
	secured := tls.Server(peer, server)
	go func() {
		if secured.Handshake() == nil {
			_, _ = secured.Write([]byte("220 hi\r\n"))
		}
	}()
	require.NoError(t, c.StartTLSClient(t.Context(), client))
	_, err := c.ReadLine(limit)
	require.NoError(t, err)
	becomes(t, true, c)
	require.NoError(t, secured.CloseWrite())
	becomes(t, false, c)
}

func TestQuiet_AnyConn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		disturb func(*testnet.Conn) error
		quiet   bool
	}{
		"nothing": {func(*testnet.Conn) error { return nil }, true},
		"octets":  {func(peer *testnet.Conn) error { _, err := peer.Write([]byte("x")); return err }, false},
		"end":     {(*testnet.Conn).Close, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{})
				require.NoError(t, tt.disturb(peer))
				start := time.Now()
				require.Equal(t, tt.quiet, c.Quiet())
				require.LessOrEqual(t, time.Since(start), glance)
				if tt.quiet { // and none the worse
					_, err := peer.Write([]byte("250 ok\r\n421 bye\r\n"))
					require.NoError(t, err)
					_, err = c.ReadLine(limit)
					require.NoError(t, err)
					require.False(t, c.Quiet(), "what is buffered counts")
				}
				require.NoError(t, c.Close())
				require.False(t, c.Quiet())
			})
		})
	}
}
