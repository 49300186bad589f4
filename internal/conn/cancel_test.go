package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

var errCause = errors.New("enough of it")

func TestBind(t *testing.T) {
	t.Parallel()
	ops := map[string]func(*Conn) error{
		"read": func(c *Conn) error {
			_, err := c.ReadLine(limit)
			return err
		},
		"write": func(c *Conn) error {
			_, err := c.Writer().Write(make([]byte, 1<<20))
			return err
		},
		"body": func(c *Conn) error {
			c.BeginBody()
			_, err := c.Reader().Read(make([]byte, 1<<20))
			return err
		},
	}
	for name, op := range ops {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, _ := pair(t, Config{})
				ctx, cancel := context.WithCancelCause(t.Context())
				release := c.Bind(ctx)
				defer release()
				result := make(chan error)
				go func() { result <- op(c) }()
				time.Sleep(time.Second)
				start := time.Now()
				cancel(errCause)
				require.Equal(t, errCause, <-result)
				require.Zero(t, time.Since(start))
				require.Equal(t, errCause, c.Err())

				// It is broken for good, whatever is tried.
				c.SetTimeout(time.Hour)
				c.BeginBody()
				_, err := c.link.Read(make([]byte, 1))
				require.Equal(t, errCause, err)
				c.EndBody()
				_, err = c.link.Write(make([]byte, 1))
				require.Equal(t, errCause, err)
			})
		})
	}
}

func TestBindDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := pair(t, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		defer c.Bind(ctx)()
		start := time.Now()
		_, err := c.ReadLine(limit)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestBindEndedContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		_, err := peer.Write([]byte("NOOP\r\n"))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errCause)
		defer c.Bind(ctx)()
		_, err = c.ReadLine(limit)
		require.Equal(t, errCause, err)
	})
}

func TestBindRelease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		c.Bind(ctx)()
		c.Bind(context.Background())()
		cancel()
		synctest.Wait()
		_, err := peer.Write([]byte("NOOP\r\n"))
		require.NoError(t, err)
		_, err = c.ReadLine(limit)
		require.NoError(t, err)
		require.NoError(t, c.Err())
	})
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for name, partial := range map[string]string{"nothing received": "", "half a line received": "NOO"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{})
				_, err := peer.Write([]byte(partial))
				require.NoError(t, err)
				result := make(chan error)
				go func() {
					_, err := c.ReadLine(limit)
					result <- err
				}()
				synctest.Wait()
				c.Interrupt()
				require.Equal(t, ErrInterrupted, <-result)
				require.NoError(t, c.Err())
				_, err = c.Writer().WriteString("421 4.3.2 bye\r\n")
				require.NoError(t, err)
				require.NoError(t, c.Flush())
				require.NoError(t, c.Close())
				got, err := io.ReadAll(peer)
				require.NoError(t, err)
				require.Equal(t, "421 4.3.2 bye\r\n", string(got))
			})
		})
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{Timeout: time.Minute})
		_, err := peer.Write([]byte("DELE 1\r\n"))
		require.NoError(t, err)
		_, err = c.ReadLine(limit)
		require.NoError(t, err)
		c.Interrupt()
		c.Resume()
		go func() {
			time.Sleep(59 * time.Second)
			_, _ = peer.Write([]byte("QUIT\r\n"))
		}()
		line, err := c.ReadLine(limit)
		require.NoError(t, err)
		require.Equal(t, "QUIT", string(line))
		began := time.Now()
		_, err = c.ReadLine(limit)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
	})
}

func TestInterruptLeavesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		_, err := peer.Write([]byte("DATA\r\nRSET\r\n"))
		require.NoError(t, err)
		_, err = c.ReadLine(limit)
		require.NoError(t, err)
		c.Interrupt()
		line, err := c.ReadLine(limit)
		require.NoError(t, err, "what is buffered is read")
		require.Equal(t, "RSET", string(line))

		c.BeginBody()
		go func() {
			for range 3 {
				time.Sleep(time.Minute)
				_, _ = peer.Write([]byte("text\r\n"))
				c.Interrupt()
			}
		}()
		for range 3 {
			line, err = c.ReadLine(limit)
			require.NoError(t, err, "a body is not interrupted")
			require.Equal(t, "text", string(line))
		}
		c.EndBody()
		synctest.Wait()
		_, err = c.ReadLine(limit)
		require.Equal(t, ErrInterrupted, err)
	})
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, peer := pair(t, Config{})
		result := make(chan error)
		go func() {
			_, err := c.ReadLine(limit)
			result <- err
		}()
		synctest.Wait()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-result, net.ErrClosed)
		require.NoError(t, c.Close())
		require.ErrorIs(t, c.Err(), net.ErrClosed)
		_, err := peer.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
		_, err = c.Writer().Write(make([]byte, 1<<16))
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// TestCloseTLSWithADeafPeer has a peer that reads nothing, so that the goodbye
// of TLS has nowhere to go.
func TestCloseTLSWithADeafPeer(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		result := make(chan error)
		go func() {
			_, err := client.Writer().Write(make([]byte, 1<<20))
			result <- err
		}()
		synctest.Wait()
		start := time.Now()
		require.NoError(t, client.Close())
		require.Zero(t, time.Since(start), "a write is under way: there is no goodbye to say")
		require.ErrorIs(t, <-result, net.ErrClosed)

		server.link.nc.(*testnet.Conn).SetWriteBuffer(1)
		require.NoError(t, server.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		server.link.nc.(*testnet.Conn).SetWriteBuffer(1)
		start := time.Now()
		require.NoError(t, server.Close())
		require.LessOrEqual(t, time.Since(start), closeTimeout)
		require.NotZero(t, time.Since(start))
		require.NoError(t, client.Close())
	})
}
