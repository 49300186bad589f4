package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

// vrfy answers VRFY: RFC 5321 section 3.5. Without a hook it tells nobody who exists,
// which RFC 5321 section 7.3 allows.
func (s *session) vrfy(args []byte) smtpwire.Reply {
	var cmd smtpwire.Vrfy
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	if r := s.checkQuery(cmd.Text, cmd.UTF8); r.Code != 0 {
		return r
	}
	if s.srv.Hooks.Verify == nil {
		return replyVerify
	}
	found, err := s.srv.Hooks.Verify(s.ask(), s.connectionState(), cmd.Text)
	s.answered()
	code, enhanced := 250, EnhancedCode{2, 1, 5}
	switch {
	case err != nil:
		return s.refusal(err)
	case len(found) == 0:
		return replyVerify
	case len(found) > 1:
		// RFC 5321 section 3.5.1: the text is ambiguous, and these are meant by it.
		code, enhanced = 553, EnhancedCode{5, 1, 4}
	}
	r, ok := mailboxReply(code, enhanced, found, cmd.UTF8)
	if !ok {
		return replyVerifyUTF8
	}
	return r
}

// checkQuery answers a VRFY or an EXPN that needs SMTPUTF8 where that is not offered. The
// zero Reply means that it does not.
func (s *session) checkQuery(text string, allowUTF8 bool) smtpwire.Reply {
	if s.extended && s.srv.Offer.SMTPUTF8 {
		return smtpwire.Reply{}
	}
	if allowUTF8 {
		return replyNoSuchParam
	}
	if notASCII(text) {
		return replyNotASCII
	}
	return smtpwire.Reply{}
}
