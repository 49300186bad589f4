package message

import "bytes"

// Embedded is a file that lies in a text in uuencode or yEnc, as they travelled before
// MIME.
type Embedded struct {
	// Name is what the sender called it. It must not become a path unseen.
	Name string
	// Encoding is EncodingUU or EncodingYEnc.
	Encoding Encoding
	// Content is the file, decoded.
	Content []byte
	// Whole says that its end was found, and for yEnc that size and sum are right.
	Whole bool
}

// Embedded returns the files that lie in the body in uuencode or yEnc, in their order.
// The body is held in memory, and the contents together are no larger than it; no more
// than 1,000 files are listed. Which parts to ask is for the caller to say: text/plain
// above all. The error is that of reading the message; from memory there is none.
func (p *Part) Embedded() ([]Embedded, error) {
	body, err := p.AppendBody(nil)
	if err != nil {
		return nil, err
	}
	var files []Embedded
	for len(body) > 0 && len(files) < maxEmbedded {
		line, rest, _ := bytes.Cut(body, []byte{'\n'})
		line = trimEOL(line)
		if _, ok := uuBegin(line); ok && uuFollows(rest) {
			files, body = appendUU(files, body)
		} else if _, ok := yencBegin(line); ok {
			files, body = appendYEnc(files, body)
		} else {
			body = rest
		}
	}
	return files, nil
}

const maxEmbedded = 1000

// uuFollows reports whether the first line of rest is one of uuencode: prose may have
// a line that begins like a file.
func uuFollows(rest []byte) bool {
	line, _, _ := bytes.Cut(rest, []byte{'\n'})
	line = trimEOL(line)
	if string(line) == "end" {
		return true
	}
	if len(line) == 0 || line[0] < ' ' || line[0] > '`' {
		return false
	}
	n := (int(line[0]-' ')&0x3F + 2) / 3 * 4
	return len(line)-1 <= n+2 && len(line)-1 >= n-3
}

// appendUU decodes the file that body begins with, and returns what is behind it. A
// line that cannot be one of uuencode ends it too.
func appendUU(files []Embedded, body []byte) ([]Embedded, []byte) {
	var d uuDecoder
	content, rest := appendLines(body, d.line, func(rest []byte) bool {
		return d.ended || d.begun && !uuFollows(rest) && len(trimEOL(rest[:lineLen(rest)])) > 0
	})
	return append(files, Embedded{d.name, EncodingUU, content, d.ended && !d.bad}), rest
}

// appendYEnc decodes the file that body begins with, and returns what is behind it.
func appendYEnc(files []Embedded, body []byte) ([]Embedded, []byte) {
	var d yencDecoder
	content, rest := appendLines(body, d.line, func([]byte) bool { return d.ended })
	return append(files, Embedded{d.name, EncodingYEnc, content, d.ended && !d.bad}), rest
}

// appendLines decodes body line by line until done says of what is left that it
// is nothing more of it.
func appendLines(body []byte, line func(dst, line []byte) int, done func(rest []byte) bool) (content, rest []byte) {
	for len(body) > 0 && !done(body) {
		n := lineLen(body)
		at := len(content)
		content = append(content, body[:n]...)
		content = content[:at+line(content[at:], body[:n])]
		body = body[n:]
	}
	return content, body
}

// lineLen returns the length of the first line of b with its line end.
func lineLen(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n + 1
	}
	return len(b)
}
