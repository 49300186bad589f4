package message

import (
	"strings"
	"unicode/utf8"
)

// maxPlainWord is how long a word of text may be that is not encoded only to be split.
const maxPlainWord = foldAt - 1

// text writes unstructured text: plain words as they are, and from the first to the
// last that cannot be so as encoded-words.
func (f *fieldWriter) text(s string) {
	words := strings.Split(s, " ")
	first, last := len(words), -1
	for i, w := range words {
		switch {
		case w == "":
			// Blanks in a row, or at either end, are not safe from who folds and unfolds.
			first, last = 0, len(words)-1
		case !f.plain(w):
			first, last = min(first, i), max(last, i)
		}
	}
	for i := 0; i < len(words); i++ {
		if i == first {
			f.encoded(strings.Join(words[first:last+1], " "))
			i = last
			continue
		}
		f.token(words[i])
	}
}

// plain says whether a word of text can stand as it is.
func (f *fieldWriter) plain(word string) bool {
	return isPrintable(word, f.utf8) && len(word) <= maxPlainWord && !strings.Contains(word, "=?")
}

// isPrintable says whether s has nothing but printable ASCII and blanks, or any text
// outside ASCII too.
func isPrintable(s string, utf8 bool) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7F || c >= 0x80 && !utf8 {
			return false
		}
	}
	return true
}

// checkText says what forbids text to stand in a header, whatever its encoding; "" if
// nothing does. A tab is a blank.
func checkText(s string) (reason string) {
	for _, r := range s {
		switch {
		case r == '\r' || r == '\n':
			return "line end" // a field could be forged with it
		case isControl(r) && r != '\t':
			return "control character"
		}
	}
	if !utf8.ValidString(s) {
		return "text that is not UTF-8"
	}
	return ""
}
