package conn

import (
	"errors"
	"net"
	"os"
)

var (
	// ErrInterrupted is what a read returns after Interrupt.
	ErrInterrupted = errors.New("interrupted")

	// ErrPlaintextBuffered says that the peer sent something between its, or
	// our, agreement to TLS and the handshake. Whoever stands in the way can
	// put commands or replies there that would seem to have come protected
	// (RFC 3207 section 4.2, RFC 2595 section 4), so the connection must be
	// given up.
	ErrPlaintextBuffered = errors.New("cleartext received before the TLS handshake")

	// ErrTLSActive says that TLS was to be started a second time.
	ErrTLSActive = errors.New("TLS is active already")
)

// timeoutError is an error by a deadline. It is a net.Error.
type timeoutError struct{ text string }

var (
	errTimeout net.Error = &timeoutError{"timeout waiting for the peer"}
	errTooSlow net.Error = &timeoutError{"the peer is slower than the minimal rate"}
	errNoPlace net.Error = &timeoutError{"too many handshakes"}
)

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }
func (e *timeoutError) Unwrap() error   { return os.ErrDeadlineExceeded }
