package smtp

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Mailbox is an address with the name of who reads what is sent there, as the replies
// to VRFY and EXPN tell it: RFC 5321 section 3.5.
type Mailbox struct {
	Name    string // "": none is told
	Address Address
}

// line writes a mailbox as RFC 5321 section 3.5.2 has it. A name is told only if it is
// printable and leaves no doubt where the address begins.
//
//	User Name <Mailbox>
//	<Mailbox>
func (m Mailbox) line(allowUTF8 bool) string {
	b := make([]byte, 0, 64)
	if isName(m.Name, allowUTF8) {
		b = append(b, m.Name...)
		b = append(b, ' ')
	}
	b = append(b, '<')
	b = m.Address.Append(b)
	return string(append(b, '>'))
}

func isName(s string, allowUTF8 bool) bool {
	for _, r := range s {
		if r == '<' || r == '>' || r == utf8.RuneError || !unicode.IsPrint(r) || r >= utf8.RuneSelf && !allowUTF8 {
			return false
		}
	}
	return s != "" && len(s) <= 200
}

// mailboxReply lists mailboxes. ok is false when an address is not ASCII and the peer
// cannot read it: RFC 6531 section 3.7.4.2.
func mailboxReply(code int, enhanced EnhancedCode, all []Mailbox, allowUTF8 bool) (r smtpwire.Reply, ok bool) {
	r = smtpwire.Reply{Code: code, Enhanced: enhanced, UTF8: allowUTF8}
	for _, m := range all {
		if !allowUTF8 && !m.Address.IsASCII() {
			return smtpwire.Reply{}, false
		}
		r.Lines = append(r.Lines, m.line(allowUTF8))
	}
	return r, true
}

// moved takes an address that the peer cannot read out of a reply which tells one:
// RFC 6531 section 3.7.4.1.
func (s *session) moved(r smtpwire.Reply) smtpwire.Reply {
	if r.Code != movedTo || !slices.ContainsFunc(r.Lines, notASCII) {
		return r
	}
	return newReply(550, r.Enhanced, "recipient has moved")
}

// movedTo is the code of "user not local; please try <forward-path>".
const movedTo = 551

func notASCII(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
