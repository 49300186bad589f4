package host

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/posthouse/posthouse/smtp"
)

// canReport reports whether a report of success can be delivered to the sender of
// tx: to a user of this host alone, as it does not forward. Reports in UTF-8, which
// are of another type (RFC 6533 section 3), are not written here.
func (b *mailboxes) canReport(ctx context.Context, tx *smtp.Transaction, to smtp.Recipient) bool {
	from := tx.Envelope.From
	if from.IsZero() { // nobody to report to: RFC 3461 section 4.1
		return true
	}
	_, known := b.user(from)
	return known && b.local(ctx, from) && from.IsASCII() && to.Address.IsASCII() && isPrintable(to.Original.Address())
}

// isPrintable reports whether s can stand in a field as it is.
func isPrintable(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

// report tells the sender of the recipients who have the message and of whom a
// report was asked for: RFC 3461 section 4.1. Nothing else is ever reported here:
// what cannot be delivered was refused.
func (b *mailboxes) report(ctx context.Context, tx *smtp.Transaction, reached []smtp.Recipient, header []byte) error {
	sender, ok := b.user(tx.Envelope.From)
	if tx.Envelope.From.IsZero() || !ok || len(reached) == 0 {
		return nil
	}
	d, err := b.create(sender)
	if err != nil {
		return err
	}
	defer func() { _ = d.Abort() }() // does nothing to what was committed
	if _, err := d.Write(b.success(tx, reached, header)); err != nil {
		return err
	}
	return b.commit(ctx, d)
}

// success composes a report of delivery: RFC 3464 section 2.
func (b *mailboxes) success(tx *smtp.Transaction, reached []smtp.Recipient, header []byte) []byte {
	var r bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&r, format+"\r\n", args...) }
	boundary := "report-" + tx.ID
	now := time.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700")
	line("Return-Path: <>") // so that nobody answers: RFC 3461 section 6.1
	line("From: Mail Delivery System <postmaster@%s>", b.domain)
	line("To: <%s>", tx.Envelope.From)
	line("Subject: Delivered")
	line("Date: %s", now)
	line("Message-ID: <%s.report@%s>", tx.ID, b.hostname)
	line("Auto-Submitted: auto-replied") // RFC 3834 section 5
	line("MIME-Version: 1.0")
	line("Content-Type: multipart/report; report-type=delivery-status; boundary=%q", boundary)
	line("\r\n--%s\r\nContent-Type: text/plain\r\n", boundary)
	line("Your message is in the mailbox of these recipients:\r\n")
	for _, to := range reached {
		line("    %s", to.Address)
	}
	line("\r\n--%s\r\nContent-Type: message/delivery-status\r\n", boundary)
	line("Reporting-MTA: dns; %s", b.hostname)
	if id := tx.Envelope.ID.Text(); id != "" {
		line("Original-Envelope-Id: %s", id)
	}
	for _, to := range reached {
		line("")
		if to.Original != "" {
			line("Original-Recipient: %s; %s", to.Original.Type(), to.Original.Address())
		}
		line("Final-Recipient: rfc822; %s", to.Address)
		line("Action: delivered")
		line("Status: 2.0.0")
		line("Last-Attempt-Date: %s", now)
	}
	if header != nil { // RFC 3461 section 4.3: never the message itself
		line("\r\n--%s\r\nContent-Type: text/rfc822-headers\r\n", boundary)
		r.Write(header)
	}
	line("\r\n--%s--", boundary)
	return r.Bytes()
}

// headerKept is how much of a message is looked at for its header.
const headerKept = 32 << 10

// headerOf remembers the header of what is written to it, if it is not too long.
type headerOf struct {
	text []byte
	over bool
}

func (h *headerOf) Write(p []byte) (int, error) {
	if !h.over {
		h.text = append(h.text, p[:min(len(p), headerKept-len(h.text))]...)
		h.over = len(h.text) == headerKept || bytes.Contains(h.text, []byte("\r\n\r\n"))
	}
	return len(p), nil
}

// header returns the header without the empty line; nil if it did not fit.
func (h *headerOf) header() []byte {
	i := bytes.Index(h.text, []byte("\r\n\r\n"))
	if i < 0 {
		return nil
	}
	return h.text[:i+len("\r\n")]
}
