package conn

import (
	"bytes"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Tracing says whether there is a transcript, so that texts for it need not be
// made in vain.
func (c *Conn) Tracing() bool { return c.transcript != nil }

// Trace writes text to the transcript, if there is one: side, which is 'C' or
// 'S', a colon, a blank, the text without its CRLF, and LF; several lines if
// the text is several. Nothing else ever reaches the transcript: it is for the
// caller to hand over what is public only. Octets that a terminal might act upon
// are written as \xNN, or \uNNNN for characters beyond ASCII.
func (c *Conn) Trace(side byte, public []byte) {
	if c.transcript == nil {
		return
	}
	public = bytes.TrimSuffix(public, []byte("\r\n"))
	for more := true; more; {
		var line []byte
		line, public, more = bytes.Cut(public, []byte("\r\n"))
		out := make([]byte, 0, len(line)+4)
		out = appendVisible(append(out, side, ':', ' '), line)
		_, _ = c.transcript.Write(append(out, '\n')) // a transcript that fails fails no session
	}
}

func appendVisible(dst, text []byte) []byte {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1, r < ' ', r == 0x7f:
			dst = append(dst, `\x`...)
			if text[0] < 0x10 {
				dst = append(dst, '0')
			}
			dst = strconv.AppendUint(dst, uint64(text[0]), 16)
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			dst = append(dst, text[:size]...)
		default:
			quoted := strconv.AppendQuoteRuneToASCII(nil, r)
			dst = append(dst, quoted[1:len(quoted)-1]...)
		}
		text = text[size:]
	}
	return dst
}
