package smtp

import (
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// An envelope speaks of points in time, a command of seconds and of text. The functions
// here lead from the one to the other; a time that a command cannot state is refused by
// its Append.

// mailCommand returns the MAIL command of an envelope that is sent now. Size is absent:
// that of an envelope is not what was measured.
func (e *Envelope) mailCommand(now time.Time) smtpwire.Mail {
	return smtpwire.Mail{
		From: e.From, Size: -1, Body: e.Body, UTF8: e.UTF8, RequireTLS: e.RequireTLS,
		Auth: e.Auth, HasAuth: e.HasAuth, Return: e.Return, EnvelopeID: e.ID,
		DeliverBy: e.DeliverBy.param(now),
		Priority:  e.Priority, HasPriority: e.HasPriority,
		HoldFor: wholeSeconds(e.HoldFor), HoldUntil: timestamp(wholeSecond(e.HoldUntil)),
		Params: e.Params,
	}
}

// rcptCommand returns the RCPT command of a recipient in a transaction with or without
// SMTPUTF8.
func (r *Recipient) rcptCommand(utf8 bool) smtpwire.Rcpt {
	return smtpwire.Rcpt{
		To: r.Address, Notify: r.Notify, Original: r.Original,
		ValidSince: smtpwire.ValidSince{Since: timestamp(r.ValidSince), NoSupport: r.NoSupport},
		Params:     r.Params, UTF8: utf8,
	}
}

// envelopeOf returns what a MAIL command that came now says. It shares no memory with
// cmd.
func envelopeOf(cmd *smtpwire.Mail, now time.Time) Envelope {
	e := Envelope{
		From: cmd.From, Size: max(0, cmd.Size), Body: cmd.Body, UTF8: cmd.UTF8, RequireTLS: cmd.RequireTLS,
		Auth: cmd.Auth, HasAuth: cmd.HasAuth, Return: cmd.Return, ID: cmd.EnvelopeID,
		Priority: cmd.Priority, HasPriority: cmd.HasPriority,
		HoldFor: time.Duration(cmd.HoldFor) * time.Second, HoldUntil: timeOf(cmd.HoldUntil),
		Params: append([]Param(nil), cmd.Params...),
	}
	if by := cmd.DeliverBy; by.Mode != ByUnspecified {
		// RFC 2852 section 4: the seconds count from the receipt of the command.
		e.DeliverBy = DeliverBy{now.Add(time.Duration(by.Seconds) * time.Second), by.Mode, by.Trace}
	}
	return e
}

// recipientOf returns what a RCPT command says. It shares no memory with cmd.
func recipientOf(cmd *smtpwire.Rcpt) Recipient {
	return Recipient{
		Address: cmd.To, Notify: cmd.Notify, Original: cmd.Original,
		ValidSince: timeOf(cmd.ValidSince.Since), NoSupport: cmd.ValidSince.NoSupport,
		Params: append([]Param(nil), cmd.Params...),
	}
}

// param returns the value of BY: the seconds that are left, as far as it can state
// them.
func (by DeliverBy) param(now time.Time) smtpwire.DeliverBy {
	const most = 999_999_999 * time.Second
	switch {
	case by == (DeliverBy{}):
		return smtpwire.DeliverBy{}
	case by.Time.IsZero(), by.Mode == ByUnspecified: // half of one: for Append to refuse
		return smtpwire.DeliverBy{Seconds: int(most/time.Second) + 1, Mode: by.Mode}
	}
	left := max(-most, min(most, by.Time.Sub(now)))
	return smtpwire.DeliverBy{Seconds: int(left / time.Second), Mode: by.Mode, Trace: by.Trace}
}

// wholeSeconds rounds up, so that nothing that is held is let go too early. A negative
// time gives a negative number.
func wholeSeconds(d time.Duration) int {
	const most = 1<<31 - 1 // more than a command can state
	if d < 0 {
		return -1
	}
	return int(min(most, uint64(d+time.Second-1)/uint64(time.Second)))
}

// wholeSecond rounds up; the zero time stays as it is.
func wholeSecond(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(time.Second - 1)
}

// timestamp writes t, to the second below it. The zero time is none.
func timestamp(t time.Time) smtpwire.Timestamp {
	if t.IsZero() {
		return ""
	}
	return smtpwire.Timestamp(t.UTC().Format(time.RFC3339))
}

// timeOf returns the time of a timestamp that parsed; "" gives the zero time.
func timeOf(ts smtpwire.Timestamp) time.Time {
	if ts == "" {
		return time.Time{} // nearly always
	}
	text := ascii.ToUpper(string(ts))
	// Package time knows no leap seconds.
	const seconds = len("2006-01-02T15:04:")
	leap := len(text) > seconds && text[seconds:seconds+2] == "60"
	if leap {
		text = text[:seconds] + "59" + text[seconds+2:]
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	if leap {
		t = t.Add(time.Second)
	}
	return t
}
