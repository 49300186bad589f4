package smtp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Offers are the extensions whose promises the server cannot keep alone. It lists those
// that are set, reads and checks their parameters, and hands them over in the
// [Envelope]; what they ask for is then done by the program, down to the next server it
// passes the message to. The zero value offers none.
type Offers struct {
	// SMTPUTF8 lets addresses and headers be UTF-8: RFC 6531. A message that came with
	// it goes on to servers that have it too, or back.
	SMTPUTF8 bool

	// DSN lets senders say which reports they want: RFC 3461, and with SMTPUTF8
	// RFC 6533.
	DSN bool

	// DeliverBy lets senders set a time limit: RFC 2852. MinDeliverBy is the shortest
	// for which [ByReturn] is accepted, in whole seconds; zero: any.
	DeliverBy    bool
	MinDeliverBy time.Duration

	// Priority lets senders give messages a priority: RFC 6710. One above 0 is taken from
	// those only who may relay, and is 0 for others. PriorityProfile names the policy
	// by which priorities are mapped; "" names none.
	Priority        bool
	PriorityProfile string

	// MaxHold is for how long the server holds messages on request: RFC 4865. Only a
	// submission server can. Zero: not at all.
	MaxHold time.Duration

	// RequireTLS lets senders demand TLS for the whole way: RFC 8689. It is offered
	// within TLS only.
	RequireTLS bool

	// RRVS lets senders say since when a recipient must have been the same person:
	// RFC 7293.
	RRVS bool
}

// maxSeconds is the longest time that EHLO can state.
const maxSeconds = 999_999_999

// check reports what cannot be offered.
func (o *Offers) check(p auth.Protocol) error {
	switch {
	case o.MaxHold != 0 && p != auth.Submission:
		// RFC 4865 section 4.2: not on any other port.
		return errors.New("smtp: MaxHold is for submission only")
	case o.MaxHold < 0 || o.MaxHold > maxSeconds*time.Second || o.MaxHold%time.Second != 0:
		return errors.New("smtp: MaxHold is not a whole number of seconds of at most nine digits")
	case o.MinDeliverBy < 0 || o.MinDeliverBy > maxSeconds*time.Second || o.MinDeliverBy%time.Second != 0:
		return errors.New("smtp: MinDeliverBy is not a whole number of seconds of at most nine digits")
	case !isProfile(o.PriorityProfile):
		return fmt.Errorf("smtp: %q is no name for a PriorityProfile", o.PriorityProfile)
	}
	return nil
}

// isProfile checks the name of a priority profile, which may be absent.
//
//	priority-profile = 1*20(ALPHA / DIGIT / "-" / "_" / ".")
func isProfile(s string) bool {
	const set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	return len(s) <= 20 && strings.Trim(s, set) == ""
}

// offered appends the keywords of what is offered here and now.
func (s *session) offered(lines []string) []string {
	o := &s.srv.Offer
	if o.SMTPUTF8 {
		lines = append(lines, "SMTPUTF8")
	}
	if o.DSN {
		lines = append(lines, "DSN")
	}
	if o.DeliverBy {
		lines = append(lines, withSeconds("DELIVERBY", o.MinDeliverBy))
	}
	if o.Priority {
		lines = append(lines, strings.TrimRight("MT-PRIORITY "+o.PriorityProfile, " "))
	}
	if o.MaxHold > 0 {
		// RFC 4865 section 3: how long, and until when.
		lines = append(lines, withSeconds("FUTURERELEASE", o.MaxHold)+" "+string(timestamp(time.Now().Add(o.MaxHold))))
	}
	if s.offersRequireTLS() {
		lines = append(lines, "REQUIRETLS")
	}
	if o.RRVS {
		lines = append(lines, "RRVS")
	}
	if l := s.limits().Append(nil); len(l) > 0 {
		lines = append(lines, "LIMITS "+string(l))
	}
	return lines
}

func withSeconds(keyword string, d time.Duration) string {
	if d <= 0 {
		return keyword
	}
	return keyword + " " + strconv.FormatInt(int64(d/time.Second), 10)
}

// offersRequireTLS reports whether REQUIRETLS is offered: RFC 8689 section 2 has it
// within TLS only.
func (s *session) offersRequireTLS() bool { return s.srv.Offer.RequireTLS && s.state.TLS != nil }

// limits are what LIMITS states: RFC 9422. They are limits of commands, of which the
// server bears more, so that no client that keeps to them meets one.
func (s *session) limits() smtpwire.Limits {
	return smtpwire.Limits{
		MailMax: limit(s.srv.MaxTransactions, defaultTransactions),
		RcptMax: limit(s.srv.MaxRecipients, defaultRecipients),

		RcptDomainMax: s.srv.MaxRecipientDomains,
	}
}
