package report

import (
	"strings"

	"github.com/posthouse/posthouse/message"
)

// Disposition is a message disposition notification (RFC 8098 section 3): what
// became of a message at the reader's.
type Disposition struct {
	ReportingUA       string
	Gateway           Typed
	Original          Typed // recipient, as the sender gave it
	Final             Typed
	OriginalMessageID string // without its angle brackets
	// ActionMode is "manual-action" or "automatic-action", SendingMode
	// "MDN-sent-manually" or "MDN-sent-automatically", in lower case.
	ActionMode, SendingMode string
	// Type is "displayed", "deleted", "dispatched" or "processed", in lower case.
	Type string
	// Modifiers are such as "error", in lower case.
	Modifiers []string
	// Errors are what the Error fields say.
	Errors []string
	// Fields are all there are, extensions included.
	Fields message.Header
}

func readDisposition(p *message.Part) (*Disposition, error) {
	list, err := blocks(p)
	if err != nil || len(list) == 0 {
		return new(Disposition), err
	}
	h := list[0]
	d := &Disposition{
		ReportingUA: h.Get("Reporting-UA"),
		Gateway:     parseTyped(h.Get("MDN-Gateway")),
		Original:    parseAddress(h.Get("Original-Recipient")),
		Final:       parseAddress(h.Get("Final-Recipient")),
		Errors:      values(h, "Error"),
		Fields:      h,
	}
	if ids := h.MessageIDs("Original-Message-ID"); len(ids) > 0 {
		d.OriginalMessageID = ids[0]
	}
	d.parse(h.Get("Disposition"))
	return d, nil
}

// parse reads the value of a Disposition.
//
//	disposition-field = "Disposition" ":" OWS disposition-mode OWS ";" OWS disposition-type
//	                    [ OWS "/" OWS disposition-modifier *( OWS "," OWS disposition-modifier ) ]
//	disposition-mode  = action-mode OWS "/" OWS sending-mode
func (d *Disposition) parse(s string) {
	mode, kind, found := strings.Cut(withoutComments(s), ";")
	if !found { // some leave out the mode
		mode, kind = "", mode
	}
	action, sending, _ := strings.Cut(mode, "/")
	d.ActionMode, d.SendingMode = keyword(action), keyword(sending)
	kind, modifiers, _ := strings.Cut(kind, "/")
	d.Type = keyword(kind)
	for m := range strings.SplitSeq(modifiers, ",") {
		if m = keyword(m); m != "" {
			d.Modifiers = append(d.Modifiers, m)
		}
	}
}
