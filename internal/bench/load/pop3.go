package load

import (
	"bufio"
	"fmt"
	"net"
	"strings"
)

// POP3 is a connection to a server that has sent its greeting.
type POP3 struct {
	net.Conn
	r *bufio.Reader
}

// DialPOP3 connects.
func DialPOP3(addr string) (*POP3, error) {
	nc, err := dial(addr, false)
	if err != nil {
		return nil, err
	}
	p := &POP3{nc, bufio.NewReaderSize(nc, 64<<10)}
	if err := p.status(); err != nil {
		nc.Close()
		return nil, err
	}
	return p, nil
}

// Command sends a line and reads its status.
func (p *POP3) Command(line string) error {
	if _, err := p.Write([]byte(line + "\r\n")); err != nil {
		return err
	}
	return p.status()
}

// Login logs in.
func (p *POP3) Login(user, password string) error {
	if err := p.Command("USER " + user); err != nil {
		return err
	}
	return p.Command("PASS " + password)
}

// Quit ends the session and closes the connection.
func (p *POP3) Quit() error {
	defer p.Close()
	return p.Command("QUIT")
}

// Retrieve fetches messages 1 to n, ahead of them at a time, each of which has
// size octets on the wire behind its status.
func (p *POP3) Retrieve(n, ahead, size int) error {
	for first := 1; first <= n; first += ahead {
		last := min(n, first+ahead-1)
		var group strings.Builder
		for i := first; i <= last; i++ {
			fmt.Fprintf(&group, "RETR %d\r\n", i)
		}
		if _, err := p.Write([]byte(group.String())); err != nil {
			return err
		}
		for i := first; i <= last; i++ {
			if err := p.status(); err != nil {
				return err
			}
			if err := p.body(size); err != nil {
				return err
			}
		}
	}
	return nil
}

// body reads size octets, which must end as a body does.
func (p *POP3) body(size int) error {
	const end = "\r\n.\r\n"
	if _, err := p.r.Discard(size - len(end)); err != nil {
		return err
	}
	last, err := p.r.Peek(len(end))
	if err == nil && string(last) != end {
		err = fmt.Errorf("a body of %d octets ends in %q", size, last)
	}
	if err == nil {
		_, err = p.r.Discard(len(end))
	}
	return err
}

func (p *POP3) status() error {
	line, err := p.r.ReadSlice('\n')
	if err == nil && line[0] != '+' {
		err = fmt.Errorf("the server said %q", line)
	}
	return err
}
