package pop3

import (
	"bytes"
	"io"
)

// topReader delivers the header of a message, the blank line, and some lines of
// its body (RFC 1939 section 7). A line ends at CRLF and nowhere else; a message
// without a blank line is all header.
type topReader struct {
	source io.Reader
	lines  int  // of the body, yet to come
	inBody bool // past the blank line
	ended  bool // all that was asked for is delivered

	length int  // octets of the current line so far
	cr     bool // the last of them is a CR
}

// Read reads from the source, up to the end of the last line asked for.
func (t *topReader) Read(p []byte) (int, error) {
	if t.ended {
		return 0, io.EOF
	}
	n, err := t.source.Read(p)
	n = t.scan(p[:n])
	if t.ended {
		err = io.EOF
	}
	return n, err
}

// scan returns how much of p belongs to the top of the message.
func (t *topReader) scan(p []byte) int {
	for from := 0; from < len(p); {
		i := bytes.IndexByte(p[from:], '\n')
		if i < 0 {
			t.length += len(p) - from
			t.cr = p[len(p)-1] == '\r'
			break
		}
		lf := from + i
		crlf := lf > 0 && p[lf-1] == '\r' || lf == 0 && t.cr
		t.length += i
		t.cr = false
		from = lf + 1
		if !crlf {
			t.length++
			continue
		}
		blank := t.length == len("\r")
		t.length = 0
		if t.endLine(blank) {
			return from
		}
	}
	return len(p)
}

// endLine counts a line and reports whether it was the last one.
func (t *topReader) endLine(blank bool) bool {
	switch {
	case t.inBody:
		t.lines--
	case blank:
		t.inBody = true
	}
	t.ended = t.inBody && t.lines == 0
	return t.ended
}
