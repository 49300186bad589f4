package smtpwire

// Hello is the HELO or EHLO command of RFC 5321 section 4.1.1.1, or the LHLO command
// of RFC 2033 section 4.1.
//
//	ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
//	helo = "HELO" SP Domain CRLF
//	lhlo = "LHLO" SP ( Domain / address-literal ) CRLF
type Hello struct {
	Verb Verb   // HELO or LHLO; anything else is EHLO
	Name string // a domain, or an address literal with its brackets
}

func (h *Hello) verb() Verb {
	if h.Verb == HELO || h.Verb == LHLO {
		return h.Verb
	}
	return EHLO
}

// Parse parses what follows the verb and its blank, and sets Name; Verb is the
// caller's, who saw it.
//
// QUIRK: RFC 5321 section 4.1.2 has no underscore in a domain. Many hosts say hello
// with one, it harms nobody, and RFC 5321 section 4.1.4 forbids refusing mail for a
// name that does not check out; so it is accepted here, and an address literal behind
// HELO too.
func (h *Hello) Parse(args string) error {
	if !isHello(args) {
		return syntax(badArgument, "domain name or address literal expected")
	}
	h.Name = args
	return nil
}

// Append appends the command line with its CRLF.
func (h *Hello) Append(dst []byte) ([]byte, error) {
	if !isHello(h.Name) {
		return dst, &UnsafeError{h.verb(), "name"}
	}
	dst = append(dst, h.verb().String()...)
	dst = append(dst, ' ')
	dst = append(dst, h.Name...)
	return append(dst, '\r', '\n'), nil
}

// AppendPublic appends the command for a transcript, without its CRLF.
func (h *Hello) AppendPublic(dst []byte) []byte { return public(dst, h.verb(), h.Append) }

func isHello(name string) bool {
	host, rest, ok := scanHost(name)
	if ok && rest == "" {
		return isASCII(host)
	}
	if len(name) > maxDomain {
		return false
	}
	b := make([]byte, 0, maxDomain)
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '_':
			b = append(b, 'x')
		case is(c, classAlpha|classDigit), c == '-', c == '.':
			b = append(b, c)
		default:
			return false
		}
	}
	return isDomain(string(b))
}
