package pop3wire

import (
	"bytes"
	"math"
	"strconv"
)

// Top is the TOP command of RFC 1939 section 7.
type Top struct {
	N     int // message number, 1 or more
	Lines int // lines of the body; 0 asks for the header alone
}

// Parse reads the message number and the number of lines.
func (c *Top) Parse(args []byte) error {
	number, count, found := bytes.Cut(args, []byte{' '})
	if !found {
		return errTop
	}
	n, err := parseMessage(number)
	if err != nil {
		return err
	}
	lines, ok := parseNumber(count, math.MaxInt)
	if !ok {
		return errLines
	}
	c.N, c.Lines = n, int(lines)
	return nil
}

// Append appends the command line.
func (c Top) Append(dst []byte) ([]byte, error) {
	if c.N < 1 {
		return dst, errNumber
	}
	if c.Lines < 0 {
		return dst, errLines
	}
	return finish(c.AppendPublic(dst), len(dst))
}

// AppendPublic appends the command.
func (c Top) AppendPublic(dst []byte) []byte {
	dst = append(appendNumbered(dst, TOP, c.N), ' ')
	return strconv.AppendInt(dst, int64(c.Lines), 10)
}
