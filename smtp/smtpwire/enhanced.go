package smtpwire

import "strconv"

// EnhancedCode is an enhanced status code of RFC 3463: class, subject, detail.
// The zero value means that there is none.
type EnhancedCode [3]uint16

// IsZero reports whether there is no code.
func (c EnhancedCode) IsZero() bool { return c == EnhancedCode{} }

// String returns the code as it is written, e.g. "5.7.1"; none is "".
func (c EnhancedCode) String() string { return string(c.Append(nil)) }

// Append appends the code as it is written; none appends nothing.
func (c EnhancedCode) Append(dst []byte) []byte {
	if c.IsZero() {
		return dst
	}
	dst = strconv.AppendUint(dst, uint64(c[0]), 10)
	dst = append(dst, '.')
	dst = strconv.AppendUint(dst, uint64(c[1]), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, uint64(c[2]), 10)
}

// ParseEnhanced takes the code off the front of a reply's text. rest is what
// follows the blank behind it. When there is none, rest is text and ok false.
//
//	status-code = class "." subject "." detail
//	class       = "2" / "4" / "5"
//	subject     = 1*3DIGIT
//	detail      = 1*3DIGIT
func ParseEnhanced(text []byte) (code EnhancedCode, rest []byte, ok bool) {
	if len(text) < 5 || text[1] != '.' || text[0] != '2' && text[0] != '4' && text[0] != '5' {
		return EnhancedCode{}, text, false
	}
	subject, n := threeDigits(text[2:])
	if n == 0 || len(text) <= 2+n || text[2+n] != '.' {
		return EnhancedCode{}, text, false
	}
	rest = text[2+n+1:]
	detail, n := threeDigits(rest)
	if n == 0 {
		return EnhancedCode{}, text, false
	}
	switch rest = rest[n:]; {
	case len(rest) == 0:
	case rest[0] == ' ':
		rest = rest[1:]
	default:
		return EnhancedCode{}, text, false
	}
	return EnhancedCode{uint16(text[0] - '0'), subject, detail}, rest, true
}

// threeDigits reads 1*3DIGIT at the start of b; n is 0 when there is no such number.
func threeDigits(b []byte) (v uint16, n int) {
	for n < len(b) && is(b[n], classDigit) {
		if n == 3 {
			return 0, 0
		}
		v = v*10 + uint16(b[n]-'0')
		n++
	}
	return v, n
}
