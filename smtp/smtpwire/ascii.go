package smtpwire

// The tables and folds here know ASCII alone. Unicode folding, which
// strings.EqualFold does, would take U+017F for an S and U+212A for a K.

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

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 0x20
	}
	return c
}

// equalFold reports whether s is keyword, which is written in upper case.
func equalFold(s, keyword string) bool {
	if len(s) != len(keyword) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if upper(s[i]) != keyword[i] {
			return false
		}
	}
	return true
}

// cutPrefixFold takes prefix, which is written in upper case, off s.
func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !equalFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// equalFoldBoth reports whether a and b are the same but for the case of ASCII letters.
func equalFoldBoth(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if upper(a[i]) != upper(b[i]) {
			return false
		}
	}
	return true
}

// indexFold returns where s stands among keywords, which are written in upper case;
// -1 is nowhere.
func indexFold(keywords []string, s string) int {
	for i, keyword := range keywords {
		if equalFold(s, keyword) {
			return i
		}
	}
	return -1
}

// toUpper folds s to upper case; it allocates only when s has lower-case letters.
func toUpper(s string) string {
	for i := 0; i < len(s); i++ {
		if upper(s[i]) != s[i] {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = upper(b[j])
			}
			return string(b)
		}
	}
	return s
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
