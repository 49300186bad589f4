//go:build unix

package conn

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/posthouse/posthouse/internal/textwire"
)

// newSource returns what the reader reads from in cleartext: for a socket one
// that waits without a buffer. Only the two types of the standard library are
// taken for sockets: a type that embeds one of them has its SyscallConn too, but
// perhaps not its Read.
func newSource(l *link) io.Reader {
	var raw syscall.RawConn
	var err error
	switch nc := l.nc.(type) {
	case *net.TCPConn:
		raw, err = nc.SyscallConn()
	case *net.UnixConn:
		if nc.LocalAddr().Network() != "unix" {
			return l
		}
		raw, err = nc.SyscallConn()
	default:
		return l
	}
	if err != nil {
		return l
	}
	s := &socket{link: l, raw: raw}
	s.try = s.tryRead
	return s
}

// socket is a source that takes a buffer only when there is something to read.
type socket struct {
	*link
	raw syscall.RawConn

	try func(fd uintptr) bool // tryRead; kept, as making it anew allocates
	get func() []byte
	put func([]byte)
	buf []byte
	n   int
	err error
}

var _ textwire.Filler = (*socket)(nil)

// Fill waits for the socket to become readable, in the poller of the runtime,
// and then reads into a buffer from get.
func (s *socket) Fill(get func() []byte, put func([]byte)) ([]byte, int, error) {
	s.get, s.put = get, put
	for {
		step, err := s.before(&s.in)
		if err != nil {
			return nil, 0, err
		}
		s.buf, s.n, s.err = nil, 0, nil
		err = s.raw.Read(s.try)
		if err == nil {
			err = s.err
		}
		again, err := s.after(&s.in, step, s.n, err)
		if again && s.n == 0 {
			continue
		}
		buf := s.buf
		s.buf = nil
		return buf, s.n, err
	}
}

// tryRead reads without waiting. It returns false to be called again when the
// socket is readable; it then holds no buffer.
func (s *socket) tryRead(fd uintptr) bool {
	buf := s.get()
	n, err := syscall.Read(int(fd), buf)
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), buf)
	}
	if err == nil && n > 0 {
		s.buf, s.n = buf, n
		return true
	}
	s.put(buf)
	switch err {
	case nil:
		s.err = io.EOF
	case syscall.EAGAIN:
		return false
	default:
		s.err = &net.OpError{
			Op: "read", Net: s.nc.LocalAddr().Network(),
			Source: s.nc.LocalAddr(), Addr: s.nc.RemoteAddr(), Err: os.NewSyscallError("read", err),
		}
	}
	return true
}

// newPeek returns how to ask a socket whether it has something to read, its end
// included, without reading it; nil if nc is none.
func newPeek(nc net.Conn) func() bool {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	var waiting bool
	var one [1]byte
	look := func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waiting = err != syscall.EAGAIN && err != syscall.EINTR
	}
	return func() bool { return raw.Control(look) == nil && waiting }
}

// maxUnread is how many octets unread discards at most.
const maxUnread = 1 << 20

// unread discards what a peer has sent and nobody has read, without waiting. A
// TCP socket that is closed with such octets resets the connection,
// and the peer may then never see the reply that told it why.
func unread(nc net.Conn) {
	t, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return
	}
	// Not raw.Read, which would wait for a reader that is still at work.
	_ = raw.Control(func(fd uintptr) {
		var buf [2 << 10]byte
		for total := 0; total < maxUnread; {
			n, err := syscall.Read(int(fd), buf[:])
			if n <= 0 && err != syscall.EINTR {
				return
			}
			total += max(n, 0)
		}
	})
}
