package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

// QueueName says whose mail ETRN asks for: RFC 1985 section 5.
type QueueName = smtpwire.Etrn

// etrn answers ETRN. Without a hook it is not implemented.
func (s *session) etrn(args []byte) smtpwire.Reply {
	hook := s.srv.Hooks.StartQueue
	if hook == nil {
		return replyNotImplemented
	}
	var cmd smtpwire.Etrn
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	err := hook(s.ask(), s.connectionState(), cmd)
	s.answered()
	if err != nil {
		return s.refusal(err)
	}
	return replyQueueStarted
}
