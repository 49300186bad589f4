package textwire

import (
	"errors"
	"strconv"
)

var (
	// ErrLineTooLong reports a line longer than the limit given to ReadLine.
	ErrLineTooLong = errors.New("textwire: line too long")

	// ErrBodyTooLong reports a body that went on beyond the limit given to
	// Drain.
	ErrBodyTooLong = errors.New("textwire: body too long")

	errDrained = errors.New("textwire: read from a body that was drained")
	errClosed  = errors.New("textwire: write to a body that was closed")
)

// A FramingError reports a CR that no LF follows, an LF that no CR precedes,
// or a NUL: octets whose meaning peers disagree about, which makes them the
// tool of those who smuggle (RFC 5321 section 2.3.8 forbids sending them).
type FramingError struct {
	Octet  byte  // '\r', '\n' or 0
	Offset int64 // octets of the line, or of the un-stuffed body, before it
}

func (e *FramingError) Error() string {
	name := "NUL"
	switch e.Octet {
	case '\r':
		name = "bare CR"
	case '\n':
		name = "bare LF"
	}
	return "textwire: " + name + " at octet " + strconv.FormatInt(e.Offset, 10)
}
