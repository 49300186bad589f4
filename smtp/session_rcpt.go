package smtp

import (
	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// rcptFactor says how many RCPT commands a transaction may have for each recipient
// that it may have.
const rcptFactor = 4

// rcpt answers RCPT: RFC 5321 section 3.3.
func (s *session) rcpt(args []byte) smtpwire.Reply {
	r := s.addRecipient(args)
	if r.Code != replyRecipientOK.Code {
		if most := limit(s.srv.MaxRecipients, defaultRecipients); most > 0 && s.tx.refused/rcptFactor >= most {
			return replyTooManyErrors
		}
		s.tx.refused++
	}
	return r
}

func (s *session) addRecipient(args []byte) smtpwire.Reply {
	cmd, tx := &s.intake.rcpt, s.tx
	cmd.UTF8 = tx.Envelope.UTF8
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	to := cmd.To
	switch {
	case !s.knowsRcptParams(cmd):
		return replyParameters
	case exceeds(len(tx.Envelope.To)+1, limit(s.srv.MaxRecipients, defaultRecipients)):
		// RFC 5321 section 4.5.3.1.10: 452, and those before it stay.
		return replyRecipients
	case s.tooManyDomains(to.Domain()):
		return replyDomains
	case to.Domain() == "" && s.srv.Local == nil:
		return replyNoPostmaster
	case !s.accepts(to):
		return replyNoRelay
	}
	recipient := recipientOf(cmd)
	if hook := s.srv.Hooks.Recipient; hook != nil {
		err := hook(s.ask(), tx, recipient)
		s.answered()
		if err != nil {
			return s.refusal(err)
		}
	}
	tx.Envelope.To = append(tx.Envelope.To, recipient)
	tx.taken++
	s.addDomain(to.Domain())
	s.phase = phaseRecipients
	return replyRecipientOK
}

// tooManyDomains reports whether a recipient's domain would be one more than a session may
// have: RFC 9422 section 4.3.
func (s *session) tooManyDomains(domain string) bool {
	most := s.srv.MaxRecipientDomains
	return most > 0 && domain != "" && len(s.domains) >= most && !s.domains[ascii.ToUpper(domain)]
}

func (s *session) addDomain(domain string) {
	if s.srv.MaxRecipientDomains <= 0 || domain == "" {
		return
	}
	if s.domains == nil {
		s.domains = map[string]bool{}
	}
	s.domains[ascii.ToUpper(domain)] = true
}

// accepts reports whether mail to a recipient is taken from this peer. <Postmaster>
// without a domain has the address of nobody else: RFC 5321 section 4.5.1.
func (s *session) accepts(to Address) bool {
	return to.Domain() == "" || s.isLocal(to) || s.mayRelay()
}

func (s *session) isLocal(to Address) bool {
	if s.srv.Local == nil {
		return false
	}
	defer s.answered()
	return s.srv.Local(s.ask(), to)
}
