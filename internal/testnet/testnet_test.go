package testnet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPipe_BothDirections(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	for _, ends := range [][2]*Conn{{a, b}, {b, a}} {
		n, err := ends[0].Write([]byte("hello"))
		require.NoError(t, err)
		require.Equal(t, 5, n)
		p := make([]byte, 10)
		n, err = ends[1].Read(p)
		require.NoError(t, err)
		require.Equal(t, "hello", string(p[:n]))
	}
	require.Equal(t, a.LocalAddr(), b.RemoteAddr())
	require.Equal(t, b.LocalAddr(), a.RemoteAddr())
}

func TestClose(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	_, err := a.Write([]byte("last words"))
	require.NoError(t, err)
	require.NoError(t, a.Close())
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Equal(t, "last words", string(got))
	_, err = b.Write([]byte("x"))
	require.ErrorIs(t, err, io.ErrClosedPipe)

	_, err = a.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = a.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, a.SetDeadline(time.Time{}), net.ErrClosed)
	require.ErrorIs(t, a.Close(), net.ErrClosed)
	require.NoError(t, b.Close())
}

func TestClose_WakesAllThatWaits(t *testing.T) {
	t.Parallel()
	big := make([]byte, 2*DefaultBuffer)
	tests := []struct {
		name string
		op   func(a, b *Conn) (int, error)
		want error
	}{
		{"own read", func(a, _ *Conn) (int, error) { return a.Read(big) }, net.ErrClosed},
		{"own write", func(a, _ *Conn) (int, error) { return a.Write(big) }, net.ErrClosed},
		{"peer's read", func(_, b *Conn) (int, error) { return b.Read(big) }, io.EOF},
		{"peer's write", func(_, b *Conn) (int, error) { return b.Write(big) }, io.ErrClosedPipe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				var err error
				go func() { _, err = tt.op(a, b) }()
				synctest.Wait()
				require.NoError(t, err, "it did not wait")
				require.NoError(t, a.Close())
				synctest.Wait()
				require.ErrorIs(t, err, tt.want)
			})
		})
	}
}

func TestCloseWrite(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	require.NoError(t, a.CloseWrite())
	_, err := b.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	_, err = a.Write([]byte("x"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	_, err = b.Write([]byte("still"))
	require.NoError(t, err)
	p := make([]byte, 5)
	_, err = io.ReadFull(a, p)
	require.NoError(t, err)
	require.Equal(t, "still", string(p))
}

func TestWrite_WaitsForTheReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		a.SetWriteBuffer(10)
		done := false
		go func() {
			_, err := a.Write([]byte(strings.Repeat("x", 25)))
			done = err == nil
		}()
		p := make([]byte, 100)
		for _, want := range []int{10, 10, 5} {
			synctest.Wait()
			require.Equal(t, want == 5, done)
			n, err := b.Read(p)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  func(*Conn, time.Time) error
		op   func(*Conn) error
	}{
		{"read", (*Conn).SetReadDeadline, func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err }},
		{"write", (*Conn).SetWriteDeadline, func(c *Conn) error { _, err := c.Write(make([]byte, 2*DefaultBuffer)); return err }},
		{"both, read", (*Conn).SetDeadline, func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err }},
		{"both, write", (*Conn).SetDeadline, func(c *Conn) error { _, err := c.Write(make([]byte, 2*DefaultBuffer)); return err }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a, _ := Pipe()
				start := time.Now()
				wait := func(want time.Duration) {
					t.Helper()
					err := tt.op(a)
					require.ErrorIs(t, err, os.ErrDeadlineExceeded)
					var timeout net.Error
					require.ErrorAs(t, err, &timeout)
					require.True(t, timeout.Timeout())
					require.Equal(t, want, time.Since(start))
				}
				require.NoError(t, tt.set(a, start.Add(time.Hour)))
				require.NoError(t, tt.set(a, start.Add(time.Minute)))
				wait(time.Minute)
				wait(time.Minute) // it stays
				require.NoError(t, tt.set(a, start.Add(time.Hour)))
				wait(time.Hour)

				require.NoError(t, tt.set(a, time.Time{}))
				time.AfterFunc(time.Hour, func() { tt.set(a, time.Unix(1, 0)) })
				wait(2 * time.Hour) // woken by a deadline in the past
			})
		})
	}
}

func TestSplitWrites(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	a.SplitWrites(3)
	_, err := a.Write([]byte("EHLO a\r\n"))
	require.NoError(t, err)
	p := make([]byte, 100)
	for _, want := range []string{"EHL", "O a", "\r\n"} {
		n, err := b.Read(p)
		require.NoError(t, err)
		require.Equal(t, want, string(p[:n]))
	}
}

func TestCutAfter(t *testing.T) {
	t.Parallel()
	for cut, want := range []string{"", "a", "ab", "abc", "abcd", "abcde"} {
		a, b := Pipe()
		a.CutAfter(cut)
		total := 0
		var err error
		for _, part := range []string{"ab", "cd", "e"} {
			var n int
			if n, err = a.Write([]byte(part)); err != nil {
				require.ErrorIs(t, err, ErrCut)
			}
			total += n
		}
		require.Equal(t, cut, total)
		require.Equal(t, cut < 5, err != nil)
		got, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		_, err = b.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, ErrCut)
		require.NoError(t, a.Close())
	}
	a, b := Pipe()
	a.CutAfter(1)
	a.CutAfter(-1)
	_, err := a.Write([]byte("all"))
	require.NoError(t, err)
	require.NoError(t, a.Close())
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.Equal(t, "all", string(got))
}

func TestListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewListener()
		go func() {
			for {
				c, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				_, err = io.WriteString(c, c.RemoteAddr().String())
				if err == nil {
					err = c.Close()
				}
				if err != nil {
					t.Error(err)
				}
			}
		}()
		var first string
		for i, dial := range []func() (net.Conn, error){
			func() (net.Conn, error) { return l.Dial(t.Context()) },
			func() (net.Conn, error) { return l.DialContext(t.Context(), "tcp", "mx.example.org:25") },
			func() (net.Conn, error) { return l.DialFrom("[2001:db8::1]:1000") },
		} {
			c, err := dial()
			require.NoError(t, err)
			require.Equal(t, l.Addr(), c.RemoteAddr())
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, c.LocalAddr().String(), string(got))
			if i == 0 {
				first = string(got)
			} else {
				require.NotEqual(t, first, string(got))
			}
		}
		require.NoError(t, l.Close())
		require.ErrorIs(t, l.Close(), net.ErrClosed)
		_, err := l.Dial(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

func TestListener_CloseDropsTheBacklog(t *testing.T) {
	t.Parallel()
	l := NewListener()
	var conns []net.Conn
	for range backlog {
		c, err := l.Dial(t.Context())
		require.NoError(t, err)
		conns = append(conns, c)
	}
	_, err := l.Dial(t.Context())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, l.Close())
	for _, c := range conns {
		_, err := c.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = NewListener().Dial(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestCert(t *testing.T) {
	t.Parallel()
	handshake := func(t *testing.T, server, client *tls.Config) error {
		a, b := Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer b.Close()
			io.Copy(io.Discard, tls.Server(b, server))
		}()
		err := tls.Client(a, client).HandshakeContext(t.Context())
		a.Close()
		<-done
		return err
	}
	today := func(t *testing.T) {
		server, client := Cert(t, "mail.example.org", "192.0.2.2")
		require.NoError(t, handshake(t, server, client))
		client.ServerName = "192.0.2.2"
		require.NoError(t, handshake(t, server, client))
		client.ServerName = "www.example.org"
		require.Error(t, handshake(t, server, client))
		_, stranger := Cert(t, "mail.example.org")
		require.Error(t, handshake(t, server, stranger))
		server, client = Cert(t)
		require.NoError(t, handshake(t, server, client))
	}
	t.Run("today", today)
	t.Run("bubble", func(t *testing.T) { synctest.Test(t, today) })
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	a, b := Pipe()
	a.SetWriteBuffer(100)
	body := bytes.Repeat([]byte("0123456789"), 10000)
	go func() {
		for i := range 100 {
			a.SplitWrites(i)
			if err := a.SetDeadline(time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
		}
		if _, err := a.Write(body); err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(b)
	require.NoError(t, err)
	require.True(t, bytes.Equal(body, got))
}
