package report_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/message/report"
	"github.com/posthouse/posthouse/smtp"
)

// fields writes header fields, folded, and encoded where they are not ASCII: what servers
// and strangers have said goes through it, and can become no other field.
func fields(dst []byte, pairs ...string) ([]byte, error) {
	for i := 0; i < len(pairs); i += 2 {
		var err error
		if dst, err = (message.ExtraField{Name: pairs[i], Value: pairs[i+1]}).Append(dst); err != nil {
			return nil, err
		}
	}
	return append(dst, "\r\n"...), nil
}

// bounce writes the report of a relay about one recipient (RFC 3464), to the sender of the
// envelope; addresses in UTF-8 would need another type (RFC 6533). It says of the message
// what the header said that is most wanted.
func bounce(env smtp.Envelope, failed smtp.RecipientResult, header message.Header) ([]byte, error) {
	status, reason := smtp.EnhancedCode{5, 0, 0}, failed.Err.Error()
	if refusal := (*smtp.Error)(nil); errors.As(failed.Err, &refusal) {
		reason = strings.TrimPrefix(refusal.Error(), "smtp: ")
		if !refusal.Enhanced.IsZero() {
			status = refusal.Enhanced
		}
	}
	boundary := "=_" + rand.Text()
	head, err1 := fields(nil,
		"From", "Mail Delivery System <mailer-daemon@relay.example.org>",
		"To", "<"+env.From.String()+">",
		"Subject", "Not delivered",
		"Date", time.Now().Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Message-ID", "<"+rand.Text()+"@relay.example.org>",
		"Auto-Submitted", "auto-replied",
		"MIME-Version", "1.0",
		"Content-Type", "multipart/report; report-type=delivery-status; boundary=\""+boundary+"\"")
	about, err2 := fields(nil, "Reporting-MTA", "dns; relay.example.org")
	recipient, err3 := fields(nil,
		"Final-Recipient", "rfc822; "+failed.Recipient.Address.String(),
		"Action", "failed",
		"Status", status.String(),
		"Diagnostic-Code", "smtp; "+reason)
	original, err4 := fields(nil, "Message-ID", header.Get("Message-ID"), "Subject", header.Subject())
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	next := "\r\n--" + boundary + "\r\n"
	return fmt.Appendf(nil, "%s%sContent-Type: text/plain\r\n\r\nYour message did not reach <%s>.\r\n"+
		"%sContent-Type: message/delivery-status\r\n\r\n%s%s%sContent-Type: text/rfc822-headers\r\n\r\n%s\r\n--%s--\r\n",
		head, next, failed.Recipient.Address, next, about, recipient, next, original, boundary), nil
}

// This package reads reports. A relay writes one so, for a recipient whose copy a server
// has refused for good, and sends it with the null reverse-path, an smtp.Envelope without
// From. What itself came with that is never reported.
func Example_bounce() {
	env, err := smtp.NewEnvelope("alice@example.net", "bob@example.org")
	if err != nil {
		log.Fatal(err)
	}
	failed := smtp.RecipientResult{ // of the Result of sending it
		Recipient: env.To[0],
		Err:       &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such mailbox"},
	}
	text, err := bounce(env, failed, message.ParseHeader([]byte("Subject: lunch\r\nMessage-ID: <1@example.net>\r\n\r\n")))
	if err != nil {
		log.Fatal(err)
	}

	m, err := (&message.Parser{Strict: true}).ParseBytes(text)
	if err != nil {
		log.Fatal(err)
	}
	r, err := report.Read(m)
	if err != nil {
		log.Fatal(err)
	}
	h, err := r.OriginalHeader()
	rcpt := r.Delivery.Recipients[0]
	fmt.Println(h.MessageID(), rcpt.Final.Value, rcpt.Action, rcpt.Status, rcpt.DiagnosticCode.Value, err)
	// Output: 1@example.net bob@example.org failed 5.1.1 550 5.1.1 no such mailbox <nil>
}
