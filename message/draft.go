package message

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"
)

// Draft is a message to be written. The zero value of each field leaves it out, or has
// it made.
//
// Whatever the fields hold, nothing but what they mean is written: line ends, control
// characters and text that is not UTF-8 are refused in all that goes into a header, and
// addresses that are none. The error is a *DraftError, and no octet has been written
// then.
type Draft struct {
	From    []Mailbox // the authors; at least one
	Sender  Mailbox   // who sends it, if that is not the one author; required if there are several
	ReplyTo []Mailbox
	To, Cc  []Mailbox
	Bcc     []Mailbox // recipients that are not written

	Subject string
	Text    string // the text; lines end in LF or CRLF
	HTML    string // the same as HTML; beside Text it is the alternative to prefer

	// Inline are files that HTML refers to by their ContentID.
	Inline []Attachment
	// Attachments are files to go with the message. A message among them, of media type
	// message/rfc822, is never encoded, and must have lines that mail can carry; one that
	// has not can go as application/octet-stream, like any file.
	Attachments []Attachment

	Date       time.Time // zero: the time of Compose
	MessageID  string    // "x@example.org", without angle brackets; zero: a random one at the domain of From
	InReplyTo  []string  // message-ids; see SetParent
	References []string  // message-ids; likewise
	// Extra are further fields, in this order. A value of ASCII is written as it is,
	// and folded only if it must be, in front of blanks; any other in encoded-words, as
	// unstructured text. The fields that a Draft writes itself, and Bcc, Resent-Bcc,
	// Return-Path and those that begin with Content- are refused, and so are a Received
	// that is not ASCII and words that look like encoded-words and are none.
	Extra []ExtraField

	// SMTPUTF8 allows addresses and identifiers outside ASCII. If there is one, the
	// message can only be sent where SMTPUTF8 is offered, and its header is UTF-8
	// throughout, as RFC 6532 has it. Zero: it is refused with ErrNeedsSMTPUTF8.
	SMTPUTF8 bool
}

// ExtraField is a header field beyond those of a Draft; see also Append.
type ExtraField struct{ Name, Value string }

// DraftError is what forbids a Draft to be written.
type DraftError struct {
	Field  string // of the Draft: "To", "Attachments"
	Value  string // the text at fault, perhaps with control characters; "" if a value is missing
	Reason string
	Err    error // ErrNeedsSMTPUTF8, an error of Attachment.Open, or nil
}

func (e *DraftError) Error() string {
	s := "message: draft: " + e.Field + ": " + e.Reason
	if e.Value != "" {
		s += fmt.Sprintf(": %q", e.Value)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns e.Err.
func (e *DraftError) Unwrap() error { return e.Err }

// Compose checks the draft and fixes all that is written but the content of
// attachments: the date, the message-id, the boundaries. The draft may be changed after
// it.
func (d *Draft) Compose() (*Composition, error) {
	c := composer{draft: d, now: time.Now, random: rand.Text}
	return c.compose()
}

// WriteTo composes the message and writes it to w: CRLF line ends, 7-bit unless a
// message inside it or SMTPUTF8 forbids that, no line over 998 octets. After an error
// what was written is no message: see Composition.Reader.
func (d *Draft) WriteTo(w io.Writer) (int64, error) {
	c, err := d.Compose()
	if err != nil {
		return 0, err
	}
	return c.WriteTo(w)
}

// Reader composes the message and returns it to be read, any number of times; see
// Composition.Reader.
func (d *Draft) Reader() (io.ReadCloser, error) {
	c, err := d.Compose()
	if err != nil {
		return nil, err
	}
	return c.Reader(), nil
}

// Recipients returns the addresses of To, Cc and Bcc, each once: those to be named to
// the server (RFC 5321 appendix B).
func (d *Draft) Recipients() []string {
	var addrs []string
	seen := make(map[string]bool)
	for _, list := range [][]Mailbox{d.To, d.Cc, d.Bcc} {
		for _, m := range list {
			if !seen[m.Addr] {
				seen[m.Addr] = true
				addrs = append(addrs, m.Addr)
			}
		}
	}
	return addrs
}
