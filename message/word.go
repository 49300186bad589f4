package message

import (
	"strings"
	"unicode/utf8"
)

// DecodeText makes text for people of the value of an unstructured field such
// as Subject: encoded words are decoded (RFC 2047), what is not UTF-8 becomes U+FFFD,
// or characters of windows-1252 if most of the text is not, tabs and line ends become
// blanks and other control characters U+FFFD.
//
// An encoded word is decoded wherever it stands, not only between blanks as
// RFC 2047 section 5 has it. The octets of neighbouring words of one charset are
// joined before they become text, since many senders split characters
// between words. A word that cannot be read, because of its charset or its form,
// stays as it is.
func DecodeText(s string) string {
	i := strings.Index(s, "=?")
	if i < 0 {
		return cleanText(s)
	}
	var d wordDecoder
	d.out = make([]byte, 0, len(s))
	plain := 0 // where the text begins that is in no word
	for i >= 0 {
		w, end := cutWord(s, i)
		if end > 0 {
			d.text(s[plain:i], true)
			d.word(w, s[i:end])
			i, plain = end, end
		} else {
			i += 2
		}
		if n := strings.Index(s[i:], "=?"); n >= 0 {
			i += n
		} else {
			i = -1
		}
	}
	d.text(s[plain:], false)
	return cleanText(string(d.out))
}

// encodedWord is an encoded word taken apart.
//
//	encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
type encodedWord struct {
	charset  string // without the language of RFC 2231 section 5
	encoding byte   // 'q' or 'b'
	text     string
}

// cutWord reads the encoded word at s[i], which is "=?", and returns the index
// behind it; 0 if it is none. It looks no further than to the next "=?", so
// that trying every "=?" of a text takes time linear in the text.
func cutWord(s string, i int) (w encodedWord, end int) {
	i += 2
	j := i
	for j < len(s) && isToken(s[j]) {
		j++
	}
	if j == i || j+2 >= len(s) || s[j] != '?' || s[j+2] != '?' {
		return w, 0
	}
	w.charset, _, _ = strings.Cut(toLower(s[i:j]), "*")
	if w.encoding = lower(s[j+1]); w.encoding != 'q' && w.encoding != 'b' {
		return w, 0
	}
	text := j + 3
	for end = text; ; end++ {
		n := strings.IndexByte(s[end:], '?')
		if n < 0 {
			return w, 0
		}
		end += n
		if end+1 < len(s) && s[end+1] == '=' {
			w.text = s[text:end]
			return w, end + 2
		}
		if end > text && s[end-1] == '=' {
			return w, 0 // another word begins here
		}
	}
}

// decode appends the octets that the word stands for.
func (w encodedWord) decode(dst []byte) []byte {
	if w.encoding == 'q' {
		return appendQ(dst, w.text)
	}
	var d base64Decoder
	src := []byte(w.text)
	at := len(dst)
	dst = append(dst, make([]byte, base64Room(len(src)))...)
	at += d.decode(dst[at:], src)
	at += d.finish(dst[at:])
	return dst[:at]
}

// appendQ undoes the encoding of RFC 2047 section 4.2. A broken escape stands for itself.
func appendQ(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '_':
			c = ' '
		case '=':
			if v, ok := unhex(text[i+1:]); ok {
				c = v
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// wordDecoder joins encoded words and the text around them.
type wordDecoder struct {
	out     []byte
	run     []byte // octets of neighbouring words of one charset
	charset string // of run
	raw     []byte // the words of run as they stand; nil when there is no run
	gap     string // blanks behind run that count only if no word follows
}

// text adds what is in no encoded word. Blanks between two words do not count
// (RFC 2047 section 6.2).
func (d *wordDecoder) text(s string, wordFollows bool) {
	if d.raw != nil && wordFollows && trimFWS(s) == "" {
		d.gap = s
		return
	}
	d.flush()
	if utf8.ValidString(s) {
		d.out = append(d.out, s...)
	} else {
		d.out = charset{}.appendText(d.out, []byte(s))
	}
}

func (d *wordDecoder) word(w encodedWord, raw string) {
	if d.raw != nil && d.charset == w.charset {
		d.raw = append(d.raw, d.gap...)
		d.gap = ""
	} else {
		d.flush()
	}
	d.charset = w.charset
	d.raw = append(d.raw, raw...)
	d.run = w.decode(d.run)
}

// flush makes text of the run of words.
func (d *wordDecoder) flush() {
	if d.raw == nil {
		return
	}
	if cs, ok := findCharset(d.charset); ok {
		d.out = cs.appendText(d.out, d.run)
	} else {
		d.out = append(d.out, d.raw...)
		d.out = append(d.out, d.gap...)
	}
	d.run, d.raw, d.gap = d.run[:0], nil, ""
}
