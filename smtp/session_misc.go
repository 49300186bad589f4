package smtp

import (
	"bytes"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// unknown answers a line that begins with no verb. A request of HTTP is the work of a
// browser that was lured here; what follows it is not to be tried as mail.
func (s *session) unknown(line []byte) smtpwire.Reply {
	word, _, _ := bytes.Cut(line, []byte(" "))
	switch string(word) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI":
		s.phase = phaseClosing
		return replyNotSMTP
	}
	return replyUnknown
}

// rset answers RSET: RFC 5321 section 4.1.1.5.
func (s *session) rset([]byte) smtpwire.Reply {
	s.reset()
	return replyOK
}

// noop answers NOOP, whose argument says nothing: RFC 5321 section 4.1.1.9.
func (s *session) noop([]byte) smtpwire.Reply { return replyOK }

// help answers HELP: RFC 5321 section 4.1.1.8.
func (s *session) help([]byte) smtpwire.Reply { return replyHelp }

// vrfy answers VRFY: RFC 5321 section 7.3 allows not to tell who exists.
func (s *session) vrfy(args []byte) smtpwire.Reply {
	if err := new(smtpwire.Vrfy).Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	return replyVerify
}

// quit answers QUIT: RFC 5321 section 4.1.1.10.
func (s *session) quit([]byte) smtpwire.Reply { return replyQuit }
