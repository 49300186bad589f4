package message

import (
	"bytes"
	"html"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// AppendHTMLText appends to dst the text that a browser would show of src, HTML in
// UTF-8, as plain text: paragraphs end in LF, list items begin with "- ", cells are
// parted by a blank. Blanks are folded into one but in <pre>. Scripts, styles and
// what else has no text of its own are left out, and so are links and pictures
// but for the text that stands for them. Style sheets are not looked at: text that they
// hide is there.
//
// The result is text and not HTML: it may well say "<script>", and is to be escaped
// where it is put into HTML. It has no control characters but LF. Time and room
// are linear in src whatever is in it, and nothing is kept for tags that are open.
func AppendHTMLText(dst, src []byte) []byte {
	h := htmlReader{out: dst, start: len(dst)}
	for len(src) > 0 {
		n := bytes.IndexByte(src, '<')
		switch {
		case n != 0:
			if n < 0 {
				n = len(src)
			}
			h.text(src[:n])
			src = src[n:]
		case len(src) > 1 && (isLetter(src[1]) || src[1] == '/' && len(src) > 2 && isLetter(src[2])):
			src = h.tag(src)
		case len(src) > 1 && (src[1] == '!' || src[1] == '?' || src[1] == '/' && len(src) > 2):
			src = skipMarkup(src)
		default:
			h.text(src[:1])
			src = src[1:]
		}
	}
	for len(h.out) > h.start && (h.out[len(h.out)-1] == ' ' || h.out[len(h.out)-1] == '\n') {
		h.out = h.out[:len(h.out)-1]
	}
	return h.out
}

// htmlReader gathers the text of HTML.
type htmlReader struct {
	out   []byte
	start int  // of what it wrote in out
	blank bool // a blank is due before the next text
	lines int  // line ends that are due before it
	pre   int  // how many <pre> are open
	// In SVG and MathML, scripts and the like have tags in them: only the text up to the
	// next tag is left out.
	foreign, hushed bool
}

// skipMarkup passes over a comment, a declaration or the like at the start of src. One
// that is not closed goes to the end.
func skipMarkup(src []byte) []byte {
	rest, comment := bytes.CutPrefix(src, []byte("<!--"))
	if !comment {
		_, rest, _ = bytes.Cut(src, []byte{'>'})
		return rest
	}
	for _, end := range []string{">", "->"} { // a comment of nothing
		if rest, ok := bytes.CutPrefix(rest, []byte(end)); ok {
			return rest
		}
	}
	for {
		n := bytes.Index(rest, []byte("--"))
		if n < 0 {
			return nil
		}
		rest = rest[n+1:]
		for _, end := range []string{"->", "-!>"} {
			if rest, ok := bytes.CutPrefix(rest, []byte(end)); ok {
				return rest
			}
		}
	}
}

// htmlBreaks are the elements that text does not run across, by how many line ends part it.
var htmlBreaks = map[string]int{
	"address": 1, "article": 1, "aside": 1, "blockquote": 2, "body": 1, "br": 1, "center": 1, "dd": 1, "div": 1, "dl": 2, "dt": 1,
	"fieldset": 1, "figcaption": 1, "figure": 1, "footer": 1, "form": 1, "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2,
	"header": 1, "hr": 2, "html": 1, "legend": 1, "li": 1, "main": 1, "nav": 1, "ol": 2, "option": 1, "p": 2, "pre": 2, "section": 1,
	"table": 1, "tbody": 1, "tfoot": 1, "thead": 1, "tr": 1, "ul": 2,
}

// htmlSilent are the elements whose content is no text: it goes to the closing tag.
var htmlSilent = map[string]bool{
	"applet": true, "audio": true, "iframe": true, "noembed": true, "noframes": true, "script": true, "style": true,
	"template": true, "title": true, "video": true,
}

// tag takes the tag at the start of src and returns what is behind it.
func (h *htmlReader) tag(src []byte) []byte {
	closing := src[1] == '/'
	at := 1
	if closing {
		at = 2
	}
	end := at
	for end < len(src) && !endsTagName(src[end]) {
		end++
	}
	var buf [16]byte // room for all names that mean something
	name := buf[:0]
	for i := at; i < end && end-at <= len(buf); i++ {
		name = append(name, ascii.Lower(src[i]))
	}
	rest, alt := skipAttributes(src[end:])
	h.hushed = false
	if lines, ok := htmlBreaks[string(name)]; ok {
		if string(name) == "br" {
			lines = min(h.lines+1, 3)
		}
		h.lines = max(h.lines, lines)
	}
	switch string(name) {
	case "td", "th":
		h.blank = true
	case "li":
		if !closing {
			h.text([]byte("- "))
		}
	case "pre":
		if closing {
			h.pre = max(h.pre-1, 0)
		} else {
			h.pre++
		}
	case "img":
		h.text(alt)
	case "svg", "math":
		h.foreign = !closing
	}
	if htmlSilent[string(name)] && !closing {
		if h.hushed = h.foreign; !h.hushed {
			return skipSilent(rest, string(name))
		}
	}
	return rest
}

// skipSilent passes over the content of an element to its closing tag, or all.
func skipSilent(src []byte, name string) []byte {
	for {
		n := bytes.Index(src, []byte("</"))
		if n < 0 {
			return nil
		}
		src = src[n+2:]
		if len(src) > len(name) && ascii.EqualFold(src[:len(name)], name) && endsTagName(src[len(name)]) {
			if n := bytes.IndexByte(src, '>'); n >= 0 {
				return src[n+1:]
			}
			return nil
		}
	}
}

// skipAttributes passes over the attributes of a tag and its end. It returns what
// the first alt attribute says.
func skipAttributes(src []byte) (rest, alt []byte) {
	for {
		for len(src) > 0 && (isHTMLBlank(src[0]) || src[0] == '/') {
			src = src[1:]
		}
		if len(src) == 0 {
			return nil, nil // no end, no tag
		}
		if src[0] == '>' {
			return src[1:], alt
		}
		end := 1 // a "=" that the name begins with is part of it
		for end < len(src) && !endsTagName(src[end]) && src[end] != '=' {
			end++
		}
		name := src[:end]
		src = skipHTMLBlanks(src[end:])
		if len(src) > 0 && src[0] == '=' {
			var value []byte
			if value, src = attributeValue(src[1:]); alt == nil && ascii.EqualFold(name, "alt") {
				alt = value
			}
		}
	}
}

func isHTMLBlank(c byte) bool { return isFWS(c) || c == '\f' }

func endsTagName(c byte) bool { return isHTMLBlank(c) || c == '/' || c == '>' }

func skipHTMLBlanks(src []byte) []byte {
	for len(src) > 0 && isHTMLBlank(src[0]) {
		src = src[1:]
	}
	return src
}

// attributeValue takes the value at the start of src. A quotation that is not closed
// goes to the end.
func attributeValue(src []byte) (value, rest []byte) {
	src = skipHTMLBlanks(src)
	if len(src) > 0 && (src[0] == '"' || src[0] == '\'') {
		n := bytes.IndexByte(src[1:], src[0])
		if n < 0 {
			return nil, nil
		}
		return src[1 : 1+n], src[n+2:]
	}
	i := 0
	for i < len(src) && !isHTMLBlank(src[i]) && src[i] != '>' {
		i++
	}
	return src[:i], src[i:]
}

// atStart reports whether there is no text yet.
func (h *htmlReader) atStart() bool { return len(h.out) == h.start }

// newline ends the line, without the blanks at its end.
func (h *htmlReader) newline() {
	for len(h.out) > h.start && h.out[len(h.out)-1] == ' ' {
		h.out = h.out[:len(h.out)-1]
	}
	h.out = append(h.out, '\n')
	h.blank = false
}

// text adds text with its character references.
func (h *htmlReader) text(s []byte) {
	if h.hushed {
		return
	}
	if bytes.IndexByte(s, '&') >= 0 {
		s = []byte(html.UnescapeString(string(s)))
	}
	for len(s) > 0 {
		if n := visibleASCII(s); n > 0 {
			h.due()
			h.out = append(h.out, s[:n]...)
			s = s[n:]
			continue
		}
		r, n := utf8.DecodeRune(s)
		s = s[n:]
		switch {
		case r == '\n' && h.pre > 0:
			if !h.atStart() {
				h.newline()
			}
			continue
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f':
			if h.pre == 0 || r != ' ' {
				h.blank = true
				continue
			}
		case r == 0xA0:
			r = ' '
		case unicode.IsControl(r):
			r = utf8.RuneError
		}
		h.due()
		h.out = utf8.AppendRune(h.out, r)
	}
}

// visibleASCII returns how many octets at the start of s are characters that show.
func visibleASCII(s []byte) int {
	n := 0
	for n < len(s) && ' ' < s[n] && s[n] < 0x7F {
		n++
	}
	return n
}

// due adds what is due before the next character.
func (h *htmlReader) due() {
	if h.lines > 0 {
		have := 0 // line ends that are there
		for have < 2 && len(h.out)-have > h.start && h.out[len(h.out)-1-have] == '\n' {
			have++
		}
		for ; have < h.lines && !h.atStart(); have++ {
			h.newline()
		}
		h.lines, h.blank = 0, false
	}
	if n := len(h.out); h.blank && n > h.start && h.out[n-1] != ' ' && h.out[n-1] != '\n' {
		h.out = append(h.out, ' ')
	}
	h.blank = false
}
