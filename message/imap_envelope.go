package message

import "strings"

// AppendEnvelope appends to dst what IMAP answers to FETCH ENVELOPE, from the
// opening parenthesis to the closing one (RFC 9051 section 7.5.2). Nothing is
// decoded: encoded words stay as they are. Of several fields that a message may
// have once the first counts, of address fields all do. The From stands for a
// Sender or Reply-To that is missing. A mailbox without a domain has an empty host.
//
//	envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP
//	           env-to SP env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
func (h Header) AppendEnvelope(dst []byte) []byte {
	w := imapWriter{dst}
	w.open()
	w.field(h, "Date")
	w.space()
	w.field(h, "Subject")
	for _, names := range [][]string{{"From"}, {"Sender", "From"}, {"Reply-To", "From"}, {"To"}, {"Cc"}, {"Bcc"}} {
		w.space()
		w.addresses(h, names)
	}
	w.space()
	w.field(h, "In-Reply-To")
	w.space()
	w.field(h, "Message-ID")
	w.close()
	return w.b
}

// addresses writes the addresses in the fields of the first name that has any.
func (w *imapWriter) addresses(h Header, names []string) {
	for _, name := range names {
		start := len(w.b)
		for f := range h.Values(name) {
			p := addressParser{raw: true}
			p.parse(f.Value())
			groups := p.grouped()
			if len(w.b) == start && len(groups) > 0 {
				w.open()
			}
			w.addressList(groups)
		}
		if len(w.b) > start {
			w.close()
			return
		}
	}
	w.raw("NIL")
}

// addressList writes mailboxes, a group with a mark at both ends.
//
//	address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
func (w *imapWriter) addressList(groups []Group) {
	for _, g := range groups {
		if g.Name != "" {
			w.raw("(NIL NIL ")
			w.text(g.Name)
			w.raw(" NIL)")
		}
		for _, m := range g.Members {
			local, host := splitAddr(m.Addr)
			w.open()
			w.optional(m.Name)
			w.raw(" NIL ")
			w.text(local)
			w.space()
			w.text(host)
			w.close()
		}
		if g.Name != "" {
			w.raw("(NIL NIL NIL NIL)")
		}
	}
}

// splitAddr takes an addr-spec apart. The local part has no quotes then.
func splitAddr(addr string) (local, host string) {
	local = addr
	if i := strings.LastIndexByte(addr, '@'); i >= 0 {
		local, host = addr[:i], addr[i+1:]
	}
	if len(local) > 1 && local[0] == '"' {
		local = unquote(local[1 : len(local)-1])
	}
	return local, host
}
