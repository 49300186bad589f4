package message

import (
	"strings"
	"time"
)

// header writes the fields of the message that are not MIME's.
func (c *composer) header(f *fieldWriter) {
	d := c.draft
	f.begin("Date")
	f.token(c.date.Format("Mon, 2 Jan 2006 15:04:05 -0700")) // RFC 5322 section 3.3
	f.end()
	c.addresses(f, "From", d.From)
	// RFC 5322 section 3.6.2: no Sender that says what From says.
	if d.Sender != (Mailbox{}) && (len(d.From) > 1 || d.Sender.Addr != d.From[0].Addr) {
		c.addresses(f, "Sender", []Mailbox{d.Sender})
	}
	c.addresses(f, "Reply-To", d.ReplyTo)
	c.addresses(f, "To", d.To)
	c.addresses(f, "Cc", d.Cc)
	if len(d.To)+len(d.Cc) == 0 {
		f.raw("To", "undisclosed-recipients:;") // a group of RFC 5322 section 3.4; some servers miss the field
	}
	if d.Subject != "" {
		f.begin("Subject")
		f.text(d.Subject)
		f.end()
	}
	c.ids(f, "Message-ID", []string{c.id})
	c.ids(f, "In-Reply-To", d.InReplyTo)
	c.ids(f, "References", d.References)
	for _, x := range d.Extra {
		f.extra(x)
	}
	f.raw("MIME-Version", "1.0")
}

func (c *composer) addresses(f *fieldWriter, name string, list []Mailbox) {
	if len(list) == 0 {
		return
	}
	f.begin(name)
	f.mailboxes(list)
	f.end()
}

func (c *composer) ids(f *fieldWriter, name string, list []string) {
	if len(list) == 0 {
		return
	}
	f.begin(name)
	for _, id := range list {
		f.token("<" + id + ">")
	}
	f.end()
}

// newID makes a message-id that says nothing of the host and the time: 128 random bits
// at the author's domain.
func (c *composer) newID() string {
	addr := c.draft.From[0].Addr
	id := strings.ToLower(c.random()) + addr[strings.LastIndexByte(addr, '@'):]
	if !isNewID(id) {
		return strings.ToLower(c.random()) + "@invalid" // the domain is a literal that no message-id may have
	}
	return id
}

// fix decides what the draft leaves open.
func (c *composer) fix() {
	if c.date = c.draft.Date; c.date.IsZero() {
		c.date = c.now()
	}
	c.date = c.date.Truncate(time.Second)
	// RFC 5322 section 3.3: a zone is hours and minutes. One that is not, such as a
	// local mean time, would shift the time.
	if _, east := c.date.Zone(); east%60 != 0 || east <= -24*3600 || east >= 24*3600 {
		c.date = c.date.UTC()
	}
	if c.id = c.draft.MessageID; c.id == "" {
		c.id = c.newID()
	}
	// RFC 2046 section 5.1.1: a boundary must be in no part. Nobody can know it before
	// it is made, and "=_" is in no quoted-printable and no base64; what is in memory
	// and may be sent as it is can be looked at too.
	for c.boundary == "" || strings.Contains(c.draft.Text, c.boundary) || strings.Contains(c.draft.HTML, c.boundary) {
		c.boundary = "=_" + c.random()
	}
}
