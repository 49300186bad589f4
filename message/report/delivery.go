package report

import (
	"iter"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/message"
)

// Delivery is a delivery status notification (RFC 3464).
type Delivery struct {
	// OriginalEnvelopeID is the ENVID that the sender gave, still in xtext.
	OriginalEnvelopeID string
	ReportingMTA       Typed
	DSNGateway         Typed
	ReceivedFromMTA    Typed
	ArrivalDate        time.Time   // zero if it is not told
	Recipients         []Recipient // no more than 10,000
	// Fields are those of the message as a whole, extensions included.
	Fields message.Header
}

// Recipient is what a delivery status notification says of one recipient
// (RFC 3464 section 2.3).
type Recipient struct {
	Original Typed // as the sender gave it
	Final    Typed
	// Action is "failed", "delayed", "delivered", "relayed" or "expanded", in lower case.
	Action string
	// Status is the enhanced status code: "5.1.1".
	Status         string
	RemoteMTA      Typed
	DiagnosticCode Typed
	LastAttempt    time.Time
	FinalLogID     string
	WillRetryUntil time.Time
	// Fields are all there are, extensions included.
	Fields message.Header
}

// readDelivery reads the body of a message/delivery-status. Some leave out the empty
// line behind the fields of the message: what stands in the first run of
// fields counts for both then, and what for one recipient, for those in it.
//
//	delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )
func readDelivery(p *message.Part) (*Delivery, error) {
	list, err := blocks(p)
	if err != nil {
		return nil, err
	}
	d := new(Delivery)
	for i, h := range list {
		if i == 0 {
			d.OriginalEnvelopeID = h.Get("Original-Envelope-Id")
			d.ReportingMTA = parseTyped(h.Get("Reporting-MTA"))
			d.DSNGateway = parseTyped(h.Get("DSN-Gateway"))
			d.ReceivedFromMTA = parseTyped(h.Get("Received-From-MTA"))
			d.ArrivalDate = date(h, "Arrival-Date")
			d.Fields = h
		}
		for h := range splitRecipients(h) {
			if len(d.Recipients) == maxRecipients {
				return d, nil
			}
			if r, ok := readRecipient(h); ok {
				d.Recipients = append(d.Recipients, r)
			}
		}
	}
	return d, nil
}

const maxRecipients = 10_000

// splitRecipients parts the fields of several recipients between which the empty line
// is missing too: a second address of one kind begins another recipient.
func splitRecipients(h message.Header) iter.Seq[message.Header] {
	return func(yield func(message.Header) bool) {
		raw := h.Raw()
		from, at := 0, 0
		var original, final bool
		for f := range h.All() {
			name := ascii.ToLower(f.Name())
			if name == "original-recipient" && original || name == "final-recipient" && final {
				if !yield(message.ParseHeader(raw[from:at])) {
					return
				}
				from, original, final = at, false, false
			}
			original = original || name == "original-recipient"
			final = final || name == "final-recipient"
			at += len(f.Raw())
		}
		if from > 0 {
			h = message.ParseHeader(raw[from:])
		}
		yield(h)
	}
}

// readRecipient reads the fields of one recipient, and reports whether they are that.
func readRecipient(h message.Header) (Recipient, bool) {
	_, final := h.Lookup("Final-Recipient")
	_, original := h.Lookup("Original-Recipient")
	_, action := h.Lookup("Action")
	return Recipient{
		Original:       parseAddress(h.Get("Original-Recipient")),
		Final:          parseAddress(h.Get("Final-Recipient")),
		Action:         keyword(h.Get("Action")),
		Status:         keyword(h.Get("Status")),
		RemoteMTA:      parseTyped(h.Get("Remote-MTA")),
		DiagnosticCode: parseTyped(h.Get("Diagnostic-Code")),
		LastAttempt:    date(h, "Last-Attempt-Date"),
		FinalLogID:     h.Get("Final-Log-ID"),
		WillRetryUntil: date(h, "Will-Retry-Until"),
		Fields:         h,
	}, final || original || action
}

func date(h message.Header, name string) time.Time {
	t, err := message.ParseDate(h.Get(name))
	if err != nil {
		return time.Time{}
	}
	return t
}
