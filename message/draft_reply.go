package message

import "slices"

// maxReferences is how many messages of a thread a reply refers to.
const maxReferences = 100

// SetParent makes the draft a reply to the message with this header: it sets InReplyTo and
// References (RFC 5322 section 3.6.4), and nothing else. What a stranger gave for an
// identifier and no Draft may write is left out: text with blanks or control characters, of
// more than 900 octets, or outside ASCII without SMTPUTF8, which is to be set before. Of a
// thread of more than 100 messages the first and the last are kept.
func (d *Draft) SetParent(h Header) {
	d.InReplyTo = d.writable(h.MessageIDs("Message-ID"))
	thread := d.writable(h.MessageIDs("References"))
	if len(thread) == 0 {
		if parents := d.writable(h.MessageIDs("In-Reply-To")); len(parents) == 1 {
			thread = parents
		}
	}
	thread = append(thread, d.InReplyTo...)
	if n := len(thread); n > maxReferences {
		thread = slices.Delete(thread, 1, n-maxReferences+1)
	}
	d.References = thread
}

// writable returns the identifiers that the draft can write.
func (d *Draft) writable(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return !isID(id) || !isPrintable(id, d.SMTPUTF8) })
}
