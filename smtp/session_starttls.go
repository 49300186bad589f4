package smtp

import "github.com/posthouse/posthouse/smtp/smtpwire"

// startTLS answers STARTTLS: RFC 3207 section 4. Anything that came with the command
// was sent by somebody who need not be the one that the handshake is made with; it is
// refused, and the connection closed.
func (s *session) startTLS([]byte) smtpwire.Reply {
	switch {
	case s.srv.TLSConfig == nil:
		return replyNotImplemented
	case s.state.TLS != nil:
		return replyTLSActive
	case s.conn.Reader().Buffered() > 0:
		s.phase = phaseClosing
		return replyInjected
	}
	s.then = (*session).upgrade
	return replyStartTLS
}

// upgrade makes the handshake and forgets what was said before it: RFC 3207
// section 4.2. There is no reply.
func (s *session) upgrade() smtpwire.Reply {
	if !s.secure() {
		s.phase = phaseClosing
		return smtpwire.Reply{}
	}
	s.phase = phaseConnected
	s.extended = false
	s.state.Hello = ""
	s.state.Identity = nil
	s.log = s.nobodysLog()
	return smtpwire.Reply{}
}
