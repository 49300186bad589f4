package smtpwire

import (
	"errors"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

// The limits of RFC 5321 section 4.5.3.1, in octets. A path of 256 octets has two for
// its angle brackets.
const (
	maxLocal   = 64
	maxDomain  = 255
	maxLabel   = 63
	maxAddress = 254
)

// ErrAddress reports text that is not an address. It does not repeat the text.
var ErrAddress = errors.New("smtpwire: not a mail address")

// Address is a mailbox, local-part@domain, as an envelope carries it. An Address
// cannot hold CR, LF, NUL or any other control octet, nor text that could close the
// angle brackets around it. The zero value is the null path <>. Addresses compare
// with ==, by octets: neither part is folded.
type Address struct {
	local  string // unquoted
	domain string // empty in the null path and in Postmaster
}

// ParseAddress parses an address without angle brackets.
//
//	Mailbox        = Local-part "@" ( Domain / address-literal )
//	Local-part     = Dot-string / Quoted-string
//	Domain         = sub-domain *("." sub-domain)
//
// The limits of RFC 5321 section 4.5.3.1 hold: 64 octets of local part, 255 of domain,
// 254 in all. Text in UTF-8 is accepted as RFC 6531 section 3.3 extends the grammar;
// see [Address.IsASCII]. The empty string is an error: the null path is Address{}.
func ParseAddress(s string) (Address, error) {
	a, rest, ok := scanMailbox(s)
	if !ok || rest != "" {
		return Address{}, ErrAddress
	}
	return a, nil
}

// Local returns the local part, without quotation marks and backslashes.
func (a Address) Local() string { return a.local }

// Domain returns the domain or the address literal with its brackets.
func (a Address) Domain() string { return a.domain }

// InDomain reports whether the domain of a is the one of that name. ASCII letters are
// the same in any case, as in the DNS: RFC 5321 section 2.4. A domain in UTF-8 and its
// A-labels are two names.
func (a Address) InDomain(name string) bool { return a.domain != "" && ascii.EqualFold(a.domain, name) }

// IsZero reports whether a is the null path.
func (a Address) IsZero() bool { return a == Address{} }

// IsASCII reports whether a can be sent without SMTPUTF8 (RFC 6531).
func (a Address) IsASCII() bool { return isASCII(a.local) && isASCII(a.domain) }

// String returns the address without angle brackets, its local part quoted where
// it must be. The null path is "".
func (a Address) String() string { return string(a.Append(nil)) }

// Append appends what String returns.
func (a Address) Append(dst []byte) []byte {
	if a.IsZero() {
		return dst
	}
	dst = appendLocal(dst, a.local)
	if a.domain != "" {
		dst = append(dst, '@')
		dst = append(dst, a.domain...)
	}
	return dst
}

// appendPath appends the address in angle brackets.
func (a Address) appendPath(dst []byte) []byte {
	dst = append(dst, '<')
	dst = a.Append(dst)
	return append(dst, '>')
}

// isPostmaster reports whether a is <Postmaster> without a domain, the only
// mailbox that may do without: RFC 5321 section 4.1.1.3.
func (a Address) isPostmaster() bool { return a.domain == "" && ascii.EqualFold(a.local, "POSTMASTER") }

// appendLocal writes the local part. The same part is always written the same way,
// with as few quotation marks as possible: RFC 5321 section 4.1.2.
func appendLocal(dst []byte, local string) []byte {
	if isDotString(local) {
		return append(dst, local...)
	}
	dst = append(dst, '"')
	for i := 0; i < len(local); i++ {
		if c := local[i]; c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, local[i])
	}
	return append(dst, '"')
}

// scanMailbox reads a mailbox at the start of s.
func scanMailbox(s string) (a Address, rest string, ok bool) {
	if a.local, rest, ok = scanLocal(s); !ok {
		return Address{}, s, false
	}
	if rest, ok = strings.CutPrefix(rest, "@"); !ok {
		return Address{}, s, false
	}
	if a.domain, rest, ok = scanHost(rest); !ok || len(s)-len(rest) > maxAddress {
		return Address{}, s, false
	}
	return a, rest, true
}

// scanLocal reads Local-part and returns it unquoted.
//
//	Dot-string    = Atom *("."  Atom)
//	Quoted-string = DQUOTE *QcontentSMTP DQUOTE
func scanLocal(s string) (local, rest string, ok bool) {
	n := 0
	if strings.HasPrefix(s, `"`) {
		if local, n, ok = scanQuoted(s); !ok {
			return "", s, false
		}
	} else {
		for n < len(s) && (is(s[n], classAtext) || s[n] == '.' || s[n] >= utf8.RuneSelf) {
			n++
		}
		if local = s[:n]; !isDotString(local) {
			return "", s, false
		}
	}
	if n > maxLocal {
		return "", s, false
	}
	return local, s[n:], true
}

// scanQuoted reads a Quoted-string of n octets.
//
//	quoted-pairSMTP = %d92 %d32-126
//	qtextSMTP       = %d32-33 / %d35-91 / %d93-126
func scanQuoted(s string) (local string, n int, ok bool) {
	escapes := 0
	for n = 1; n < len(s) && s[n] != '"'; n++ {
		if s[n] == '\\' {
			n++
			escapes++
			if n == len(s) || s[n] >= utf8.RuneSelf {
				return "", 0, false
			}
		}
		if s[n] < ' ' || s[n] == 0x7f {
			return "", 0, false
		}
	}
	if n >= len(s) {
		return "", 0, false
	}
	local = s[1:n]
	if escapes > 0 {
		local = unescape(local, escapes)
	}
	return local, n + 1, validText(local)
}

func unescape(s string, escapes int) string {
	b := make([]byte, 0, len(s)-escapes)
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// isDotString reports whether s is a Dot-string: atoms with single dots between them.
func isDotString(s string) bool {
	dot := true // an atom must begin here
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if dot {
				return false
			}
			dot = true
		case is(c, classAtext), c >= utf8.RuneSelf:
			dot = false
		default:
			return false
		}
	}
	return !dot && validText(s)
}

// scanHost reads a Domain or an address-literal at the start of s.
func scanHost(s string) (host, rest string, ok bool) {
	if strings.HasPrefix(s, "[") {
		n := strings.IndexByte(s, ']') + 1
		if n == 0 || n > maxDomain || !isLiteral(s[1:n-1]) {
			return "", s, false
		}
		return s[:n], s[n:], true
	}
	n := 0
	for n < len(s) && (is(s[n], classAlpha|classDigit) || s[n] == '-' || s[n] == '.' || s[n] >= utf8.RuneSelf) {
		n++
	}
	if !isDomain(s[:n]) {
		return "", s, false
	}
	return s[:n], s[n:], true
}

// isDomain checks a domain whose octets are letters, digits, hyphens, dots and
// UTF-8.
//
//	sub-domain = Let-dig [Ldh-str]
//	Ldh-str    = *( ALPHA / DIGIT / "-" ) Let-dig
func isDomain(s string) bool {
	if len(s) > maxDomain {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return validText(s)
}

// isLiteral checks an address literal, given without its brackets.
//
//	address-literal         = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
//	IPv6-address-literal    = "IPv6:" IPv6-addr
//
// A General-address-literal needs a tag registered with IANA; none has been, so it is
// refused: RFC 5321 section 4.1.3.
func isLiteral(s string) bool {
	v6, tagged := ascii.CutPrefixFold(s, "IPV6:")
	ip, err := netip.ParseAddr(v6)
	if err != nil || ip.Zone() != "" || ip.Is4() == tagged {
		return false
	}
	return !tagged || !overlong(v6)
}

// overlong reports whether the "::" in v6 stands for a single group. The grammar of
// RFC 5321 section 4.1.3 wants at least two.
func overlong(v6 string) bool {
	if !strings.Contains(v6, "::") {
		return false
	}
	groups := 0
	for group := range strings.SplitSeq(v6, ":") {
		if strings.Contains(group, ".") {
			groups++ // an IPv4 address stands for two
		}
		if group != "" {
			groups++
		}
	}
	return groups > 6
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// validText reports whether s is ASCII, or UTF-8 without the control characters
// that UTF-8 adds: U+0080 to U+009F, and the line and paragraph separators.
func validText(s string) bool {
	if isASCII(s) {
		return true
	}
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}
