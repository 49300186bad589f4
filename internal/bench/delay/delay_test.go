package delay

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestProxyDelaysAndHides sends a line to an echo far away.
func TestProxyDelaysAndHides(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		nc, err := ln.Accept()
		if err == nil {
			io.Copy(nc, nc)
			nc.Close()
		}
	}()
	const oneWay = 20 * time.Millisecond
	hidden := strings.Repeat("X", len("CHUNKING"))
	p, err := Listen(ln.Addr().String(), oneWay, "CHUNKING")
	if err != nil {
		t.Fatal(err)
	}
	nc, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	start := time.Now()
	if _, err := io.WriteString(nc, "250 CHUNKING\r\n"); err != nil {
		t.Fatal(err)
	}
	nc.(*net.TCPConn).CloseWrite()
	got, err := io.ReadAll(nc)
	if err != nil || string(got) != "250 "+hidden+"\r\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if took := time.Since(start); took < 2*oneWay {
		t.Errorf("took %v", took)
	}
	nc.Close()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
