package smtpwire

import "strings"

// scanPath reads a reverse-path or a forward-path at the start of s, in its angle
// brackets. The null path gives the zero Address.
//
//	Path = "<" [ A-d-l ":" ] Mailbox ">"
//
// A source route is read and dropped, as RFC 5321 section 4.1.1.3 and
// RFC 5321 appendix C ask.
func scanPath(s string) (a Address, rest string, ok bool) {
	if rest, ok = strings.CutPrefix(s, "<"); !ok {
		return Address{}, s, false
	}
	if rest, ok := strings.CutPrefix(rest, ">"); ok {
		return Address{}, rest, true
	}
	if rest, ok = skipRoute(rest); !ok {
		return Address{}, s, false
	}
	if a, rest, ok = scanMailbox(rest); !ok {
		return Address{}, s, false
	}
	if rest, ok = strings.CutPrefix(rest, ">"); !ok {
		return Address{}, s, false
	}
	return a, rest, true
}

// skipRoute takes a source route off the front of s.
//
//	A-d-l     = At-domain *( "," At-domain )
//	At-domain = "@" Domain
func skipRoute(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, "@") {
		return s, true
	}
	for {
		if s, ok = strings.CutPrefix(s, "@"); !ok {
			return s, false
		}
		if _, s, ok = scanHost(s); !ok {
			return s, false
		}
		if rest, ok = strings.CutPrefix(s, ":"); ok {
			return rest, true
		}
		if s, ok = strings.CutPrefix(s, ","); !ok {
			return s, false
		}
	}
}
