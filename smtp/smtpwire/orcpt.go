package smtpwire

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// maxOriginal is the length of the longest original recipient: RFC 3461 section 4.2.
const maxOriginal = 500

// OriginalRecipient is the value of the ORCPT parameter of RCPT, as it is written: the
// type of an address, a semicolon, and the address in an encoding. It is kept so because
// RFC 3461 section 5.2.1 wants it relayed unchanged. "" means that the parameter is
// absent.
//
//	original-recipient-address = addr-type ";" xtext
//	addr-type                  = atom
//
// The encoding is that of RFC 6533 section 3 if the type is utf-8.
type OriginalRecipient string

// NewOriginalRecipient encodes the address of a recipient: with the type rfc822 if it is
// ASCII, else utf-8.
func NewOriginalRecipient(a Address) OriginalRecipient {
	text := a.String()
	if a.IsASCII() {
		return OriginalRecipient(AppendXtext([]byte("rfc822;"), text))
	}
	return OriginalRecipient(appendUnitext([]byte("utf-8;"), text))
}

// Type returns the type of the address, e.g. "rfc822".
func (o OriginalRecipient) Type() string {
	addrType, _, _ := strings.Cut(string(o), ";")
	return addrType
}

// Address returns the address decoded; "" if it is encoded wrongly. It is whatever the
// sender wrote: its type does not promise that it follows the type's grammar.
func (o OriginalRecipient) Address() string {
	text, _ := o.decode()
	return text
}

func (o OriginalRecipient) decode() (text string, ok bool) {
	addrType, encoded, ok := strings.Cut(string(o), ";")
	if !ok {
		return "", false
	}
	if ascii.EqualFold(addrType, "UTF-8") {
		return parseUnitext(encoded)
	}
	text, ok = ParseXtext(encoded)
	return text, ok && isText(text)
}

// valid reports whether o can stand in a command. RFC 3461 section 4.2: the address
// decoded is printable ASCII, unless its type is one of UTF-8.
func (o OriginalRecipient) valid() bool {
	addrType, encoded, ok := strings.Cut(string(o), ";")
	if !ok || len(o) > maxOriginal || !isDotless(addrType) || encoded == "" {
		return false
	}
	if ascii.EqualFold(addrType, "UTF-8") {
		_, ok = parseUnitext(encoded)
		return ok
	}
	return isXtextOf(encoded, isText)
}

// isDotless reports whether s is an atom that can stand in a parameter.
func isDotless(s string) bool { return s != "" && allOf(s, classAtext) && !strings.Contains(s, "=") }

// append appends the value. RFC 6533 section 3: without SMTPUTF8 what is not ASCII is
// escaped.
func (o OriginalRecipient) append(dst []byte, allowUTF8 bool) (line []byte, ok bool) {
	if !o.valid() {
		return dst, false
	}
	before := len(dst)
	for _, r := range string(o) {
		if r < utf8.RuneSelf || allowUTF8 {
			dst = utf8.AppendRune(dst, r)
		} else {
			dst = appendEscape(dst, r)
		}
	}
	return dst, len(dst)-before <= maxOriginal
}

// appendUnitext encodes s as utf-8-addr-xtext: only ASCII, and what is not escaped is
// printable.
//
//	utf-8-addr-xtext    = 1*(QCHAR / EmbeddedUnicodeChar)
//	QCHAR               = %x21-2a / %x2c-3c / %x3e-5b / %x5d-7e
//	EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"
func appendUnitext(dst []byte, s string) []byte {
	for _, r := range s {
		if r < utf8.RuneSelf && isQchar(byte(r)) {
			dst = append(dst, byte(r))
		} else {
			dst = appendEscape(dst, r)
		}
	}
	return dst
}

func isQchar(c byte) bool { return is(c, classXchar) && c != '\\' }

func appendEscape(dst []byte, r rune) []byte {
	dst = append(dst, `\x{`...)
	if r < 0x10 {
		dst = append(dst, '0')
	}
	var digits [8]byte
	for _, c := range strconv.AppendInt(digits[:0], int64(r), 16) {
		dst = append(dst, ascii.Upper(c))
	}
	return append(dst, '}')
}

// parseUnitext decodes utf-8-enc-addr, whose characters above ASCII may stand there as
// they are. It allocates only when something is escaped in s.
func parseUnitext(s string) (text string, ok bool) {
	escape := strings.IndexByte(s, '\\')
	if escape < 0 {
		return s, s != "" && isUnitext(s)
	}
	b := make([]byte, 0, len(s))
	for escape >= 0 {
		if !isUnitext(s[:escape]) {
			return "", false
		}
		b = append(b, s[:escape]...)
		r, n := scanEscape(s[escape:])
		if n == 0 {
			return "", false
		}
		b = utf8.AppendRune(b, r)
		s = s[escape+n:]
		escape = strings.IndexByte(s, '\\')
	}
	b = append(b, s...)
	text = string(b)
	return text, isUnitext(s) && isTextUTF8(text)
}

func isUnitext(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf && !isQchar(s[i]) {
			return false
		}
	}
	return validText(s)
}

// scanEscape reads the EmbeddedUnicodeChar of n octets at the start of s; n is 0 when
// there is none. A number may be written in the shortest way only, and not stand for a
// character that needs no escape.
func scanEscape(s string) (r rune, n int) {
	rest, ok := strings.CutPrefix(s, `\x{`)
	if !ok {
		return 0, 0
	}
	digits, _, ok := strings.Cut(rest, "}")
	if !ok || len(digits) < 2 || len(digits) > 6 || len(digits) > 2 && digits[0] == '0' {
		return 0, 0
	}
	for i := 0; i < len(digits); i++ {
		d := unhex(digits[i])
		if d < 0 {
			return 0, 0
		}
		r = r<<4 | rune(d)
	}
	if !utf8.ValidRune(r) || r < utf8.RuneSelf && isQchar(byte(r)) {
		return 0, 0
	}
	return r, len(`\x{}`) + len(digits)
}
