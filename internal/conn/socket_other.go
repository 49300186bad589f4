//go:build !unix

package conn

import (
	"io"
	"net"
)

// newSource returns what the reader reads from in cleartext.
func newSource(l *link) io.Reader { return l }

// unread discards what a peer has sent and nobody has read, where it can.
func unread(net.Conn) {}

// newPeek returns how to ask a socket whether it has something to read, where it
// can.
func newPeek(net.Conn) func() bool { return nil }
