package message

import "fmt"

// Mailbox is one address with the name it is shown under.
type Mailbox struct {
	// Name is the display name as decoded UTF-8 text, without quotes; "" when there is
	// none.
	Name string
	// Addr is the addr-spec, local part and domain, with the local part
	// quoted where RFC 5322 section 3.4.1 asks for it, and without comments
	// or folding: `jo@example.org`, `"jo doe"@example.org`, `jo@[192.0.2.1]`.
	// It holds no control characters. Encoded words are never decoded in it. A
	// parsed one lacks "@" and the domain if the message does: `MAILER-DAEMON`.
	Addr string
}

// Group is a run of mailboxes of an address list.
type Group struct {
	// Name is the group's display name; "" for mailboxes outside any group.
	Name string
	// Members may be empty: "undisclosed-recipients:;" has none.
	Members []Mailbox
}

// AddressError is the first place where an address list is not as RFC 5322
// section 3.4 has it.
type AddressError struct {
	Offset int // in octets, in the text that was parsed
	Reason string
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("message: bad address at octet %d: %s", e.Offset, e.Reason)
}

// ParseMailbox parses exactly one mailbox, such as a person types it.
func ParseMailbox(s string) (Mailbox, error) {
	var p addressParser
	p.parse(s)
	if p.err == nil && (len(p.list) != 1 || p.groups != nil) {
		p.fail(0, "not one mailbox")
	}
	if p.err != nil {
		return Mailbox{}, p.err
	}
	return p.list[0], nil
}

// ParseAddressList parses the value of a field such as To, the mailboxes in
// groups included. It reads what it can: comments and routes, which are obsolete, and
// what is wrong in ways that are common. The error is an *AddressError for the
// first thing that is wrong; the mailboxes that could be read are there all the same.
func ParseAddressList(s string) ([]Mailbox, error) {
	var p addressParser
	p.parse(s)
	return p.list, p.error()
}

// ParseGroups is ParseAddressList with the groups kept apart.
func ParseGroups(s string) ([]Group, error) {
	var p addressParser
	p.parse(s)
	return p.grouped(), p.error()
}
