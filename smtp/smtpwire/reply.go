package smtpwire

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// maxReplyLine is the longest reply line with its CRLF: RFC 5321 section 4.5.3.1.5.
const maxReplyLine = 512

// ErrReply reports a line that is not a reply line.
var ErrReply = errors.New("smtpwire: not a reply line")

// Reply is a server's reply.
type Reply struct {
	Code     int
	Enhanced EnhancedCode // zero: none; else it stands before the text of each line
	Lines    []string     // none is as one empty line

	// UTF8 says that the peer asked for replies in UTF-8, which it may with VRFY and
	// EXPN only: RFC 6531 section 3.7.4. Without it the text is written in ASCII.
	UTF8 bool
}

// Append appends the reply with its CRLFs.
//
//	Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
//
// No text can break out of its line: a line feed in it begins another line of the
// reply, and any other octet but a tab that is not printable ASCII is written as "?",
// unless the text is UTF-8 and may be. A line too long for RFC 5321 section 4.5.3.1.5 is
// cut up, save one of code 334, whose challenges RFC 4954 section 4 allows to be longer. A
// code that no server may send, below 200 or above 599, is written as 451.
func (r Reply) Append(dst []byte) []byte {
	code := r.Code
	if code < 200 || code > 599 {
		code = 451
	}
	if len(r.Lines) == 0 {
		return r.appendLine(dst, code, "", true)
	}
	for i, text := range r.Lines {
		last := i == len(r.Lines)-1
		for {
			line, rest, cut := r.cut(text)
			dst = r.appendLine(dst, code, line, last && !cut)
			if !cut {
				break
			}
			text = rest
		}
	}
	return dst
}

// cut splits off what goes into one line.
func (r Reply) cut(text string) (line, rest string, more bool) {
	line, rest, more = strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	const room = maxReplyLine - len("250-5.255.255 ") - len("\r\n")
	if r.Code == 334 || len(line) <= room {
		return line, rest, more
	}
	n := strings.LastIndexByte(line[:room], ' ') + 1
	if n < room/2 {
		for n = room; r.UTF8 && n > room-utf8.UTFMax && !utf8.RuneStart(line[n]); {
			n--
		}
	}
	return line[:n], text[n:], true
}

func (r Reply) appendLine(dst []byte, code int, text string, last bool) []byte {
	dst = append(dst, byte('0'+code/100), byte('0'+code/10%10), byte('0'+code%10), ' ')
	if !last {
		dst[len(dst)-1] = '-'
	}
	if !r.Enhanced.IsZero() {
		dst = r.Enhanced.Append(dst)
		if text != "" {
			dst = append(dst, ' ')
		}
	}
	start := len(dst)
	dst = append(dst, text...)
	if !r.UTF8 || !isTextUTF8(text) {
		maskUnprintable(dst[start:])
	}
	return append(dst, '\r', '\n')
}

// maskUnprintable puts "?" in the place of each octet that a reply cannot have.
//
//	textstring = 1*(%d09 / %d32-126)
func maskUnprintable(text []byte) {
	for i, c := range text {
		if c != '\t' && (c < ' ' || c > '~') {
			text[i] = '?'
		}
	}
}

// ParseReplyLine parses one line of a reply, given without its CRLF. more says that
// the reply goes on. text is a view of line; it may hold any octets. A line of three
// digits alone is accepted as RFC 5321 section 4.2 asks of clients.
//
//	Reply-code = %x32-35 %x30-35 %x30-39
func ParseReplyLine(line []byte) (code int, more bool, text []byte, err error) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '5' || !is(line[2], classDigit) {
		return 0, false, nil, ErrReply
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, false, nil, nil
	}
	switch line[3] {
	case ' ', '-':
		return code, line[3] == '-', line[4:], nil
	}
	return 0, false, nil, ErrReply
}
