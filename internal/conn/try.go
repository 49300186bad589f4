package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/posthouse/posthouse/internal/textwire"
)

// glance is how long a connection is looked at that cannot be asked whether something is
// there.
const glance = time.Millisecond

var (
	_ textwire.Trier = (*link)(nil)
	_ textwire.Trier = (*secured)(nil)
)

// errNothing is what Read returns when it is tried, and nothing is there. TLS takes a
// temporary error of the network for one that it can go on behind.
var errNothing net.Error = &timeoutError{"nothing is there yet"}

// Try implements textwire.Trier.
func (l *link) Try(p []byte) (int, error) { return l.try(l, p) }

// Try implements textwire.Trier.
func (s *secured) Try(p []byte) (int, error) { return s.link.try(s, p) }

// try reads from r, which reads from l, what is there.
func (l *link) try(r io.Reader, p []byte) (int, error) {
	l.trying = true
	n, err := r.Read(p)
	l.trying = false
	if err == errNothing {
		err = nil
	}
	return n, err
}

// tryRead is Read when it is tried. What is no socket cannot be asked, and is given a
// moment.
func (l *link) tryRead(p []byte) (int, error) {
	look := l.look()
	switch {
	case look == nil || l.early != nil:
		return l.glanceRead(p)
	case look():
		return l.read(p)
	}
	return 0, errNothing
}

func (l *link) glanceRead(p []byte) (int, error) {
	if err := l.armGlance(); err != nil {
		return 0, err
	}
	n, err := l.nc.Read(p)
	if err == nil {
		return n, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch refusal := l.refusal(&l.in); {
	case refusal != nil:
		return n, refusal
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, errNothing
	}
	l.note(err)
	return n, err
}

// armGlance has a read of nc end in a moment.
func (l *link) armGlance() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(&l.in); err != nil {
		return err
	}
	l.in.armed = time.Time{}
	return l.nc.SetReadDeadline(time.Now().Add(glance))
}

// look returns how to ask the socket whether it has something to read, made when
// it is first needed; nil if the connection is no socket.
func (l *link) look() func() bool {
	if l.peek == nil {
		l.peek = newPeek(l.socket())
	}
	return l.peek
}

// socket is what nc stands on when it came as TLS, and else nc.
func (l *link) socket() net.Conn {
	if l.early != nil {
		return l.early.tls.NetConn()
	}
	return l.nc
}
