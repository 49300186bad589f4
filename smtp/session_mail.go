package smtp

import (
	"strconv"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// acceptedAs begins the reply to a message that was accepted.
const acceptedAs = "accepted as "

// mail answers MAIL, which begins a transaction: RFC 5321 section 3.3.
func (s *session) mail(args []byte) smtpwire.Reply {
	switch {
	case s.link.Draining():
		return replyShutdown
	case exceeds(s.serial+1, limit(s.srv.MaxTransactions, defaultTransactions)):
		return replyTooManyMails
	}
	// RFC 6409 section 4.3: who submits must have authenticated.
	if s.state.Protocol == auth.Submission && !s.mayRelay() {
		return replyAuthRequired
	}
	cmd := &s.mailCmd
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	switch {
	case !s.knowsParams(cmd):
		return replyParameters
	case cmd.Size > s.srv.maxMessage():
		// RFC 1870 section 6.1.
		return replyTooLarge
	}
	tx := s.begin(cmd)
	if hook := s.srv.Hooks.Mail; hook != nil {
		err := hook(s.ask(), tx)
		s.answered()
		if err != nil {
			return s.refusal(err)
		}
	}
	s.tx = tx
	s.phase = phaseMail
	return replySenderOK
}

// knowsParams reports whether the parameters are those of extensions that are offered.
// What AUTH= says is not relied upon, which is to take it for AUTH=<>: RFC 4954
// section 5.
func (s *session) knowsParams(cmd *smtpwire.Mail) bool {
	switch {
	case len(cmd.Params) > 0, cmd.UTF8, cmd.RequireTLS, cmd.Return != ReturnUnspecified, cmd.EnvelopeID != "",
		cmd.DeliverBy != (smtpwire.DeliverBy{}), cmd.HasPriority, cmd.HoldFor != 0, cmd.HoldUntil != "",
		cmd.PRDR && s.state.Protocol == auth.LMTP,
		cmd.Body == BodyBinaryMIME && !s.srv.BinaryMIME, cmd.HasAuth && s.srv.Auth == nil:
		return false
	}
	return s.extended || cmd.Size < 0 && cmd.Body == BodyUnspecified && !cmd.HasAuth
}

func (s *session) begin(cmd *smtpwire.Mail) *Transaction {
	s.serial++
	tx := &Transaction{
		Conn:     s.connectionState(),
		Envelope: Envelope{From: cmd.From, Size: max(0, cmd.Size), Body: cmd.Body},
		hostname: s.srv.host,
		extended: s.extended,

		PerRecipient: cmd.PRDR || s.state.Protocol == auth.LMTP,
	}
	tx.Envelope.To = tx.to[:0]
	var buf [64]byte
	b := append(buf[:0], acceptedAs...)
	b = append(b, s.state.ID...)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(s.serial), 10)
	tx.accepted[0] = string(b)
	tx.ID = tx.accepted[0][len(acceptedAs):]
	return tx
}
