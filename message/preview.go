package message

import (
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// previewOctets is how much of a text is looked at for a preview.
	previewOctets = 64 << 10
	// defaultPreview is what RFC 8970 section 3.1 recommends, in characters.
	defaultPreview = 200
)

// Preview returns how the message begins, on one line, for a list of messages: at most
// that many characters, 200 if limit is not positive. It is of the first text that
// Bodies finds, of HTML if there is no other. Quotations, the line that introduces one,
// and what follows "-- " are left out, unless there is nothing else; so are control
// characters and those that show nothing or turn the direction of the line. It is text
// and not HTML.
//
// No more than 64 KiB of the text is read. The error is that of reading the message;
// from memory there is none.
func (m *Message) Preview(limit int) (string, error) {
	if limit <= 0 {
		limit = defaultPreview
	}
	for _, p := range m.Bodies().Text {
		if !strings.HasPrefix(p.mediaType, "text/") {
			continue
		}
		text, err := p.textHead(previewOctets)
		if err != nil {
			return "", err
		}
		if p.mediaType == "text/html" {
			text = AppendHTMLText(nil, text)
		} else if flowed, delSp := p.Flowed(); flowed {
			text = Unflow(nil, text, delSp)
		}
		preview := firstCharacters(ownText(text), limit)
		if preview == "" {
			preview = firstCharacters(text, limit)
		}
		if preview != "" {
			return preview, nil
		}
	}
	return "", nil
}

// textHead returns the first octets of the text of p, limit at most.
func (p *Part) textHead(limit int64) ([]byte, error) {
	if p.end-p.body > limit {
		return io.ReadAll(io.LimitReader(p.Text(), limit))
	}
	text, err := p.AppendText(nil) // a reader has buffers
	return text[:min(int64(len(text)), limit)], err
}

// ownText returns what is no quotation in text: its paragraphs before a signature, without
// those of ">" and a line before them that ends in a colon.
func ownText(text []byte) []byte {
	var own []byte
	intro := 0 // where the last line of own begins
	for len(text) > 0 {
		n := lineLen(text)
		line := text[:n]
		text = text[n:]
		switch trimmed := trimEOL(line); {
		case string(trimmed) == "-- ":
			return own
		case len(trimmed) > 0 && trimmed[0] == '>':
			if last := trimFWS(own[min(intro, len(own)):]); len(last) > 0 && last[len(last)-1] == ':' {
				own = own[:intro]
			}
		case len(trimFWS(trimmed)) == 0:
			own = append(own, '\n') // a line before it is still the last
		default:
			intro = len(own)
			own = append(own, line...)
		}
	}
	return own
}

// firstCharacters returns the beginning of text on one line.
func firstCharacters(text []byte, limit int) string {
	var b bytes.Buffer
	blank := false
	for n := 0; len(text) > 0 && n < limit; {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		switch {
		case unicode.IsSpace(r):
			blank = b.Len() > 0
			continue
		case unicode.In(r, unicode.Cc, unicode.Cf) || r == 0x34F: // and the combining grapheme joiner, the filler of newsletters
			continue
		}
		if blank {
			blank = false
			if n++; n == limit {
				break
			}
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
