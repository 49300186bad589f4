package smtp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// plenty is a server that answers so that all is accepted, without a goroutine or
// a network: what is written decides what there is to read.
type plenty struct {
	net.Conn // nil
	answers  []byte
	inData   bool
	wrote    int64
}

func (p *plenty) Write(b []byte) (int, error) {
	p.wrote += int64(len(b))
	if p.inData {
		if bytes.HasSuffix(b, []byte("\r\n.\r\n")) {
			p.inData = false
			p.answers = append(p.answers, "250 2.0.0 queued as 4711\r\n"...)
		}
		return len(b), nil
	}
	for range bytes.Count(b, []byte("\r\n")) - 1 {
		p.answers = append(p.answers, "250 2.1.0 ok\r\n"...)
	}
	switch {
	case bytes.HasPrefix(b, []byte("EHLO")):
		p.answers = append(p.answers, sinkHello...)
	case bytes.HasSuffix(b, []byte("DATA\r\n")):
		p.inData = true
		p.answers = append(p.answers, "354 go\r\n"...)
	}
	return len(b), nil
}

func (p *plenty) Read(b []byte) (int, error) {
	n := copy(b, p.answers)
	p.answers = p.answers[:copy(p.answers, p.answers[n:])]
	return n, nil
}

func (p *plenty) Close() error                     { return nil }
func (p *plenty) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (p *plenty) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (p *plenty) SetDeadline(time.Time) error      { return nil }
func (p *plenty) SetReadDeadline(time.Time) error  { return nil }
func (p *plenty) SetWriteDeadline(time.Time) error { return nil }

func plentiful(tb testing.TB) *Client {
	p := &plenty{answers: []byte("220 hi\r\n")}
	c, err := NewClient(context.Background(), p, "", &ClientConfig{TLS: InsecureNoTLS})
	require.NoError(tb, err)
	return c
}

// The client's own part of sending a small message, by number of recipients.
func BenchmarkClientSend(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("recipients=%d", n), func(b *testing.B) {
			c := plentiful(b)
			env := envelope(b)
			for i := range n {
				env.To = append(env.To, Recipient{Address: address(b, fmt.Sprintf("user%d@example.org", i))})
			}
			text := []byte(lines(1000))
			body := bytes.NewReader(text)
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(text)
				if _, err := c.Send(context.Background(), env, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// How fast a large body passes, in memory and as a stream, through a network of
// this machine.
func BenchmarkClientSend_Body(b *testing.B) {
	text := []byte(lines(10 << 20))
	for name, body := range map[string]func() io.Reader{
		"memory": func() io.Reader { return bytes.NewReader(text) },
		"stream": func() io.Reader { return struct{ io.Reader }{bytes.NewReader(text)} },
	} {
		b.Run(name, func(b *testing.B) {
			near, far := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				drain(far)
			}()
			c, err := NewClient(context.Background(), near, "", &ClientConfig{TLS: InsecureNoTLS})
			require.NoError(b, err)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Send(context.Background(), envelope(b, "b"), body()); err != nil {
					b.Fatal(err)
				}
			}
			c.Close()
			<-done
		})
	}
}

func BenchmarkInspect(b *testing.B) {
	text := []byte(lines(1 << 20))
	body := bytes.NewReader(text)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		body.Reset(text)
		if _, err := inspect(body, false); err != nil {
			b.Fatal(err)
		}
	}
}

// drain is a server that looks at nothing but what it must.
func drain(far net.Conn) {
	buf := make([]byte, 64<<10)
	p := &plenty{answers: []byte("220 hi\r\n")}
	for {
		if len(p.answers) > 0 {
			if _, err := far.Write(p.answers); err != nil {
				return
			}
			p.answers = p.answers[:0]
		}
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		p.Write(buf[:n])
	}
}

// What a message costs in memory stays what it is.
func TestClientSend_Allocations(t *testing.T) {
	c := plentiful(t)
	env := envelope(t, "b", "c", "d")
	text := []byte(lines(1000))
	body := bytes.NewReader(text)
	send := func() {
		body.Reset(text)
		if _, err := c.Send(context.Background(), env, body); err != nil {
			t.Fatal(err)
		}
	}
	send()
	got := testing.AllocsPerRun(100, send)
	t.Logf("%v allocations for a message", got)
	require.LessOrEqual(t, got, 12.0)
}

// A connection that is left alone costs little memory.
func TestClient_IdleMemory(t *testing.T) {
	const n = 200
	clients := make([]*Client, n)
	env, text := envelope(t, "b"), lines(1000)
	before := heap()
	for i := range clients {
		c := plentiful(t)
		if _, err := c.Send(context.Background(), env, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		clients[i] = c
	}
	each := (heap() - before) / n
	t.Logf("%d octets", each)
	require.Less(t, each, int64(16<<10))
	runtime.KeepAlive(clients)
}

// heap is what is in use when the pools are empty.
func heap() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
