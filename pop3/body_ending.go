package pop3

import (
	"bytes"
	"io"

	"github.com/posthouse/posthouse/internal/textwire"
)

// ending reads a message whose end may be such as ClientConfig.MissingCRLF
// describes.
type ending struct {
	c    *Client
	left int64  // octets until the message has the size that was told; -1 when it is of no more interest
	last byte   // the octet before
	held []byte // what came after the last of them, and was text
}

// watch looks for such an end at size octets, if that is known and wanted.
func (b *Body) watch(size int64) {
	if b.c.cfg.MissingCRLF && size > 0 {
		b.ending = &ending{c: b.c, left: size}
	}
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left > 0 {
		n, err := e.c.dots.Read(p[:min(int64(len(p)), e.left)])
		if n > 0 {
			e.last = p[n-1]
		}
		e.left -= int64(n)
		return n, err
	}
	if e.left == 0 {
		e.left = -1
		if e.last != '\n' && e.ended() {
			return 0, io.EOF
		}
	}
	if len(e.held) == 0 {
		return e.c.dots.Read(p)
	}
	n := copy(p, e.held)
	e.held = e.held[n:]
	return n, nil
}

// ended reports whether the end comes here, and what follows is a reply, or has
// not arrived. An error while it looks is found again by the next read.
func (e *ending) ended() bool {
	const end = ".\r\n"
	e.held = make([]byte, len(end))
	n, _ := io.ReadFull(&e.c.dots, e.held)
	e.held = e.held[:n]
	next := e.c.conn.Reader().Peek()
	return string(e.held) == end &&
		(len(next) == 0 || bytes.HasPrefix(next, []byte("+OK")) || bytes.HasPrefix(next, []byte("-ERR")))
}

// drain throws away up to limit octets, as DotReader.Drain does.
func (e *ending) drain(limit int64) error {
	buf := make([]byte, 4<<10)
	for limit >= 0 {
		n, err := e.Read(buf)
		limit -= int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return textwire.ErrBodyTooLong
}
