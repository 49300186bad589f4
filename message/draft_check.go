package message

import (
	"errors"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/internal/ascii"
)

const (
	maxFieldName = 76 // a name and its colon fit in a line: RFC 5322 section 2.1.1
	maxFileName  = 1024
	maxType      = 255
	maxParamName = 32 // beside a longer one a piece of a value may be a single character
	maxID        = 900
)

// ownFields are the fields of a header that a Draft writes itself or must not write.
var ownFields = []string{
	"date", "from", "sender", "reply-to", "to", "cc", "bcc", "subject", "message-id", "in-reply-to", "references",
	"mime-version", "return-path", "resent-bcc",
}

// check refuses all that must not be written, and learns whether the header is UTF-8.
func (c *composer) check() error {
	d := c.draft
	if err := c.checkAddresses(); err != nil {
		return err
	}
	for _, text := range []struct{ field, value string }{
		{"Subject", d.Subject},
		{"From", names(d.From)},
		{"Sender", d.Sender.Name},
		{"ReplyTo", names(d.ReplyTo)},
		{"To", names(d.To)},
		{"Cc", names(d.Cc)},
		{"Bcc", names(d.Bcc)},
	} {
		if reason := checkText(text.value); reason != "" {
			return &DraftError{Field: text.field, Value: text.value, Reason: reason}
		}
	}
	for _, text := range []struct{ field, value string }{{"Text", d.Text}, {"HTML", d.HTML}} {
		if !utf8.ValidString(text.value) {
			return &DraftError{Field: text.field, Reason: "text that is not UTF-8"}
		}
	}
	if y := d.Date.Year(); !d.Date.IsZero() && (y < 1900 || y > 9999) {
		return &DraftError{Field: "Date", Reason: "year that no date field can say"} // RFC 5322 section 3.3
	}
	if d.MessageID != "" && !isNewID(d.MessageID) {
		return &DraftError{Field: "MessageID", Value: d.MessageID, Reason: "not a message-id"}
	}
	if err := c.checkASCII("MessageID", d.MessageID); err != nil {
		return err
	}
	for _, ids := range []struct {
		field string
		list  []string
	}{{"InReplyTo", d.InReplyTo}, {"References", d.References}} {
		for _, id := range ids.list {
			if !isID(id) {
				return &DraftError{Field: ids.field, Value: id, Reason: "not a message-id"}
			}
			if err := c.checkASCII(ids.field, id); err != nil {
				return err
			}
		}
	}
	return errors.Join(c.checkExtra(), c.checkAttachments())
}

// checkASCII refuses an identifier outside ASCII, which no encoding can carry, if
// SMTPUTF8 is not allowed.
func (c *composer) checkASCII(field, id string) error {
	if isPrintable(id, false) {
		return nil
	}
	if !c.draft.SMTPUTF8 {
		return &DraftError{Field: field, Value: id, Reason: "identifier outside ASCII", Err: ErrNeedsSMTPUTF8}
	}
	c.utf8 = true
	return nil
}

// names joins display names for one check of them all. A blank between two keeps them
// from making UTF-8 of what is none.
func names(list []Mailbox) string {
	var b strings.Builder
	for i, m := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(m.Name)
	}
	return b.String()
}

func (c *composer) checkAddresses() error {
	d := c.draft
	if len(d.From) == 0 {
		return &DraftError{Field: "From", Reason: "no author"}
	}
	var none Mailbox
	// RFC 5322 section 3.6.2: several authors need one sender.
	if len(d.From) > 1 && d.Sender == none {
		return &DraftError{Field: "Sender", Reason: "none, but several authors"}
	}
	lists := []struct {
		field string
		list  []Mailbox
	}{{"From", d.From}, {"ReplyTo", d.ReplyTo}, {"To", d.To}, {"Cc", d.Cc}, {"Bcc", d.Bcc}}
	if d.Sender != none {
		lists = append(lists, struct {
			field string
			list  []Mailbox
		}{"Sender", []Mailbox{d.Sender}})
	}
	for _, l := range lists {
		for _, m := range l.list {
			err := m.check(d.SMTPUTF8)
			if errors.Is(err, ErrNeedsSMTPUTF8) {
				return &DraftError{Field: l.field, Value: m.Addr, Reason: "address outside ASCII", Err: err}
			}
			if err != nil || len(m.Addr) > maxID {
				return &DraftError{Field: l.field, Value: m.Addr, Reason: "not an address"}
			}
			c.utf8 = c.utf8 || !isPrintable(m.Addr, false)
		}
	}
	return nil
}

func (c *composer) checkExtra() error {
	for _, x := range c.draft.Extra {
		name := ascii.ToLower(x.Name)
		reason, value := x.check()
		if slices.Contains(ownFields, name) || strings.HasPrefix(name, "content-") {
			reason, value = "field of the draft's own", x.Name
		}
		if reason != "" {
			return &DraftError{Field: "Extra", Value: value, Reason: reason}
		}
	}
	return nil
}

// check says what forbids the field to be written, and the text at fault.
func (x ExtraField) check() (reason, value string) {
	name := ascii.ToLower(x.Name)
	bad := name == "" || len(name) > maxFieldName
	for i := range len(name) {
		bad = bad || classes[name[i]]&className == 0
	}
	if bad {
		return "not a field name", x.Name
	}
	if reason := checkText(x.Value); reason != "" {
		return reason, x.Value
	}
	return checkWords(name, x.Value), x.Value
}

// checkWords says what forbids the value of a further field with regard to encoded
// words; "" if nothing does.
func checkWords(name, value string) (reason string) {
	if !isASCII([]byte(value)) {
		if name == "received" { // RFC 2047 section 5: there are none in it
			return "trace outside ASCII"
		}
		return "" // the draft encodes it
	}
	for word := range strings.FieldsSeq(value) {
		if !strings.HasPrefix(word, "=?") || !strings.HasSuffix(word, "?=") {
			continue
		}
		// RFC 2047 section 7: what looks like an encoded word is one.
		if _, end := cutWord(word, 0); end != len(word) {
			return "not an encoded word"
		}
	}
	return ""
}

func (c *composer) checkAttachments() error {
	for _, files := range []struct {
		field string
		list  []Attachment
	}{{"Inline", c.draft.Inline}, {"Attachments", c.draft.Attachments}} {
		for i := range files.list {
			if reason, value := files.list[i].check(); reason != "" {
				return &DraftError{Field: files.field, Value: value, Reason: reason}
			}
			if err := c.checkASCII(files.field, files.list[i].ContentID); err != nil {
				return err
			}
			if files.field == "Inline" && files.list[i].ContentID == "" {
				return &DraftError{Field: files.field, Value: files.list[i].Name, Reason: "no ContentID"}
			}
		}
	}
	return nil
}

// check says what forbids the attachment to be written, but for its content.
func (a *Attachment) check() (reason, value string) {
	if reason := checkText(a.Name); reason != "" {
		return reason + " in a file name", a.Name
	}
	switch {
	case a.Open == nil:
		return "no content", a.Name
	case len(a.Name) > maxFileName || strings.ContainsAny(a.Name, `/\`):
		return "not a file name", a.Name
	case a.ContentID != "" && !isNewID(a.ContentID):
		return "not a content-id, which is like logo@example.org", a.ContentID
	}
	mediaType, params, err := mime.ParseMediaType(a.mediaType())
	if err != nil || len(mediaType) > maxType || !strings.Contains(mediaType, "/") || !isPrintable(a.mediaType(), false) {
		return "not a media type", a.MediaType
	}
	for name, value := range params {
		if checkText(value) != "" || !isParam(name, value) {
			return "not a media type", a.MediaType
		}
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return "media type that is no file's", a.MediaType
	}
	return "", ""
}

// isParam says whether a parameter can be written in no more pieces than readers put
// together again (RFC 2231 section 3).
func isParam(name, value string) bool {
	return len(name)+len(value) <= maxFileName && len(name) <= maxFieldName && (len(name) <= maxParamName || len(value) <= maxParams)
}

func (a *Attachment) mediaType() string {
	if a.MediaType == "" {
		return "application/octet-stream"
	}
	return a.MediaType
}

// isID says whether something can stand for a message-id in angle brackets. Others' are
// met that are not as RFC 5322 has them, and are to be repeated as they are.
func isID(id string) bool {
	return id != "" && len(id) <= maxID && isPrintable(id, true) && !hasControl(id) && !strings.ContainsAny(id, " <>") && utf8.ValidString(id)
}

// isNewID says whether something is a message-id to be generated.
//
//	id-left  = dot-atom-text
//	id-right = dot-atom-text / no-fold-literal
func isNewID(id string) bool {
	left, right, found := strings.Cut(id, "@")
	if !found || !isID(id) || !isDotAtom(left) {
		return false
	}
	if literal, ok := strings.CutPrefix(right, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		return ok && !strings.ContainsAny(literal, `[]\`)
	}
	return isDotAtom(right)
}

func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !isAtom(atom[i]) {
				return false
			}
		}
	}
	return true
}
