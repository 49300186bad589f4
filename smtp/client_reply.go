package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/textwire"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// What a server may send at most in one reply. RFC 5321 section 4.5.3.1.5 allows
// 512 octets a line; more is let pass for the sake of servers that explain
// themselves at length.
const (
	maxReplyLine  = 2048     // octets, CRLF included
	maxReplyLines = 128      // EHLO lists some twenty extensions
	maxReplySize  = 32 << 10 // octets of text
)

// maxIdleBuffer is how much memory, in octets, each of a Client's buffers keeps
// from one operation for the next.
const maxIdleBuffer = 4 << 10

// reply is a reply as it came. Its storage is used again for the next one.
type reply struct {
	code     int
	lines    int
	raw      []byte // the text of the lines, a line feed between two
	enhanced bool   // the text may begin with an enhanced status code
}

// octets returns the text as it came, valid until the next reply is read.
func (r *reply) octets() []byte { return r.raw }

// text returns the text made printable, a line feed between two lines.
func (r *reply) text() string { return strings.Join(r.value().Lines, "\n") }

// value returns a copy for the caller of this package.
func (r *reply) value() Reply {
	v := Reply{Code: r.code, Lines: make([]string, 0, r.lines)}
	for line := range bytes.SplitSeq(r.raw, crlf[1:]) {
		if code, rest, ok := r.splitEnhanced(line); ok {
			v.Enhanced, line = code, rest
		}
		v.Lines = append(v.Lines, printable(line))
	}
	return v
}

// splitEnhanced takes the enhanced status code off a line. Its class is that of
// the reply or it is none (RFC 2034 section 4).
func (r *reply) splitEnhanced(line []byte) (code smtpwire.EnhancedCode, rest []byte, ok bool) {
	if !r.enhanced {
		return code, line, false
	}
	code, rest, ok = smtpwire.ParseEnhanced(line)
	return code, rest, ok && int(code[0]) == r.code/100
}

// refusal returns the reply as an error.
func (r *reply) refusal() *Error {
	v := r.value()
	return &Error{Code: v.Code, Enhanced: v.Enhanced, Text: strings.Join(v.Lines, "\n")}
}

// printable returns text without anything that could play tricks on a terminal
// or a log: what is not a printable character is escaped as in a Go string.
func printable(text []byte) string {
	if plain(text) {
		return string(text)
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			b.Write(text[:n])
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[n:]
	}
	return b.String()
}

// plain reports whether text is printable ASCII.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// readReply reads one reply into c.reply. All of it has to be there before the
// timeout. Any error breaks the connection.
func (c *Client) readReply(timeout time.Duration) error {
	return c.readReplyLines(timeout, maxReplyLine, false)
}

// readSecret reads a reply within an authentication exchange.
func (c *Client) readSecret() error {
	return c.readReplyLines(c.cfg.timeout(), maxChallengeLine, true)
}

func (c *Client) readReplyLines(timeout time.Duration, maxLine int, secret bool) error {
	r := &c.reply
	if r.code, r.lines, r.raw = 0, 0, r.raw[:0]; cap(r.raw) > maxIdleBuffer {
		r.raw = nil
	}
	_, r.enhanced = c.extensions["ENHANCEDSTATUSCODES"]
	start := time.Now()
	if !c.until.IsZero() {
		timeout = min(timeout, c.until.Sub(start))
	}
	for more := true; more; {
		left := timeout
		if r.lines > 0 {
			left -= time.Since(start)
		}
		if left <= 0 {
			return c.fail(fmt.Errorf("reply not complete in time: %w", os.ErrDeadlineExceeded))
		}
		line, err := c.readLine(left, maxLine)
		if err != nil {
			return c.fail(err)
		}
		if more, err = r.add(line); err != nil {
			return c.fail(err)
		}
		if secret && r.code == 334 {
			line = append(line[:0:0], "334 ***"...)
		}
		c.trace('S', line)
	}
	return nil
}

// manyTimes is how many times the timeout of one reply all the replies of one phase
// may take together: of the set-up, of an envelope, or of what answers to the data.
// So nobody is held for ever by a server that answers late to each of many commands.
const manyTimes = 10

// limit gives all replies that are read until release is called the time for
// some that may take so long each.
func (c *Client) limit(timeout time.Duration) (release func()) {
	c.until = time.Now().Add(min(timeout, forever/manyTimes) * manyTimes)
	return func() { c.until = time.Time{} }
}

// readLine reads one line of a reply, which is valid until the next.
func (c *Client) readLine(timeout time.Duration, maxLine int) ([]byte, error) {
	c.conn.SetReadTimeout(timeout)
	line, err := c.conn.ReadLine(maxLine)
	if err != nil {
		return nil, lineError(err, maxLine)
	}
	return line, nil
}

// lineError says what is meant by an error of ReadLine.
func lineError(err error, maxLine int) error {
	framing := (*textwire.FramingError)(nil)
	switch {
	case errors.Is(err, textwire.ErrLineTooLong):
		return &ProtocolError{Reason: fmt.Sprintf("reply line longer than %d octets", maxLine), Err: err}
	case errors.As(err, &framing):
		return &ProtocolError{Reason: "reply line with " + strings.TrimPrefix(framing.Error(), "textwire: "), Err: err}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("waiting for a reply: %w", err)
}

// add takes one line into the reply, and reports whether it goes on.
func (r *reply) add(line []byte) (more bool, err error) {
	code, more, text, err := smtpwire.ParseReplyLine(line)
	switch {
	case err != nil:
		return false, &ProtocolError{Reason: fmt.Sprintf("not a reply: %q", line[:min(len(line), 80)]), Err: err}
	case r.lines > 0 && code != r.code:
		// RFC 5321 section 4.2.1: the code on each line is the same.
		return false, &ProtocolError{Reason: fmt.Sprintf("codes %d and %d in one reply", r.code, code)}
	case r.lines == maxReplyLines:
		return false, &ProtocolError{Reason: fmt.Sprintf("reply of more than %d lines", maxReplyLines)}
	case len(r.raw)+len(text) >= maxReplySize:
		return false, &ProtocolError{Reason: fmt.Sprintf("reply of more than %d octets", maxReplySize)}
	}
	if r.lines > 0 {
		r.raw = append(r.raw, '\n')
	}
	r.code, r.raw = code, append(r.raw, text...)
	r.lines++
	return more, nil
}

// judge tells what c.reply, the answer to what, means where a reply of the given
// class (2 for 2yz) means success: nothing, a refusal that leaves the connection
// usable, or an error that has broken it. It looks at the first digit alone (RFC
// 5321 section 4.2), but for the codes of a server that goes away: 421 (RFC 5321
// section 3.8), and 221, which is no success of anything but QUIT.
func (c *Client) judge(what string, class int) (refusal *Error, fatal error) {
	switch code := c.reply.code; {
	case code/100 == class && (code != 221 || what == smtpwire.QUIT.String()):
		return nil, nil
	case code == 421:
		return nil, c.fail(c.reply.refusal())
	case code >= 400:
		return c.reply.refusal(), nil
	default:
		return nil, c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d to %s", code, what)})
	}
}

// expect is judge for those who do not care which kind of error it is.
func (c *Client) expect(what string, class int) error {
	refusal, fatal := c.judge(what, class)
	if refusal != nil {
		return refusal
	}
	return fatal
}

// roundTrip sends one command line and reads the reply to it.
func (c *Client) roundTrip(line []byte) error {
	if err := c.checkQuiet(); err != nil {
		return err
	}
	if err := c.writeLines(line); err != nil {
		return err
	}
	return c.readReply(c.cfg.timeout())
}

// checkQuiet makes sure that the server has said nothing that was not asked
// for, for then replies could not be told apart any more. The exception is a
// 421: that is said by a server that goes away.
func (c *Client) checkQuiet() error {
	if c.conn.Reader().Buffered() == 0 {
		return nil
	}
	return c.checkIdle()
}

// writeLines sends command lines in one write.
func (c *Client) writeLines(lines []byte) error {
	c.traceLines(lines)
	return c.write(lines)
}

// sendSecret sends a line of an authentication exchange. Transcripts show public
// in its place.
func (c *Client) sendSecret(line, public []byte) error {
	c.trace('C', public)
	return c.write(line)
}

// checkIdle makes sure that a server that was left alone has neither said anything
// nor hung up: then nothing is written, and so nothing can get lost. A 421 tells
// why (RFC 5321 section 3.8).
func (c *Client) checkIdle() error {
	if err := c.broken.get(); err != nil || !c.conn.Waiting() {
		return err
	}
	if err := c.readReply(grace); err != nil {
		return err
	}
	if c.reply.code == 421 {
		return c.fail(c.reply.refusal())
	}
	return c.fail(&ProtocolError{Reason: fmt.Sprintf("reply %d to nothing", c.reply.code)})
}

// write sends p at once. An error breaks the connection; a server that hung up
// may have said why.
func (c *Client) write(p []byte) error {
	c.conn.SetWriteTimeout(c.cfg.timeout())
	if err := c.flush(p); err != nil {
		return c.explain(err)
	}
	return nil
}

// explain breaks the connection because of an error of writing, and returns what
// the server has said about that, if it has.
func (c *Client) explain(err error) error {
	if c.readReply(grace) == nil && c.reply.code >= 400 {
		err = c.reply.refusal()
	}
	return c.fail(err)
}

func (c *Client) flush(p []byte) error {
	_, err := c.conn.Writer().Write(p)
	if err != nil {
		return err
	}
	return c.conn.Flush()
}

func (c *Client) traceLines(lines []byte) {
	if !c.conn.Tracing() {
		return
	}
	for line := range bytes.SplitAfterSeq(lines, crlf) {
		if len(line) > 0 {
			c.trace('C', smtpwire.AppendPublic(nil, line[:len(line)-len(crlf)]))
		}
	}
}

// trace hands a line to the transcript, if there is one.
func (c *Client) trace(side byte, public []byte) {
	if c.conn.Tracing() {
		c.tracing.Lock()
		defer c.tracing.Unlock()
		c.conn.Trace(side, public)
	}
}
