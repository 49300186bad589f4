package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

// expn answers EXPN: RFC 5321 section 3.5. Without a hook it is not implemented.
func (s *session) expn(args []byte) smtpwire.Reply {
	if s.srv.Hooks.Expand == nil {
		return replyNotImplemented
	}
	var cmd smtpwire.Expn
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	if r := s.checkQuery(cmd.Text, cmd.UTF8); r.Code != 0 {
		return r
	}
	members, err := s.srv.Hooks.Expand(s.ask(), s.connectionState(), cmd.Text)
	s.answered()
	switch {
	case err != nil:
		return s.refusal(err)
	case len(members) == 0:
		return replyNoList
	}
	r, ok := mailboxReply(250, EnhancedCode{2, 1, 5}, members, cmd.UTF8)
	if !ok {
		return replyExpandUTF8
	}
	return r
}
