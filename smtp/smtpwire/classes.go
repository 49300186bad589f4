package smtpwire

import "github.com/posthouse/posthouse/internal/ascii"

// class is what an octet of ASCII may be part of.
type class uint8

const (
	classAlpha class = 1 << iota
	classDigit
	classAtext  // RFC 5321 section 4.1.2, Atom, by way of RFC 5322 section 3.2.3
	classValue  // esmtp-value: %d33-60 / %d62-126
	classXchar  // xtext: %d33-126 without "+" and "="
	classDcont  // dcontent: %d33-90 / %d94-126
	classVisual // %d33-126
)

var classes = func() (t [256]class) {
	for c := 33; c <= 126; c++ {
		t[c] |= classVisual
		if c != '=' {
			t[c] |= classValue
		}
		if c != '+' && c != '=' {
			t[c] |= classXchar
		}
		if c < '[' || c > ']' {
			t[c] |= classDcont
		}
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= classDigit | classAtext
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= classAlpha | classAtext
		t[c|0x20] |= classAlpha | classAtext
	}
	for _, c := range []byte("!#$%&'*+-/=?^_`{|}~") {
		t[c] |= classAtext
	}
	return t
}()

func is(c byte, want class) bool { return classes[c]&want != 0 }

func allOf[T string | []byte](s T, want class) bool {
	for i := 0; i < len(s); i++ {
		if !is(s[i], want) {
			return false
		}
	}
	return true
}

// indexFold returns where s stands among keywords, in any case of letters; -1
// is nowhere.
func indexFold(keywords []string, s string) int {
	for i, keyword := range keywords {
		if ascii.EqualFold(s, keyword) {
			return i
		}
	}
	return -1
}

// isText reports whether s is printable ASCII with blanks and tabs.
func isText(s string) bool { return isASCII(s) && isTextUTF8(s) }

// isTextUTF8 reports whether s is text without control characters but tabs.
func isTextUTF8(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\t' && c < ' ' || c == 0x7f {
			return false
		}
	}
	return validText(s)
}
