package smtpwire

import (
	"strconv"
	"strings"
)

// Param is a parameter of MAIL or RCPT.
//
//	esmtp-param   = esmtp-keyword ["=" esmtp-value]
//	esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//	esmtp-value   = 1*(%d33-60 / %d62-126)
type Param struct {
	Keyword string // as it was written
	Value   string // "" when there is none: a value has at least one octet
}

// Is reports whether p has the keyword, which is written in upper case.
func (p Param) Is(keyword string) bool { return equalFold(p.Keyword, keyword) }

func (p Param) append(dst []byte, v Verb) ([]byte, error) {
	if !isKeyword(p.Keyword) || !allOf(p.Value, classValue) {
		return dst, &UnsafeError{v, "parameter"}
	}
	dst = append(dst, ' ')
	dst = append(dst, p.Keyword...)
	if p.Value != "" {
		dst = append(dst, '=')
		dst = append(dst, p.Value...)
	}
	return dst, nil
}

// nextParam takes one parameter and the blanks before it off the front of s.
func nextParam(s string) (p Param, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	word, rest, _ := strings.Cut(s, " ")
	p.Keyword, p.Value, ok = strings.Cut(word, "=")
	if !isKeyword(p.Keyword) || ok && p.Value == "" || !allOf(p.Value, classValue) {
		return Param{}, s, false
	}
	return p, rest, true
}

func isKeyword(s string) bool {
	if s == "" || !is(s[0], classAlpha|classDigit) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !is(s[i], classAlpha|classDigit) && s[i] != '-' {
			return false
		}
	}
	return true
}

// parseSize reads size-value = 1*20DIGIT of RFC 1870 section 3. A number beyond int64
// gives the largest one: no message is that large either.
func parseSize(s string) (size int64, ok bool) {
	if len(s) == 0 || len(s) > 20 || !allOf(s, classDigit) {
		return 0, false
	}
	size, err := strconv.ParseInt(s, 10, 64)
	return size, err == nil || size > 0
}
