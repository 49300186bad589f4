package smtpwire

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Param is a parameter of MAIL or RCPT that has no field of its own.
//
//	esmtp-param   = esmtp-keyword ["=" esmtp-value]
//	esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
//	esmtp-value   = 1*(%d33-60 / %d62-126 / UTF8-non-ascii)
//
// UTF-8 is for transactions with SMTPUTF8: RFC 6531 section 3.3.
type Param struct {
	Keyword string // as it was written
	Value   string // "" when there is none: a value has at least one octet
}

// Is reports whether p has the keyword, which is written in upper case.
func (p Param) Is(keyword string) bool { return ascii.EqualFold(p.Keyword, keyword) }

func hasParam(params []Param, keyword string) bool {
	for _, p := range params {
		if ascii.EqualFold(p.Keyword, keyword) {
			return true
		}
	}
	return false
}

// appendParams appends parameters. It reports false when one of them would not be read
// as it was meant, for its text or because it has a field of its own or is there twice.
func appendParams(dst []byte, params []Param, reserved []string, allowUTF8 bool) (line []byte, ok bool) {
	for i, p := range params {
		if !isKeyword(p.Keyword) || !isValue(p.Value) || !allowUTF8 && !isASCII(p.Value) ||
			indexFold(reserved, p.Keyword) >= 0 || hasParam(params[:i], p.Keyword) {
			return dst, false
		}
		dst = append(dst, ' ')
		dst = append(dst, p.Keyword...)
		if p.Value != "" {
			dst = append(dst, '=')
			dst = append(dst, p.Value...)
		}
	}
	return dst, true
}

// nextParam takes one parameter and the blanks before it off the front of s.
func nextParam(s string) (p Param, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	word, rest, _ := strings.Cut(s, " ")
	p.Keyword, p.Value, ok = strings.Cut(word, "=")
	if !isKeyword(p.Keyword) || ok && p.Value == "" || !isValue(p.Value) {
		return Param{}, s, false
	}
	return p, rest, true
}

func isValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf && !is(s[i], classValue) {
			return false
		}
	}
	return validText(s)
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

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
