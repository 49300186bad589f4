package smtpwire

// parseAuthParam decodes the value of the AUTH parameter of MAIL, an address in xtext
// or "<>": RFC 4954 section 5.
func parseAuthParam(value string) (Address, bool) {
	if value == "<>" {
		return Address{}, true
	}
	text, ok := ParseXtext(value)
	if !ok {
		return Address{}, false
	}
	a, err := ParseAddress(text)
	return a, err == nil
}

func appendAuthParam(dst []byte, a Address) []byte {
	if a.IsZero() {
		return append(dst, "<>"...)
	}
	return AppendXtext(dst, a.String())
}
