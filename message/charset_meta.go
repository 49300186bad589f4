package message

import (
	"bytes"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/posthouse/posthouse/internal/ascii"
)

// metaOctets is how much of HTML is looked at for its charset: what the WHATWG HTML
// standard allows for it.
const metaOctets = 1024

// metaCharset returns the charset that HTML without another says it is in, as browsers
// look for it.
func (p *Part) metaCharset() (charset, bool) {
	head, ok := p.unencoded()
	if !ok {
		head = make([]byte, metaOctets)
		n, _ := io.ReadFull(p.open(), head) // who reads the body meets the error again
		head = head[:n]
	}
	if bytes.HasPrefix(head, bom) {
		return charset{kind: charsetUTF8}, true
	}
	label := metaLabel(head[:min(len(head), metaOctets)])
	if strings.HasPrefix(label, "utf-16") {
		label = "utf-8" // or it could not have been read
	}
	// No others: UTF-7 above all would make tags of what no browser takes for them.
	if e, err := htmlindex.Get(label); err != nil || e == encoding.Replacement {
		return charset{}, false
	}
	return findCharset(label)
}

// metaLabel returns the charset in the first <meta> that has one, in lower case.
func metaLabel(html []byte) string {
	for {
		n := bytes.IndexByte(html, '<')
		if n < 0 {
			return ""
		}
		if html = html[n:]; bytes.HasPrefix(html, []byte("<!--")) {
			html = skipMarkup(html)
			continue
		}
		if html = html[1:]; len(html) < 5 || !ascii.EqualFold(html[:4], "meta") || !endsTagName(html[4]) {
			continue
		}
		tag, rest, _ := bytes.Cut(html[4:], []byte{'>'})
		if html = rest; bytes.IndexByte(tag, '=') < 0 {
			continue
		}
		_, value, found := strings.Cut(ascii.ToLower(string(tag)), "charset")
		value, equals := strings.CutPrefix(strings.TrimLeft(value, " \t\r\n\f"), "=")
		if !found || !equals {
			continue
		}
		value = strings.TrimLeft(value, " \t\r\n\f\"'")
		if n := strings.IndexAny(value, " \t\r\n\f\"';/"); n >= 0 {
			value = value[:n]
		}
		if value != "" {
			return value
		}
	}
}
