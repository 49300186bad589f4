package message

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// fileLines is how many lines of base64 are made at a time.
const fileLines = 512

// fileEncoder encodes an attachment as it is read.
type fileEncoder struct {
	name  string
	src   io.ReadCloser
	raw   []byte
	out   []byte
	check *messageFilter // of a message; nil: base64
	begun bool
	ended bool
}

func newFileEncoder(a *Attachment, enc Encoding) (*fileEncoder, error) {
	src, err := a.Open()
	if err != nil {
		return nil, fmt.Errorf("message: attachment %q: %w", a.Name, noEOF(err))
	}
	e := &fileEncoder{name: a.Name, src: src, raw: make([]byte, fileLines*rawLine)}
	if enc != EncodingBase64 {
		e.check = &messageFilter{allow8Bit: enc == Encoding8Bit}
	}
	return e, nil
}

// next gives the next octets, valid until the next call, and io.EOF behind the last.
func (e *fileEncoder) next() ([]byte, error) {
	if e.ended {
		return nil, io.EOF
	}
	n, err := fillFrom(e.src, e.raw)
	// An error that wraps io.EOF is no end: it says that octets are missing.
	if e.ended = err == io.EOF; !e.ended && err != nil {
		return nil, err
	}
	e.out = e.out[:0]
	if e.check != nil {
		e.out, err = e.check.append(e.out, e.raw[:n], e.ended)
		return e.out, err
	}
	if e.begun && n > 0 {
		e.out = append(e.out, '\r', '\n')
	}
	e.begun = true
	e.out = appendBase64(e.out, e.raw[:n])
	return e.out, nil
}

// fillFrom reads until buf is full or r ends. Unlike io.ReadFull's, its io.EOF is
// always the end, and any other error never is.
func fillFrom(r io.Reader, buf []byte) (n int, err error) {
	for idle := 0; n < len(buf) && err == nil; idle++ {
		var m int
		if m, err = r.Read(buf[n:]); m > 0 {
			n, idle = n+m, 0
		} else if idle > maxIdleReads {
			return n, io.ErrNoProgress
		}
	}
	return n, err
}

// maxIdleReads is how often a source may give neither octets nor an error.
const maxIdleReads = 100

// The reasons why a message cannot be attached.
var (
	errLongLine = errors.New("message: line of more than 998 octets")
	errBareCR   = errors.New("message: CR that ends no line")
	errNUL      = errors.New("message: NUL")
	err8Bit     = errors.New("message: octets outside ASCII")
)

// messageFilter passes a message on with CRLF line ends, and refuses what cannot be
// sent without an encoding: RFC 2045 section 2.7, RFC 2045 section 2.8.
type messageFilter struct {
	allow8Bit bool
	column    int
	cr        bool // the last octet was a CR
	eightBit  bool // there were octets outside ASCII
}

// append appends src to dst; last says that nothing follows.
func (c *messageFilter) append(dst, src []byte, last bool) ([]byte, error) {
	if bytes.IndexByte(src, 0) >= 0 {
		return dst, errNUL
	}
	if !c.eightBit && !isASCII(src) {
		if c.eightBit = true; !c.allow8Bit {
			return dst, err8Bit
		}
	}
	for len(src) > 0 {
		i := bytes.IndexByte(src, '\n')
		line := src
		if i >= 0 {
			line = src[:i]
		}
		if c.cr && len(line) > 0 {
			return dst, errBareCR
		}
		if n := len(line); n > 0 && line[n-1] == '\r' {
			c.cr, line = true, line[:n-1]
		}
		if err := c.line(line); err != nil {
			return dst, err
		}
		dst = append(dst, line...)
		if i < 0 {
			break
		}
		dst = append(dst, '\r', '\n')
		c.cr, c.column = false, 0
		src = src[i+1:]
	}
	if last && c.cr {
		return dst, errBareCR
	}
	return dst, nil
}

// line checks a line, or a part of one, without its end.
func (c *messageFilter) line(line []byte) error {
	if c.column += len(line); c.column > maxLine {
		return errLongLine
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return errBareCR
	}
	return nil
}

// surveyMessage reads a message that is to be attached, and says in which of 7bit and
// 8bit it can be sent: no other encoding is allowed for message/rfc822
// (RFC 2046 section 5.2.1), and none at all for the other types but message/global and
// the reports in UTF-8 (RFC 6533 section 6).
func surveyMessage(a *Attachment, mediaType string) (Encoding, error) {
	eightBit := mediaType == "message/rfc822" || strings.HasPrefix(mediaType, "message/global")
	e, err := newFileEncoder(a, Encoding8Bit)
	if err != nil {
		return 0, err
	}
	for err == nil {
		_, err = e.next()
	}
	if cerr := e.src.Close(); err == io.EOF && cerr == nil {
		if e.check.eightBit && !eightBit {
			return 0, err8Bit
		}
		if e.check.eightBit {
			return Encoding8Bit, nil
		}
		return Encoding7Bit, nil
	}
	return 0, noEOF(err)
}
