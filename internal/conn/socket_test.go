package conn

import (
	"bytes"
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/textwire"
)

// sockets returns a Conn over a socket of the loopback interface, and its
// peer.
func sockets(t testing.TB, network string, cfg Config) (*Conn, net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/s"
	}
	ln, err := net.Listen(network, address)
	require.NoError(t, err)
	defer func() { require.NoError(t, ln.Close()) }()
	peer, err := net.Dial(network, ln.Addr().String())
	require.NoError(t, err)
	nc, err := ln.Accept()
	require.NoError(t, err)
	c := New(nc, cfg)
	t.Cleanup(func() {
		_ = c.Close()
		_ = peer.Close()
	})
	return c, peer
}

func TestSocket(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			c, peer := sockets(t, network, Config{})
			body := bytes.Repeat([]byte("a line of thirty-two octets....\r\n"), 1<<14)
			go func() {
				_, _ = peer.Write([]byte("DATA\r\n"))
				_, _ = peer.Read(make([]byte, 64)) // the 354
				_, _ = peer.Write(append(append([]byte{}, body...), ".\r\nQUIT\r\n"...))
				_, _ = io.Copy(peer, peer)
				_ = peer.Close()
			}()
			line, err := c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, "DATA", string(line))
			_, err = c.Writer().WriteString("354 go on\r\n")
			require.NoError(t, err)
			require.NoError(t, c.Flush())
			c.BeginBody()
			got, err := io.ReadAll(textwire.NewDotReader(c.Reader(), textwire.Strict))
			require.NoError(t, err)
			require.True(t, bytes.Equal(body, got))
			c.EndBody()
			line, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, "QUIT", string(line))

			// What is echoed, up to the end of the other direction.
			_, err = c.Writer().WriteString("ECHO\r\n")
			require.NoError(t, err)
			require.NoError(t, c.Flush())
			line, err = c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, "ECHO", string(line))
			require.NoError(t, c.link.nc.(interface{ CloseWrite() error }).CloseWrite())
			_, err = c.ReadLine(limit)
			require.Equal(t, io.EOF, err)
			require.Equal(t, io.EOF, c.Err())
		})
	}
}

func TestSocketEnds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		act  func(t *testing.T, c *Conn, peer net.Conn)
		want func(t *testing.T, err error)
	}{
		{"timeout", func(_ *testing.T, c *Conn, _ net.Conn) { c.SetTimeout(20 * time.Millisecond) }, requireTimeout},
		{"interrupt", func(_ *testing.T, c *Conn, _ net.Conn) { c.Interrupt() }, func(t *testing.T, err error) { require.Equal(t, ErrInterrupted, err) }},
		{"close", func(t *testing.T, c *Conn, _ net.Conn) { require.NoError(t, c.Close()) }, func(t *testing.T, err error) { require.ErrorIs(t, err, net.ErrClosed) }},
		{"peer closes", func(t *testing.T, _ *Conn, peer net.Conn) { require.NoError(t, peer.Close()) }, func(t *testing.T, err error) { require.Equal(t, io.EOF, err) }},
		{"peer resets", func(t *testing.T, _ *Conn, peer net.Conn) {
			require.NoError(t, peer.(*net.TCPConn).SetLinger(0))
			require.NoError(t, peer.Close())
		}, func(t *testing.T, err error) {
			var opError *net.OpError
			require.ErrorAs(t, err, &opError)
			require.Equal(t, "read", opError.Op)
			require.ErrorContains(t, err, "reset")
		}},
		{"context", func(t *testing.T, c *Conn, _ net.Conn) {
			ctx, cancel := context.WithCancelCause(t.Context())
			c.Bind(ctx)
			cancel(errCause)
		}, func(t *testing.T, err error) { require.Equal(t, errCause, err) }},
	} {
		for _, waiting := range []bool{false, true} {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				c, peer := sockets(t, "tcp", Config{})
				if !waiting || row.name == "timeout" {
					row.act(t, c, peer)
					_, err := c.ReadLine(limit)
					row.want(t, err)
					return
				}
				result := make(chan error)
				go func() {
					_, err := c.ReadLine(limit)
					result <- err
				}()
				runtime.Gosched()
				start := time.Now()
				row.act(t, c, peer)
				row.want(t, <-result)
				require.Less(t, time.Since(start), 100*time.Millisecond)
			})
		}
	}
}

// wrapped is a type of a user's that changes what is read; it has the methods
// of a socket.
type wrapped struct{ *net.TCPConn }

func (w wrapped) Read(p []byte) (int, error) {
	n, err := w.TCPConn.Read(p)
	copy(p[:n], bytes.ToUpper(p[:n]))
	return n, err
}

func TestWrappedSocketIsReadByItsOwnRead(t *testing.T) {
	t.Parallel()
	c, peer := sockets(t, "tcp", Config{})
	c = New(wrapped{c.link.nc.(*net.TCPConn)}, Config{})
	_, err := peer.Write([]byte("noop\r\n"))
	require.NoError(t, err)
	line, err := c.ReadLine(limit)
	require.NoError(t, err)
	require.Equal(t, "NOOP", string(line))
}

// TestLastReplyArrives has a peer that has said more than we care to read: what
// it was told last, and an orderly end, must reach it all the same.
func TestLastReplyArrives(t *testing.T) {
	t.Parallel()
	c, peer := sockets(t, "tcp", Config{})
	_, err := peer.Write([]byte("bad\nline\r\n" + strings.Repeat("x", 1<<17)))
	require.NoError(t, err)
	_, err = c.ReadLine(limit)
	var framing *textwire.FramingError
	require.ErrorAs(t, err, &framing)
	_, err = c.Writer().WriteString("500 5.5.2 bare LF\r\n")
	require.NoError(t, err)
	require.NoError(t, c.Flush())
	require.NoError(t, c.Close())
	got, err := io.ReadAll(peer)
	require.NoError(t, err)
	require.Equal(t, "500 5.5.2 bare LF\r\n", string(got))
}

func TestSocketWithTLS(t *testing.T) {
	t.Parallel()
	serverConfig, clientConfig := testnet.Cert(t, "mail.example")
	c, peer := sockets(t, "tcp", Config{})
	client := New(peer, Config{})
	result := make(chan error)
	go func() { result <- client.StartTLSClient(t.Context(), clientConfig) }()
	require.NoError(t, c.StartTLSServer(t.Context(), serverConfig, nil))
	require.NoError(t, <-result)
	text := strings.Repeat("NOOP\r\n", 1000)
	go func() {
		_, err := client.Writer().WriteString(text)
		if err == nil {
			err = client.Flush()
		}
		result <- err
	}()
	for range 1000 {
		line, err := c.ReadLine(limit)
		require.NoError(t, err)
		require.Equal(t, "NOOP", string(line))
	}
	require.NoError(t, <-result)
}

// TestCommandAllocatesNothing is about one command and its reply on a socket.
func TestCommandAllocatesNothing(t *testing.T) {
	c, peer := sockets(t, "tcp", Config{})
	in := make([]byte, 64)
	command, reply := []byte("NOOP\r\n"), []byte("250 2.0.0 ok\r\n")
	allocs := testing.AllocsPerRun(500, func() {
		_, _ = peer.Write(command)
		_, err := c.ReadLine(limit)
		if err == nil {
			_, err = c.Writer().Write(reply)
		}
		if err == nil {
			err = c.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = peer.Read(in)
	})
	if race {
		t.Skip("the race detector has sync.Pool forget at random")
	}
	require.Zero(t, allocs)
}

func BenchmarkCommand(b *testing.B) {
	c, peer := sockets(b, "tcp", Config{})
	in := make([]byte, 64)
	command, reply := []byte("NOOP\r\n"), []byte("250 2.0.0 ok\r\n")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = peer.Write(command)
		_, _ = c.ReadLine(limit)
		_, _ = c.Writer().Write(reply)
		_ = c.Flush()
		_, _ = peer.Read(in)
	}
}

// BenchmarkIdle measures what a connection costs that waits for a line after
// having had one, its goroutine included.
func BenchmarkIdle(b *testing.B) {
	const n = 1000
	for b.Loop() {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		peers := make([]net.Conn, n)
		conns := make([]net.Conn, n)
		for i := range n {
			peers[i], err = net.Dial("tcp", ln.Addr().String())
			require.NoError(b, err)
			conns[i], err = ln.Accept()
			require.NoError(b, err)
		}
		before := inUse()
		done := make(chan error, n)
		kept := make([]*Conn, n)
		for i, nc := range conns {
			kept[i] = New(nc, Config{})
			go func() {
				_, err := kept[i].ReadLine(limit)
				for err == nil {
					_, _ = kept[i].Writer().WriteString("250 2.0.0 ok\r\n")
					_ = kept[i].Flush()
					_, err = kept[i].ReadLine(limit)
				}
				done <- err
			}()
			_, _ = peers[i].Write([]byte("NOOP\r\n"))
			_, _ = peers[i].Read(make([]byte, 64))
		}
		b.ReportMetric(float64(inUse()-before)/n, "B/conn")
		for i := range n {
			_ = peers[i].Close()
			<-done
			_ = kept[i].Close()
		}
		_ = ln.Close()
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// What waits in a socket is noticed without being read, and so is its end.
func TestConn_Waiting(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			c, peer := sockets(t, network, Config{})
			require.False(t, c.Waiting())
			_, err := io.WriteString(peer, "421 bye\r\n")
			require.NoError(t, err)
			require.Eventually(t, c.Waiting, time.Minute, time.Millisecond)
			line, err := c.ReadLine(limit)
			require.NoError(t, err)
			require.Equal(t, "421 bye", string(line))
			require.False(t, c.Waiting())
			require.NoError(t, peer.Close())
			require.Eventually(t, c.Waiting, time.Minute, time.Millisecond)
			_, err = c.ReadLine(limit)
			require.ErrorIs(t, err, io.EOF)
		})
	}
}
