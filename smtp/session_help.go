package smtp

import (
	"strings"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// help answers HELP: RFC 5321 section 4.1.1.8.
func (s *session) help(args []byte) smtpwire.Reply {
	var cmd smtpwire.Help
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	if s.srv.Hooks.Help == nil {
		return replyHelp
	}
	text := s.srv.Hooks.Help(s.ask(), s.connectionState(), cmd.Text)
	s.answered()
	if text == "" {
		// RFC 5321 section 4.2.2 has 504 for a parameter that is not implemented.
		return replyNoHelp
	}
	return newReply(214, EnhancedCode{2, 0, 0}, strings.TrimRight(text, "\r\n"))
}
