package conn

import (
	"errors"
	"os"
)

// Quiet reports whether the peer of a connection that nobody uses is still
// there and has said nothing that was not read, as far as this end knows. It
// sends nothing, and waits a millisecond at most. If it is not so, the
// connection is of no more use except to be closed, and what the peer said may
// be lost.
func (c *Conn) Quiet() bool {
	l := &c.link
	if c.reader.Buffered() > 0 || c.Err() != nil {
		return false
	}
	if look := l.look(); look != nil {
		return !look()
	}
	if l.armGlance() != nil {
		return false
	}
	var octet [1]byte
	n, err := l.nc.Read(octet[:])
	return n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
}
