// Package delay is a network that is far away: a proxy on the loopback
// interface that holds back each octet for a fixed time, in both directions,
// without limiting how many are on their way.
package delay

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy forwards connections to a server.
type Proxy struct {
	ln     net.Listener
	target string
	oneWay time.Duration
	hide   []byte
	wg     sync.WaitGroup
}

// Listen begins to forward what connects to Addr to the server at target, each
// octet oneWay later than it came. If hide is not empty, the server's first
// octets are searched for it, and it is altered there, so that a client does
// not find that extension.
func Listen(target string, oneWay time.Duration, hide string) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{ln: ln, target: target, oneWay: oneWay, hide: []byte(hide)}
	p.wg.Go(p.serve)
	return p, nil
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Close ends the proxy when its connections have ended.
func (p *Proxy) Close() error {
	err := p.ln.Close()
	p.wg.Wait()
	return err
}

func (p *Proxy) serve() {
	for {
		client, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.forward(client) })
	}
}

func (p *Proxy) forward(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { p.pipe(server, client, nil) })
	both.Go(func() { p.pipe(client, server, p.hide) })
	both.Wait()
}

const (
	// maxSegments is how many reads may be on their way in one direction.
	maxSegments = 1 << 14

	// helloSize is how much of what a server says may hold its extensions.
	helloSize = 4 << 10
)

// segment is what was read at once, and when it is to arrive; no octets are the
// end of the stream.
type segment struct {
	octets []byte
	due    time.Time
}

// pipe moves what comes from src to dst, oneWay later.
func (p *Proxy) pipe(dst, src net.Conn, hide []byte) {
	line := make(chan segment, maxSegments)
	go func() {
		defer close(line)
		buf := make([]byte, 64<<10)
		for seen := 0; ; {
			n, err := src.Read(buf)
			octets := bytes.Clone(buf[:n])
			if len(hide) > 0 && seen < helloSize {
				octets = disguise(octets, hide)
			}
			seen += n
			line <- segment{octets, time.Now().Add(p.oneWay)}
			if err != nil {
				return
			}
		}
	}()
	for s := range line {
		time.Sleep(time.Until(s.due))
		if len(s.octets) == 0 {
			continue
		}
		if _, err := dst.Write(s.octets); err != nil {
			src.Close()
			io.Copy(io.Discard, src)
		}
	}
	if tcp, ok := dst.(*net.TCPConn); ok {
		tcp.CloseWrite()
	}
}

// disguise makes of a keyword one that nobody knows.
func disguise(b, keyword []byte) []byte {
	return bytes.ReplaceAll(b, keyword, bytes.Repeat([]byte{'X'}, len(keyword)))
}
