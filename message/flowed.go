package message

import (
	"slices"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Flowed reports whether the part is text of format=flowed, and whether the blank
// at the end of a flowed line goes with the line end (RFC 3676 section 4).
func (p *Part) Flowed() (flowed, delSp bool) {
	if p.mediaType != "text/plain" {
		return false, false
	}
	params := p.Params()
	flowed = ascii.EqualFold(params.Get("format"), "flowed")
	return flowed, flowed && ascii.EqualFold(params.Get("delsp"), "yes")
}

// Unflow appends to dst text of format=flowed as paragraphs of one line each (RFC
// 3676 section 4.1): a line that ends in a blank goes on with the next, if that is
// quoted as deep; with delSp the blank goes. Blanks that were put in front of a line are
// taken away, quote marks stay, with a blank behind them. The line of a signature, "-- ",
// stays alone. Lines end in LF. Text and time are linear in src, which may not
// overlap dst.
func Unflow(dst, src []byte, delSp bool) []byte {
	dst = slices.Grow(dst, len(src))
	open := false // the line before goes on
	depth := 0    // of the quotes of the line before
	for len(src) > 0 {
		n := lineLen(src)
		line, ended := trimEOL(src[:n]), src[n-1] == '\n'
		src = src[n:]

		quotes := 0
		for quotes < len(line) && line[quotes] == '>' { // RFC 3676 section 4.5
			quotes++
		}
		text := line[quotes:]
		if len(text) > 0 && text[0] == ' ' { // RFC 3676 section 4.4
			text = text[1:]
		}
		signature := string(text) == "-- " // RFC 3676 section 4.3
		if open && (quotes != depth || signature) {
			dst = append(dst, '\n')
			open = false
		}
		if !open && quotes > 0 {
			dst = append(append(dst, line[:quotes]...), ' ')
		}
		open, depth = len(text) > 0 && text[len(text)-1] == ' ' && !signature, quotes
		if open && delSp {
			text = text[:len(text)-1]
		}
		dst = append(dst, text...)
		if !open && ended {
			dst = append(dst, '\n')
		}
	}
	return dst
}
