package smtpwire

// xtext carries any text in a parameter: RFC 3461 section 4.
//
//	xtext   = *( xchar / hexchar )
//	xchar   = %d33-126 without "+" and "="
//	hexchar = "+" 2(HEXDIG, in upper case)

const hexDigits = "0123456789ABCDEF"

// AppendXtext appends s encoded as xtext.
func AppendXtext(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; is(c, classXchar) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '+', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// ParseXtext decodes xtext. It allocates only when something is encoded in s.
func ParseXtext(s string) (text string, ok bool) {
	i := 0
	for i < len(s) && is(s[i], classXchar) {
		i++
	}
	if i == len(s) {
		return s, true
	}
	b := append(make([]byte, 0, len(s)), s[:i]...)
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case is(c, classXchar):
			b = append(b, c)
		case c == '+' && i+2 < len(s):
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi < 0 || lo < 0 {
				return "", false
			}
			b = append(b, byte(hi<<4|lo))
			i += 2
		default:
			return "", false
		}
	}
	return string(b), true
}

// isXtextOf reports whether s is xtext of text that passes the check. It allocates only
// when something is encoded in s.
func isXtextOf(s string, check func(string) bool) bool {
	text, ok := ParseXtext(s)
	return ok && check(text)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
