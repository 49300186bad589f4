// Package ascii folds the case of ASCII letters, and of nothing else.
//
// Verbs, keywords, mechanisms, names of header fields and domains are compared by it
// throughout. Folding by Unicode, as strings.EqualFold does, takes U+017F for an s and
// U+212A for a k: two programs, one of which does that, then read different keywords
// in the same octets.
package ascii

// Text is what there is to fold.
type Text interface{ string | []byte }

// Upper returns c as an upper-case letter, if it is a letter.
func Upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

// Lower returns c as a lower-case letter, if it is a letter.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// EqualFold reports whether a and b are the same but for the case of letters.
func EqualFold[A, B Text](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}

// CutPrefixFold takes prefix off s, whatever the case of its letters, and reports
// whether it was there.
func CutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// ToUpper returns s with its letters in upper case. It allocates only when that is
// another string.
func ToUpper(s string) string { return mapped(s, &uppers) }

// ToLower returns s with its letters in lower case. It allocates only when that is
// another string.
func ToLower(s string) string { return mapped(s, &lowers) }

var uppers, lowers = table(Upper), table(Lower)

func table(fold func(byte) byte) (t [256]byte) {
	for c := range t {
		t[c] = fold(byte(c))
	}
	return t
}

func mapped(s string, to *[256]byte) string {
	for i := range len(s) {
		if to[s[i]] == s[i] {
			continue
		}
		b := []byte(s)
		for j := i; j < len(b); j++ {
			b[j] = to[b[j]]
		}
		return string(b)
	}
	return s
}
