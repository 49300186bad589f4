package message

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
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
	d := wordDecoder{s: s, out: make([]byte, 0, len(s)+base64Room(0))}
	plain := 0 // where the text begins that is in no word
	for i >= 0 {
		w, end := cutWord(s, i)
		if end > 0 {
			d.text(s[plain:i], true)
			d.word(w, i, end)
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
	return withoutControls(string(d.out))
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
	w.charset, _, _ = strings.Cut(ascii.ToLower(s[i:j]), "*")
	if w.encoding = ascii.Lower(s[j+1]); w.encoding != 'q' && w.encoding != 'b' {
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
	dst = slices.Grow(dst, base64Room(len(src)))
	dst = dst[:at+base64Room(len(src))]
	at += d.decode(dst[at:], src)
	at += d.finish(dst[at:])
	return dst[:at]
}

// appendQ undoes the encoding of RFC 2047 section 4.2. A broken escape stands for itself.
func appendQ(dst []byte, text string) []byte {
	at := len(dst)
	dst = append(dst, text...)
	word := dst[at:]
	replaceOctet(word, '_', ' ')
	return dst[:at+unescape(word)]
}

// unescape undoes the escapes in b where they are, and returns how many octets are left.
func unescape(b []byte) int {
	i := bytes.IndexByte(b, '=')
	if i < 0 {
		return len(b)
	}
	out := i
	for ; i < len(b); out++ {
		b[out] = b[i]
		i++
		if b[out] != '=' {
			continue
		}
		if c, ok := unhex(b[i:]); ok {
			b[out] = c
			i += 2
		}
	}
	return out
}

// wordDecoder joins encoded words and the text around them.
type wordDecoder struct {
	s       string
	out     []byte
	run     int    // where the octets of neighbouring words of one charset begin at the end of out
	charset string // of them
	// Where in s those words begin and end, and where the blanks behind them end that
	// count only if no word follows. There are no such words if all are the same.
	start, end, gap int
}

// text adds what is in no encoded word. Blanks between two words do not count
// (RFC 2047 section 6.2).
func (d *wordDecoder) text(s string, wordFollows bool) {
	if d.end > d.start && wordFollows && trimFWS(s) == "" {
		d.gap = d.end + len(s)
		return
	}
	d.flush()
	d.plain(s)
}

// plain adds s as it stands.
func (d *wordDecoder) plain(s string) {
	if utf8.ValidString(s) {
		d.out = append(d.out, s...)
	} else {
		d.out = charset{}.appendText(d.out, []byte(s))
	}
}

// word adds the word w at s[start:end].
func (d *wordDecoder) word(w encodedWord, start, end int) {
	if d.end == d.start || d.charset != w.charset {
		blanks := d.s[d.end:d.gap]
		if d.flush() && blanks != "" {
			if _, known := findCharset(w.charset); !known {
				d.out = append(d.out, blanks...) // what stays as it is keeps its distance
			}
		}
		d.charset, d.start, d.run = w.charset, start, len(d.out)
	}
	d.end, d.gap = end, end
	d.out = w.decode(d.out)
}

// flush makes text of the run of words, and reports whether that could be done.
func (d *wordDecoder) flush() (done bool) {
	if d.end == d.start {
		return true
	}
	octets := d.out[d.run:]
	cs, known := findCharset(d.charset)
	switch {
	case !known:
		d.out = d.out[:d.run]
		d.plain(d.s[d.start:d.gap])
	case cs.enc != nil || !validUTF8(octets):
		d.out = cs.appendText(d.out[:d.run], bytes.Clone(octets))
	}
	d.start = d.end
	return known
}
