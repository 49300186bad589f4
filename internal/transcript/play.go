package transcript

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PlayClient plays the client's part on conn and expects the server's. It
// reports whether all went as written. A departure is reported by t.Errorf and
// ends the play and conn; so PlayClient may be called in any goroutine.
func (d Dialogue) PlayClient(t testing.TB, conn net.Conn) bool {
	t.Helper()
	return d.play(t, conn, client)
}

// PlayServer plays the server's part on conn and expects the client's, else as
// PlayClient.
func (d Dialogue) PlayServer(t testing.TB, conn net.Conn) bool {
	t.Helper()
	return d.play(t, conn, server)
}

func (d Dialogue) play(t testing.TB, conn net.Conn, part kind) bool {
	t.Helper()
	p := &player{Dialogue: d, part: part}
	p.use(conn)
	for rest := d.steps; len(rest) > 0; {
		n, err := p.step(rest)
		if err != nil {
			t.Errorf("%s:%d: %v", d.file, rest[0].line, err)
			conn.Close()
			return false
		}
		rest = rest[n:]
	}
	if n := p.r.Buffered(); n > 0 {
		more, _ := p.r.Peek(n)
		t.Errorf("%s: got %q after the last line of %q", d.file, more, d.Name)
		return false
	}
	return true
}

// A player plays one part.
type player struct {
	Dialogue
	part kind
	conn net.Conn
	r    *bufio.Reader
}

func (p *player) use(conn net.Conn) {
	p.conn, p.r = conn, bufio.NewReaderSize(conn, 64<<10)
}

// step plays a beginning of steps and returns how many.
func (p *player) step(steps []step) (int, error) {
	timeout := p.Timeout
	if timeout == 0 {
		timeout = time.Minute
	}
	if err := p.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return 0, err
	}
	s := steps[0]
	switch s.what {
	case p.part:
		return p.say(steps)
	case client, server:
		return 1, p.expect(s)
	case useTLS:
		return 1, p.startTLS()
	case closing, drop:
		if (s.what == closing) == (p.part == server) {
			return 1, p.close()
		}
		return 1, p.expectEnd()
	}
	return 1, nil
}

// close ends the connection. By TLS the goodbye may find that the other side is gone,
// which it may be: both close.
func (p *player) close() error {
	err := p.conn.Close()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return err
}

// say sends what this side says in a row, in one write.
func (p *player) say(steps []step) (n int, err error) {
	var b strings.Builder
	for n < len(steps) && steps[n].what == p.part {
		b.WriteString(steps[n].octets)
		n++
	}
	if _, err = io.WriteString(p.conn, b.String()); err != nil {
		return 0, fmt.Errorf("cannot say %q: %w", b.String(), err)
	}
	return n, nil
}

// expect reads what the other side is to say in s.
func (p *player) expect(s step) error {
	want := s.octets
	got, err := p.read(s)
	text := strings.TrimSuffix(want, "\r\n")
	// "250 *" stands for the rest of a reply, however many lines that has.
	for s.open && len(text) == len("250 ") && text[3] == ' ' && err == nil && strings.HasPrefix(got, text[:3]+"-") {
		got, err = p.read(s)
	}
	switch {
	case got == want:
		return nil
	case s.open && strings.HasPrefix(got, text) && strings.HasSuffix(got, "\r\n"):
		return nil
	case s.open:
		want = text + "*\r\n"
	}
	if err != nil {
		return fmt.Errorf("got %q, then %w, want %q", got, err, want)
	}
	return fmt.Errorf("got %q, want %q", got, want)
}

// read reads a line, or as many octets as s has if that is none.
func (p *player) read(s step) (string, error) {
	if strings.IndexByte(s.octets, '\n') == len(s.octets)-1 {
		line, err := p.r.ReadSlice('\n')
		return string(line), err
	}
	b := make([]byte, len(s.octets))
	n, err := io.ReadFull(p.r, b)
	return string(b[:n]), err
}

// expectEnd waits until the other side closes. How it does so makes no matter.
func (p *player) expectEnd() error {
	got, err := p.r.ReadSlice('\n')
	switch {
	case len(got) > 0:
		return fmt.Errorf("got %q, want the end of the connection", got)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("got silence, want the end of the connection")
	}
	return nil
}

func (p *player) startTLS() error {
	if p.TLS == nil {
		return errors.New("no TLS configuration in the Dialogue")
	}
	if n := p.r.Buffered(); n > 0 {
		got, _ := p.r.Peek(n)
		return fmt.Errorf("got %q before the handshake", got)
	}
	c := tls.Client(p.conn, p.TLS)
	if p.part == server {
		c = tls.Server(p.conn, p.TLS)
	}
	if err := c.Handshake(); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	p.use(c)
	return nil
}
