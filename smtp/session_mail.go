package smtp

import (
	"strconv"
	"time"

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
	cmd := &s.takes().mail
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	now := time.Now()
	if !s.knowsMailParams(cmd) {
		return replyParameters
	}
	if r := s.checkMailParams(cmd, now); r.Code != 0 {
		return r
	}
	tx := s.begin(cmd, now)
	if hook := s.srv.Hooks.Mail; hook != nil {
		err := hook(s.ask(), tx)
		s.answered()
		if err != nil {
			return s.refusal(err)
		}
	}
	s.tx = tx
	s.phase = phaseMail
	return s.senderOK(&tx.Envelope)
}

func (s *session) begin(cmd *smtpwire.Mail, now time.Time) *Transaction {
	s.serial++
	tx := &Transaction{
		Conn:     s.connectionState(),
		Envelope: envelopeOf(cmd, now),
		PeerName: s.peerName,
		hostname: s.srv.host,
		extended: s.extended,

		PerRecipient: cmd.PRDR || s.state.Protocol == auth.LMTP,
	}
	s.distrust(&tx.Envelope)
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
