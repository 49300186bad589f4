package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

// Address is a mailbox as an envelope carries it. It cannot hold text that would break
// out of a command line. The zero value is the null path <>.
type Address = smtpwire.Address

// ParseAddress parses local@domain, without angle brackets. The empty string is an
// error: the null path is Address{}.
func ParseAddress(s string) (Address, error) { return smtpwire.ParseAddress(s) }

// Body says what octets a message has: RFC 6152.
type Body = smtpwire.Body

// The bodies.
const (
	BodyUnspecified = smtpwire.BodyUnspecified // not said
	Body7Bit        = smtpwire.Body7Bit        // octets up to 127 only
	Body8BitMIME    = smtpwire.Body8BitMIME    // any octets, in lines of at most 998
)

// Envelope says from whom and to whom a message goes.
type Envelope struct {
	From Address // zero: the null reverse-path <>, for bounces
	To   []Recipient
	Size int64 // the message's size in octets as the sender declared it; 0: unknown
	Body Body
}

// Recipient is one forward-path of an envelope.
type Recipient struct {
	Address Address // has no domain only when it is Postmaster
}
