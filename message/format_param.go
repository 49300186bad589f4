package message

import (
	"strconv"
	"strings"
)

// maxPlainParam is how long a value may be that is not written by RFC 2231:
// RFC 2183 section 2.
const maxPlainParam = 78

// param writes a parameter of a Content-Type or Content-Disposition: as it is, in
// quotes, or by RFC 2231. Each value is written once, in one way, so that no two
// readers can take it for different ones.
//
// QUIRK: RFC 2183 section 2 would have any short ASCII value in quotes. Readers differ about quotes and backslashes in
// quotes, and some decode encoded-words there: such values are written by RFC 2231.
func (f *fieldWriter) param(name, value string) {
	f.glue(";")
	ascii := isPrintable(value, false) && len(value) <= maxPlainParam
	switch {
	case ascii && value != "" && strings.IndexFunc(value, func(r rune) bool { return !isBareParam(byte(r)) }) < 0:
		f.token(name + "=" + value)
	case ascii && !strings.ContainsAny(value, `"\`) && !strings.Contains(value, "=?"):
		f.token(name + `="` + value + `"`)
	default:
		f.extended(name, value)
	}
}

// isBareParam says which octets of a value need neither quotes nor an escape in the
// eyes of any reader: those of a token (RFC 2045 section 5.1), but for the marks of RFC
// 2231.
func isBareParam(c byte) bool { return isToken(c) && c != '*' && c != '\'' && c != '%' }

// extended writes a parameter by RFC 2231 section 4, in as many sections as are needed
// to keep the lines short.
//
//	extended-parameter = attribute ["*" section] "*" "=" [charset] "'" [language] "'" *(ext-octet / attribute-char)
func (f *fieldWriter) extended(name, value string) {
	if whole := name + "*=utf-8''" + string(appendExtOctets(nil, value)); len(whole) < foldAt {
		f.token(whole)
		return
	}
	for section := 0; value != ""; section++ {
		token := append([]byte(name+"*"), strconv.Itoa(section)...)
		token = append(token, "*="...)
		if section == 0 {
			token = append(token, "utf-8''"...)
		}
		end := len(value)
		for i := range value { // cut between characters, behind one at least
			if i > 0 && len(token)+extLen(value[:i]) > foldAt-2-3*4 {
				end = i
				break
			}
		}
		if section > 0 {
			f.glue(";")
		}
		f.token(string(appendExtOctets(token, value[:end])))
		value = value[end:]
	}
}

func appendExtOctets(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; isBareParam(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func extLen(s string) int {
	n := len(s)
	for i := range len(s) {
		if !isBareParam(s[i]) {
			n += 2
		}
	}
	return n
}
