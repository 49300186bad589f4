package smtp

import (
	"bytes"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// unknown answers a line that begins with no verb known to RFC 5321: a command of the
// program's own, or none. A request of HTTP is the work of a browser that was lured
// here; what follows it is not to be tried as mail.
func (s *session) unknown(line []byte) smtpwire.Reply {
	if own, args, ok := s.ownCommand(line); ok {
		return s.runOwn(own, args)
	}
	if word, _, _ := bytes.Cut(line, []byte(" ")); isHTTP(string(word)) {
		s.phase = phaseClosing
		return replyNotSMTP
	}
	return replyUnknown
}

func isHTTP(word string) bool {
	switch word {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI":
		return true
	}
	return false
}

// rset answers RSET: RFC 5321 section 4.1.1.5.
func (s *session) rset([]byte) smtpwire.Reply {
	s.reset()
	return replyOK
}

// noop answers NOOP, whose argument says nothing: RFC 5321 section 4.1.1.9.
func (s *session) noop([]byte) smtpwire.Reply { return replyOK }

// quit answers QUIT: RFC 5321 section 4.1.1.10.
func (s *session) quit([]byte) smtpwire.Reply { return replyQuit }
