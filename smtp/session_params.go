package smtp

import (
	"slices"
	"strconv"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// mailParams has a row for each parameter of MAIL: whether a command has it, and whether
// its extension is offered here and now. A parameter of an extension that is not is
// answered with 555: RFC 5321 section 4.1.1.11.
var mailParams = []struct {
	given   func(cmd *smtpwire.Mail) bool
	offered func(s *session) bool
}{
	{func(m *smtpwire.Mail) bool { return m.Size >= 0 }, always},
	{func(m *smtpwire.Mail) bool { return m.Body != BodyUnspecified }, always},
	{func(m *smtpwire.Mail) bool { return m.Body == BodyBinaryMIME }, func(s *session) bool { return s.srv.BinaryMIME }},
	{func(m *smtpwire.Mail) bool { return m.PRDR }, func(s *session) bool { return s.state.Protocol != auth.LMTP }},
	{func(m *smtpwire.Mail) bool { return m.HasAuth }, func(s *session) bool { return s.srv.Auth != nil }},
	{func(m *smtpwire.Mail) bool { return m.UTF8 }, func(s *session) bool { return s.srv.Offer.SMTPUTF8 }},
	{func(m *smtpwire.Mail) bool { return m.Return != ReturnUnspecified || m.EnvelopeID != "" }, offersDSN},
	{func(m *smtpwire.Mail) bool { return m.DeliverBy.Mode != ByUnspecified }, func(s *session) bool { return s.srv.Offer.DeliverBy }},
	{func(m *smtpwire.Mail) bool { return m.HasPriority }, func(s *session) bool { return s.srv.Offer.Priority }},
	{func(m *smtpwire.Mail) bool { return m.HoldFor != 0 || m.HoldUntil != "" }, func(s *session) bool { return s.srv.Offer.MaxHold > 0 }},
	{func(m *smtpwire.Mail) bool { return m.RequireTLS }, (*session).offersRequireTLS},
}

// rcptParams is the same for RCPT.
var rcptParams = []struct {
	given   func(cmd *smtpwire.Rcpt) bool
	offered func(s *session) bool
}{
	{func(r *smtpwire.Rcpt) bool { return r.Notify != 0 || r.Original != "" }, offersDSN},
	{func(r *smtpwire.Rcpt) bool { return r.ValidSince.Since != "" }, func(s *session) bool { return s.srv.Offer.RRVS }},
}

func always(*session) bool { return true }

func offersDSN(s *session) bool { return s.srv.Offer.DSN }

// knowsMailParams reports whether the parameters are those of extensions that are
// offered. Behind HELO there are none.
func (s *session) knowsMailParams(cmd *smtpwire.Mail) bool {
	for i := range mailParams {
		if row := &mailParams[i]; row.given(cmd) && !(s.extended && row.offered(s)) {
			return false
		}
	}
	return s.knowsOwnParams(cmd.Params, s.srv.own.mail)
}

func (s *session) knowsRcptParams(cmd *smtpwire.Rcpt) bool {
	for i := range rcptParams {
		if row := &rcptParams[i]; row.given(cmd) && !(s.extended && row.offered(s)) {
			return false
		}
	}
	return s.knowsOwnParams(cmd.Params, s.srv.own.rcpt)
}

// checkMailParams answers a MAIL command that asks for more than is offered. The zero
// Reply means that it does not.
func (s *session) checkMailParams(cmd *smtpwire.Mail, now time.Time) smtpwire.Reply {
	o := &s.srv.Offer
	until := now.Add(time.Duration(cmd.HoldFor) * time.Second)
	if cmd.HoldUntil != "" {
		until = timeOf(cmd.HoldUntil)
	}
	by := cmd.DeliverBy
	switch {
	case cmd.Size > s.srv.maxMessage():
		// RFC 1870 section 6.1.
		return replyTooLarge
	case by.Mode == ByReturn && time.Duration(by.Seconds)*time.Second < o.MinDeliverBy:
		// RFC 2852 section 3: a permanent failure, 55z.
		return replyTooSoon
	case until.After(now.Add(o.MaxHold)):
		// RFC 4865 section 4.2.
		return replyHeldTooLong
	case by.Mode != ByUnspecified && until.After(now) && until.After(now.Add(time.Duration(by.Seconds)*time.Second)):
		// RFC 4865 section 5.2.2.
		return replyHeldBeyond
	}
	return smtpwire.Reply{}
}

// distrust takes out of an envelope what this peer has no right to say.
func (s *session) distrust(env *Envelope) {
	if env.HasAuth && !s.trustsAuth() {
		// RFC 4954 section 5: as if it were AUTH=<>.
		env.Auth = Address{}
	}
	if env.Priority > 0 && !s.mayRelay() {
		// RFC 6710 section 4.1: no upgrade from those who are not trusted.
		env.Priority = 0
	}
}

func (s *session) trustsAuth() bool {
	if s.srv.TrustAuth == nil || s.state.Identity == nil {
		return false
	}
	defer s.answered()
	return s.srv.TrustAuth(s.ask(), s.connectionState())
}

// senderOK accepts a sender, and tells of a priority that is not the one that was asked
// for: RFC 6710 section 4.1.
func (s *session) senderOK(env *Envelope) smtpwire.Reply {
	if !s.srv.Offer.Priority || env.Priority == s.intake.mail.Priority {
		return replySenderOK
	}
	return newReply(250, EnhancedCode{2, 3, 6}, strconv.Itoa(env.Priority)+" is the new priority")
}

// knowsOwnParams reports whether parameters are those of the program's own extensions.
func (s *session) knowsOwnParams(params []Param, own map[string]*Extension) bool {
	return !slices.ContainsFunc(params, func(p Param) bool {
		e := own[ascii.ToUpper(p.Keyword)]
		return e == nil || !s.extended || !s.offersOwn(e)
	})
}
