package smtp

import (
	"fmt"
	"time"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Address is a mailbox as an envelope carries it. It cannot hold text that would break
// out of a command line. The zero value is the null path <>.
type Address = smtpwire.Address

// ParseAddress parses local@domain, without angle brackets. The empty string is an
// error: the null path is Address{}.
func ParseAddress(s string) (Address, error) { return smtpwire.ParseAddress(s) }

// Body says what octets a message has: RFC 6152, RFC 3030.
type Body = smtpwire.Body

// The bodies.
const (
	BodyUnspecified = smtpwire.BodyUnspecified // not said
	Body7Bit        = smtpwire.Body7Bit        // octets up to 127 only
	Body8BitMIME    = smtpwire.Body8BitMIME    // any octets, in lines of at most 998
	BodyBinaryMIME  = smtpwire.BodyBinaryMIME  // any octets, in no lines; goes by BDAT only
)

// Envelope says from whom and to whom a message goes, and how it is to be handled. A
// client sends what is set, and a server sets what was sent; what is zero is absent. All
// but the first four are for servers that have the extension: a server that was not told
// to offer it refuses the parameter, and a client whose server does not list it refuses
// to send.
type Envelope struct {
	From Address // zero: the null reverse-path <>, for bounces
	To   []Recipient
	Size int64 // the message's size in octets as the sender declared it; 0: unknown
	Body Body

	// UTF8 says that an address or the header is not ASCII: SMTPUTF8 of RFC 6531.
	UTF8 bool

	// RequireTLS says that the message may travel over authenticated TLS only, to
	// servers that promise the same: RFC 8689.
	RequireTLS bool

	// Auth is who submitted the message in the first place, as the peer tells it: AUTH
	// of RFC 4954 section 5. HasAuth with a zero Auth is AUTH=<>, not known.
	Auth    Address
	HasAuth bool

	Return Return     // what a report of failure gives back: RET of RFC 3461
	ID     EnvelopeID // the sender's name for the transaction, for reports: ENVID of RFC 3461

	// DeliverBy is when the message should have been delivered: BY of RFC 2852.
	DeliverBy DeliverBy

	// Priority goes from -9 to 9: MT-PRIORITY of RFC 6710. HasPriority says so of 0, which
	// is that of most messages.
	Priority    int
	HasPriority bool

	// HoldFor and HoldUntil ask the server to keep the message from its recipients for
	// a while: RFC 4865. HoldFor is in whole seconds from the receipt of the message. One
	// of both may be set.
	HoldFor   time.Duration
	HoldUntil time.Time

	// Params are parameters of MAIL that are not known here.
	Params []Param
}

// NewEnvelope returns an envelope with a sender and recipients, such as those of a
// message.Draft, each parsed by [ParseAddress]. An empty sender is an error: the envelope of
// a bounce, from the null reverse-path, has to be written as one. The error wraps
// [smtpwire.ErrAddress], and names the address.
func NewEnvelope(from string, to ...string) (Envelope, error) {
	sender, err := ParseAddress(from)
	if err != nil {
		return Envelope{}, fmt.Errorf("smtp: sender %q: %w", from, err)
	}
	env := Envelope{From: sender, To: make([]Recipient, len(to))}
	for i, text := range to {
		if env.To[i].Address, err = ParseAddress(text); err != nil {
			return Envelope{}, fmt.Errorf("smtp: recipient %q: %w", text, err)
		}
	}
	return env, nil
}

// Recipient is one forward-path of an envelope, with what was asked for it.
type Recipient struct {
	Address Address // has no domain only when it is Postmaster

	Notify   Notify            // when the sender wants a report: NOTIFY of RFC 3461
	Original OriginalRecipient // whom the sender wrote to in the first place: ORCPT of RFC 3461

	// ValidSince is since when the recipient must have been the same person, to the
	// second: RRVS of RFC 7293. NoSupport says what to do when a server does not know it.
	ValidSince time.Time
	NoSupport  NoSupport

	// Params are parameters of RCPT that are not known here.
	Params []Param
}

// Param is a parameter of MAIL or RCPT.
type Param = smtpwire.Param

// Return says what of the message a report of failure gives back.
type Return = smtpwire.Return

// What to return.
const (
	ReturnUnspecified = smtpwire.ReturnUnspecified // not said
	ReturnFull        = smtpwire.ReturnFull        // the message
	ReturnHeaders     = smtpwire.ReturnHeaders     // its header only
)

// Notify says when the sender wants a report about a recipient.
type Notify = smtpwire.Notify

// The conditions. All but NotifyNever may be combined; zero means not said.
const (
	NotifyNever   = smtpwire.NotifyNever
	NotifySuccess = smtpwire.NotifySuccess
	NotifyFailure = smtpwire.NotifyFailure
	NotifyDelay   = smtpwire.NotifyDelay
)

// EnvelopeID is an envelope identifier in xtext; see [NewEnvelopeID].
type EnvelopeID = smtpwire.EnvelopeID

// NewEnvelopeID encodes text, which must be printable ASCII.
func NewEnvelopeID(text string) EnvelopeID { return smtpwire.NewEnvelopeID(text) }

// OriginalRecipient is an address with its type, encoded; see [NewOriginalRecipient].
type OriginalRecipient = smtpwire.OriginalRecipient

// NewOriginalRecipient encodes an address.
func NewOriginalRecipient(a Address) OriginalRecipient { return smtpwire.NewOriginalRecipient(a) }

// NoSupport says what a relay does when the next server does not know RRVS.
type NoSupport = smtpwire.NoSupport

// The actions.
const (
	NoSupportUnspecified = smtpwire.NoSupportUnspecified // not said: as NoSupportReject
	NoSupportReject      = smtpwire.NoSupportReject      // refuse the message
	NoSupportContinue    = smtpwire.NoSupportContinue    // send it without
)

// DeliverBy is a time by which a message is to be delivered: RFC 2852. The zero value
// means that there is none. It is a point in time, where the parameter tells the seconds
// that are left, so that it stays true while a message waits.
type DeliverBy struct {
	Time  time.Time
	Mode  ByMode
	Trace bool // reports of relaying are wanted
}

// ByMode says what becomes of a message that could not be delivered in time.
type ByMode = smtpwire.ByMode

// The modes.
const (
	ByUnspecified = smtpwire.ByUnspecified // there is no DeliverBy
	ByNotify      = smtpwire.ByNotify      // go on, and tell the sender
	ByReturn      = smtpwire.ByReturn      // give up, and return the message
)
