package message

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

var bom = []byte("\uFEFF")

// AppendText appends to dst the body as UTF-8 text, as Text reads it. The error
// is that of reading the message; from memory there is none.
func (p *Part) AppendText(dst []byte) ([]byte, error) {
	cs := p.charset()
	start := len(dst)
	if raw, ok := p.unencoded(); ok {
		if cs.kind == charsetUTF8 || cs.kind == charsetGuessed {
			var marked bool
			if raw, marked = bytes.CutPrefix(raw, bom); marked {
				cs.kind = charsetUTF8
			}
		}
		return cs.appendText(dst, raw), nil
	}
	if cs.kind != charsetOther {
		// Mostly the text needs nothing done and can stay where it is decoded.
		dst, err := p.AppendBody(dst)
		if err == nil {
			dst = cs.mend(dst, start)
		}
		return dst, err
	}
	raw, err := p.AppendBody(nil)
	if err != nil {
		return dst, err
	}
	return cs.appendText(dst, raw), nil
}

// mend makes dst[start:] text in place.
func (c charset) mend(dst []byte, start int) []byte {
	if c.kind == charsetOctets {
		if n := firstEightBit(dst[start:]); n >= 0 {
			start += n
			return appendOctets(dst[:start], bytes.Clone(dst[start:]), c.enc.(*charmap.Charmap))
		}
		return dst
	}
	if cut, ok := bytes.CutPrefix(dst[start:], bom); ok {
		dst = dst[:start+copy(dst[start:], cut)]
		c.kind = charsetUTF8
	}
	text := dst[start:]
	switch {
	case validUTF8(text):
		return dst
	case c.kind == charsetGuessed && !mostlyUTF8(text):
		return appendOctets(dst[:start], bytes.Clone(text), charmap.Windows1252)
	}
	return appendValid(dst[:start], bytes.Clone(text))
}

// charset returns the charset that the text of p is read in. One that is not
// known counts as none.
func (p *Part) charset() charset {
	label := string(paramOf(p.params(), "charset"))
	cs, known := findCharset(label)
	if (!known || label == "") && p.mediaType == "text/html" {
		if meta, ok := p.metaCharset(); ok {
			return meta
		}
	}
	return cs
}

// Text returns a reader of the body as UTF-8 text: its transfer encoding is undone, its
// charset converted, what is not valid in that charset replaced by U+FFFD, and a byte
// order mark at its start dropped. Line ends stay as they are.
//
// The charset is that of the Content-Type, whatever the media type is, or, in text/html
// without one that is known, that of a <meta> in its first 1,024 octets. Without any of
// those, or with us-ascii, the text is UTF-8 if it begins with a byte order mark or has
// at least as many characters outside ASCII that are valid as that as octets that are
// not, and otherwise windows-1252; to find out, a body that has octets outside ASCII is
// read ahead once.
func (p *Part) Text() io.Reader {
	t := &textReader{part: p, body: p.open(), charset: p.charset()}
	if t.charset.enc != nil {
		t.decoder = t.charset.enc.NewDecoder()
	} else {
		t.decoder = utf8Decoder{}
	}
	return t
}

// textReader converts a body to UTF-8.
type textReader struct {
	part    *Part
	body    *body
	charset charset
	decoder transform.Transformer
	raw     []byte // octets to convert
	rawBuf  []byte
	out     []byte // text converted and not delivered
	outBuf  []byte
	started bool // the first octets were seen
	guessed bool // the charset that was to be guessed is settled
	err     error
}

const textChunk = 8 << 10

func (t *textReader) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		if len(p) == 0 {
			return 0, nil
		}
		t.convert()
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

// convert reads on and converts what it read, or sets err.
func (t *textReader) convert() {
	if t.rawBuf == nil {
		size := min(textChunk, t.body.room())
		t.rawBuf = make([]byte, size)
		t.outBuf = make([]byte, size)
	}
	rest := copy(t.rawBuf, t.raw)
	n, err := io.ReadFull(t.body, t.rawBuf[rest:])
	if err == io.ErrUnexpectedEOF && t.body.err == io.EOF {
		err = io.EOF
	}
	t.raw = t.rawBuf[:rest+n]
	if err != nil && err != io.EOF {
		t.err = err
		return
	}
	last := err == io.EOF
	if !t.started {
		t.started = true
		if t.charset.enc == nil {
			t.raw, t.guessed = bytes.CutPrefix(t.raw, bom) // it is UTF-8 then
		}
	}
	if t.charset.kind == charsetGuessed && !t.guessed && !isASCII(t.raw) {
		if t.err = t.guess(); t.err != nil {
			return
		}
	}
	nd, ns, err := t.decoder.Transform(t.outBuf, t.raw, last)
	t.out, t.raw = t.outBuf[:nd], t.raw[ns:]
	if last && len(t.raw) == 0 && err != transform.ErrShortDst {
		t.err = io.EOF
	}
}

// guess settles whether a body that is not ASCII is UTF-8, by reading all of it.
func (t *textReader) guess() error {
	t.guessed = true
	var seen tally
	b := t.part.open()
	buf := make([]byte, bodyChunk)
	rest := 0
	for {
		n, err := io.ReadFull(b, buf[rest:])
		text := buf[:rest+n]
		last := b.err == io.EOF && err != nil
		if err != nil && !last {
			return err
		}
		cut := len(text)
		if !last {
			cut -= incompleteRune(text)
		}
		seen.add(text[:cut])
		if last {
			break
		}
		rest = copy(buf, text[cut:])
	}
	if !seen.isUTF8() {
		t.decoder = charmap.Windows1252.NewDecoder()
	}
	return nil
}

// incompleteRune returns how many octets at the end of b are the beginning of
// a character whose other octets may follow.
func incompleteRune(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// utf8Decoder replaces what is not UTF-8 by U+FFFD.
type utf8Decoder struct{ transform.NopResetter }

func (utf8Decoder) Transform(dst, src []byte, atEOF bool) (nd, ns int, err error) {
	whole := len(src)
	if !atEOF {
		whole -= incompleteRune(src)
	}
	if whole <= len(dst) && validUTF8(src[:whole]) {
		return copy(dst, src[:whole]), whole, nil
	}
	for ns < whole {
		r, n := utf8.DecodeRune(src[ns:whole])
		if nd+utf8.RuneLen(r) > len(dst) {
			return nd, ns, transform.ErrShortDst
		}
		nd += utf8.EncodeRune(dst[nd:], r)
		ns += n
	}
	return nd, ns, nil
}
