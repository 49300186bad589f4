package conn

import (
	"context"
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// securedPair returns the two ends of a connection after the handshake.
func securedPair(t *testing.T, serverConfig, clientConfig *tls.Config) (server, client *Conn) {
	t.Helper()
	a, b := testnet.Pipe()
	server, client = New(a, Config{}), New(b, Config{})
	result := make(chan error)
	go func() { result <- server.StartTLSServer(t.Context(), serverConfig, nil) }()
	require.NoError(t, client.StartTLSClient(t.Context(), clientConfig))
	require.NoError(t, <-result)
	return server, client
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		a, b := testnet.Pipe()
		a.SplitWrites(7)
		server, client := New(a, Config{}), New(b, Config{})
		result := make(chan error)
		go func() {
			_, err := server.ReadLine(limit)
			if err == nil {
				_, err = server.Writer().WriteString("220 go ahead\r\n") // sent by StartTLSServer
			}
			if err == nil {
				err = server.StartTLSServer(t.Context(), serverConfig, nil)
			}
			result <- err
		}()
		require.Nil(t, server.TLS())
		require.Nil(t, client.TLS())
		_, err := client.Writer().WriteString("STARTTLS\r\n")
		require.NoError(t, err)
		require.NoError(t, client.Flush())
		_, err = client.ReadLine(limit)
		require.NoError(t, err)
		require.NoError(t, client.StartTLSClient(t.Context(), clientConfig))
		require.NoError(t, <-result)
		require.True(t, server.TLS().HandshakeComplete)
		require.Equal(t, "mail.example", client.TLS().PeerCertificates[0].DNSNames[0])
		require.Same(t, client.TLS(), client.TLS())

		// Lines and a body there and back.
		body := strings.Repeat("0123456789abcde\r\n", 1<<12)
		go func() {
			line, err := server.ReadLine(limit)
			if err == nil && string(line) == "EHLO again" {
				server.BeginBody()
				_, err = server.Writer().WriteString(body)
			}
			if err == nil {
				err = server.Flush()
			}
			result <- err
		}()
		_, err = client.Writer().WriteString("EHLO again\r\n")
		require.NoError(t, err)
		require.NoError(t, client.Flush())
		got := make([]byte, len(body))
		client.BeginBody()
		_, err = io.ReadFull(client.Reader(), got)
		require.NoError(t, err)
		require.Equal(t, body, string(got))
		require.NoError(t, <-result)
		client.EndBody()

		require.Equal(t, ErrTLSActive, client.StartTLSClient(t.Context(), clientConfig))

		// The goodbye arrives.
		require.NoError(t, server.Close())
		_, err = client.ReadLine(limit)
		require.Equal(t, io.EOF, err)
		require.NoError(t, client.Close())
	})
}

func TestStartTLSRefusesWhatCameInCleartext(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	for name, start := range map[string]func(context.Context, *Conn) error{
		"server": func(ctx context.Context, c *Conn) error { return c.StartTLSServer(ctx, serverConfig, nil) },
		"client": func(ctx context.Context, c *Conn) error { return c.StartTLSClient(ctx, clientConfig) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{})
				_, err := peer.Write([]byte("STARTTLS\r\nRSET\r\n"))
				require.NoError(t, err)
				_, err = c.ReadLine(limit)
				require.NoError(t, err)
				_, err = c.Writer().WriteString("not to be sent")
				require.NoError(t, err)
				require.Equal(t, ErrPlaintextBuffered, start(t.Context(), c))
				require.Nil(t, c.TLS())
				require.NoError(t, c.Close())
				got, err := io.ReadAll(peer)
				require.NoError(t, err)
				require.Empty(t, got, "neither a handshake nor a reply that agrees to one")
			})
		})
		t.Run(name+", not yet received", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, Config{})
				_, err := peer.Write([]byte("RSET\r\n"))
				require.NoError(t, err)
				err = start(t.Context(), c)
				require.ErrorContains(t, err, "handshake: ")
				require.Nil(t, c.TLS())
				_, err = c.ReadLine(limit)
				require.ErrorContains(t, err, "handshake: ", "it is broken for good")
			})
		})
	}
}

func TestHandshakeDeadline(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	for _, row := range []struct {
		name   string
		config Config
		want   time.Duration
	}{
		{"default", Config{}, 10 * time.Second},
		{"longer than the timeout", Config{Timeout: time.Second, HandshakeTimeout: time.Minute}, time.Minute},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, peer := pair(t, row.config)
				start := time.Now()
				// A drip of what could be a long record.
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, err := peer.Write([]byte("\x16\x03\x01\x3f\xff"))
					for err == nil {
						time.Sleep(time.Second / 2)
						_, err = peer.Write([]byte("x"))
					}
				}()
				err := c.StartTLSServer(t.Context(), serverConfig, nil)
				requireTimeout(t, err)
				require.Equal(t, row.want, time.Since(start))
				require.NoError(t, c.Close())
				<-done
			})
			synctest.Test(t, func(t *testing.T) {
				c, _ := pair(t, row.config)
				start := time.Now()
				err := c.StartTLSClient(t.Context(), clientConfig)
				requireTimeout(t, err)
				require.Equal(t, row.want, time.Since(start))
			})
		})
	}
}

// TestHandshakeWaitsWithoutBuffers: one that the client does not begin holds none, not
// even that of the command that asked for it.
func TestHandshakeWaitsWithoutBuffers(t *testing.T) {
	const conns = 200
	server, _ := testnet.Cert(t)
	before := inUse()
	ended := make(chan error, conns)
	all := make([]*Conn, conns)
	for i := range all {
		c, peer := sockets(t, "tcp", Config{})
		all[i] = c
		_, err := io.WriteString(peer, "STARTTLS\r\n")
		require.NoError(t, err)
		_, err = c.ReadLine(limit)
		require.NoError(t, err)
		_, err = c.Writer().WriteString("220 go\r\n")
		require.NoError(t, err)
		go func() { ended <- c.StartTLSServer(context.Background(), server, nil) }()
		_, err = peer.Read(make([]byte, 10))
		require.NoError(t, err)
	}
	require.Less(t, inUse()-before, int64(conns*40<<10), "a buffer alone has 64 KB")
	for _, c := range all {
		require.NoError(t, c.Close())
		require.Error(t, <-ended)
	}
}

func TestHandshakeCancelled(t *testing.T) {
	t.Parallel()
	serverConfig, _ := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		c, _ := pair(t, Config{})
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Second)
			cancel(errCause)
		}()
		start := time.Now()
		require.Equal(t, errCause, c.StartTLSServer(ctx, serverConfig, nil))
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestHandshakeWrongName(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	clientConfig = clientConfig.Clone()
	clientConfig.ServerName = "other.example"
	synctest.Test(t, func(t *testing.T) {
		a, b := testnet.Pipe()
		server, client := New(a, Config{}), New(b, Config{})
		result := make(chan error)
		go func() { result <- server.StartTLSServer(t.Context(), serverConfig, nil) }()
		var verification *tls.CertificateVerificationError
		require.ErrorAs(t, client.StartTLSClient(t.Context(), clientConfig), &verification)
		require.Nil(t, client.TLS())
		_, err := client.link.Write([]byte("AUTH PLAIN c2VjcmV0\r\n"))
		require.ErrorAs(t, err, &verification, "there is no way back to cleartext")
		require.NoError(t, client.Close())
		require.Error(t, <-result)
		require.NoError(t, server.Close())
	})
}

func TestTimeoutsUnderTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		server.SetTimeout(time.Minute)
		start := time.Now()
		_, err := server.ReadLine(limit)
		requireTimeout(t, err)
		require.Equal(t, time.Minute, time.Since(start))

		// Saying so works, and so does the goodbye.
		_, err = server.Writer().WriteString("421 4.4.2 timeout\r\n")
		require.NoError(t, err)
		require.NoError(t, server.Flush())
		require.NoError(t, server.Close())
		line, err := client.ReadLine(limit)
		require.NoError(t, err)
		require.Equal(t, "421 4.4.2 timeout", string(line))
		_, err = client.ReadLine(limit)
		require.Equal(t, io.EOF, err)
		require.NoError(t, client.Close())
	})
}

// TestSlowReaderUnderTLS has TLS records that take longer than the timeout, at
// a steady pace.
func TestSlowReaderUnderTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		server.SetTimeout(10 * time.Second)
		server.link.nc.(*testnet.Conn).SetWriteBuffer(512)
		slow := &slowly{Conn: client.link.nc.(*testnet.Conn)}
		client.link.nc = slow
		result := make(chan error)
		const size = 1 << 18
		go func() {
			server.BeginBody()
			_, err := server.Writer().Write(make([]byte, size))
			if err == nil {
				err = server.Flush()
			}
			result <- err
		}()
		start := time.Now()
		client.BeginBody()
		_, err := io.ReadFull(client.Reader(), make([]byte, size))
		require.NoError(t, err)
		require.NoError(t, <-result)
		require.Greater(t, time.Since(start), time.Minute)
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
	})
}

// slowly reads 500 octets a second.
type slowly struct{ *testnet.Conn }

func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	return s.Conn.Read(p[:min(len(p), 500)])
}

func TestCancelUnderTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer server.Bind(ctx)()
		read, written := make(chan error), make(chan error)
		go func() {
			_, err := server.ReadLine(limit)
			read <- err
		}()
		go func() {
			_, err := server.Writer().Write(make([]byte, 1<<20))
			written <- err
		}()
		synctest.Wait()
		cancel(errCause)
		require.Equal(t, errCause, <-read)
		require.Equal(t, errCause, <-written)
		require.NoError(t, server.Close())
		require.NoError(t, client.Close())
	})
}

func TestInterruptUnderTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		server, client := securedPair(t, serverConfig, clientConfig)
		result := make(chan error)
		go func() {
			_, err := server.ReadLine(limit)
			result <- err
		}()
		synctest.Wait()
		server.Interrupt()
		require.Equal(t, ErrInterrupted, <-result)
		require.NoError(t, server.Err())
		_, err := server.Writer().WriteString("421 4.3.2 bye\r\n")
		require.NoError(t, err)
		require.NoError(t, server.Flush())
		line, err := client.ReadLine(limit)
		require.NoError(t, err)
		require.Equal(t, "421 4.3.2 bye", string(line))
		require.NoError(t, server.Close())
		require.NoError(t, client.Close())
	})
}

// TestListenerWithTLS is about connections that come as a *tls.Conn.
func TestListenerWithTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	synctest.Test(t, func(t *testing.T) {
		a, b := testnet.Pipe()
		server, client := New(tls.Server(a, serverConfig), Config{}), New(b, Config{})
		require.Nil(t, server.TLS())
		result := make(chan error)
		go func() {
			_, _ = server.Writer().WriteString("220 hello\r\n")
			result <- server.Flush()
		}()
		require.NoError(t, client.StartTLSClient(t.Context(), clientConfig))
		require.NoError(t, <-result)
		require.True(t, server.TLS().HandshakeComplete)
		require.Equal(t, ErrTLSActive, server.StartTLSServer(t.Context(), serverConfig, nil))
		line, err := client.ReadLine(limit)
		require.NoError(t, err)
		require.Equal(t, "220 hello", string(line))

		start := time.Now()
		server.SetTimeout(time.Minute)
		_, err = server.ReadLine(limit)
		requireTimeout(t, err)
		require.Equal(t, time.Minute, time.Since(start))
		start = time.Now()
		_, err = server.Writer().Write(make([]byte, 1<<20))
		requireTimeout(t, err)
		require.Equal(t, time.Minute, time.Since(start))

		start = time.Now()
		require.NoError(t, server.Close())
		require.Zero(t, time.Since(start))
		require.NoError(t, client.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		a, b := testnet.Pipe()
		server := New(tls.Server(a, serverConfig), Config{})
		start := time.Now()
		_, err := server.ReadLine(limit)
		requireTimeout(t, err)
		require.ErrorContains(t, err, "handshake: ")
		require.Equal(t, defaultHandshakeTimeout, time.Since(start))
		require.NoError(t, server.Close())
		require.NoError(t, b.Close())
	})
}
