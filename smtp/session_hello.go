package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// refuse sends a connection away before it becomes a session.
func (s *Server) refuse(nc net.Conn, _ serve.Reason) {
	s.counters[countRefused].Add(1)
	if s.Trace != nil && s.Trace.Refused != nil {
		s.Trace.Refused(nc.RemoteAddr())
	}
	if beginsWithTLS(nc) {
		return // there is no saying why before a handshake, which is not worth its cost
	}
	_, _ = nc.Write(replyTooManyConns.Append(nil)) // in limited time: the loop sees to that
}

// beginsWithTLS reports whether a handshake comes before all else: on a connection of
// ServeTLS, or of a listener that is one of crypto/tls.
func beginsWithTLS(nc net.Conn) bool {
	switch nc.(type) {
	case implicitTLSConn, *tls.Conn:
		return true
	}
	return false
}

// greeting asks the Connect hook and makes the first reply.
func (s *session) greeting() smtpwire.Reply {
	hook := s.srv.Hooks.Connect
	if hook == nil {
		return s.welcome()
	}
	err := hook(s.ask(), s.connectionState())
	s.answered()
	if err == nil {
		return s.welcome()
	}
	r := s.refusal(err)
	// RFC 2034 section 4: the greeting has no enhanced code. RFC 5321 section 4.2.2
	// knows 220, 421 and 554 as greetings.
	r.Enhanced = EnhancedCode{}
	if r.Code < 500 {
		r.Code = 421
		return r
	}
	r.Code = 554
	s.phase = phaseRefused
	return r
}

func (s *session) welcome() smtpwire.Reply {
	if s.state.Protocol == auth.LMTP {
		return newReply(220, EnhancedCode{}, s.srv.host+" LMTP")
	}
	return newReply(220, EnhancedCode{}, s.srv.host+" ESMTP")
}

func (s *session) helo(args []byte) smtpwire.Reply { return s.hello(args, false) }

func (s *session) ehlo(args []byte) smtpwire.Reply { return s.hello(args, true) }

// hello begins the session, or begins it anew: RFC 5321 section 4.1.4. A transaction is
// forgotten when the reply is 250; who has authenticated stays so.
func (s *session) hello(args []byte, extended bool) smtpwire.Reply {
	if r := s.meet(args); r.Code != 0 {
		return r
	}
	s.reset()
	s.phase = phaseGreeted
	s.extended = extended
	lines := append(make([]string, 0, keywordsGuess), s.srv.host)
	if extended {
		lines = s.keywords(lines)
	}
	return smtpwire.Reply{Code: 250, Lines: lines}
}

// keywordsGuess is how many lines a reply to EHLO hardly ever exceeds.
const keywordsGuess = 16

// meet learns the peer's name and asks the Hello hook. The zero Reply is consent.
func (s *session) meet(args []byte) smtpwire.Reply {
	var cmd smtpwire.Hello
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	before := s.state.Hello
	s.state.Hello = cmd.Name
	hook := s.srv.Hooks.Hello
	if hook == nil {
		return smtpwire.Reply{}
	}
	err := hook(s.ask(), s.connectionState())
	s.answered()
	if err != nil {
		s.state.Hello = before
		return s.refusal(err)
	}
	return smtpwire.Reply{}
}

// keywords appends the extensions that work here and now.
func (s *session) keywords(lines []string) []string {
	// HELP is listed because RFC 5321 section 4.1.1.1 wants all commands listed that
	// RFC 5321 section 4.5.1 does not require.
	lines = append(lines, "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", s.sizeKeyword(), "HELP")
	if s.offersTLS() {
		lines = append(lines, "STARTTLS")
	}
	if mechanisms := s.mechanisms(); len(mechanisms) > 0 {
		lines = append(lines, "AUTH "+strings.Join(mechanisms, " "))
	}
	lines = append(lines, "CHUNKING")
	if s.mayAnnounce() {
		lines = append(lines, xclientKeyword)
	}
	if s.srv.BinaryMIME {
		lines = append(lines, "BINARYMIME")
	}
	if s.state.Protocol != auth.LMTP {
		lines = append(lines, "PRDR")
	}
	if s.srv.Hooks.Expand != nil {
		lines = append(lines, "EXPN")
	}
	if s.srv.Hooks.StartQueue != nil {
		lines = append(lines, "ETRN")
	}
	return s.ownKeywords(s.offered(lines))
}

// sizeKeyword states the limit of a message; 0 is none: RFC 1870 section 4.
func (s *session) sizeKeyword() string {
	return "SIZE " + strconv.FormatInt(max(0, limit(s.srv.MaxMessageBytes, defaultMessageBytes)), 10)
}

func (s *session) offersTLS() bool { return s.srv.TLSConfig != nil && s.state.TLS == nil }

// syntaxReply is the reply to a command that does not parse.
func syntaxReply(err error) smtpwire.Reply {
	if e, ok := err.(*smtpwire.SyntaxError); ok {
		return e.Reply()
	}
	return replyUnknown
}

// secure makes the handshake of TLS.
func (s *session) secure() bool {
	var err error
	serve.Apart(func() { err = s.handshake(s.ctx) }) // it goes deep, once
	if trace := s.srv.Trace; trace != nil && trace.Handshake != nil {
		trace.Handshake(s.connectionState(), err)
	}
	if err != nil {
		s.tally[countTLSFailed]++
		s.log.InfoContext(s.ctx, "TLS handshake failed", "err", err)
		return false
	}
	s.tally[countHandshakes]++
	return true
}

func (s *session) handshake(ctx context.Context) error {
	err := s.conn.Handshake()
	if err == nil && s.conn.TLS() == nil { // it did not come as TLS
		err = s.conn.StartTLSServer(ctx, s.srv.tls, s.srv.handshakes)
	}
	if err != nil {
		return err
	}
	s.state.TLS = s.conn.TLS()
	s.state.LocalCertificate = s.conn.LocalCertificate()
	return nil
}
