package smtp

import (
	"errors"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// mechanisms returns what AUTH offers here and now.
func (s *session) mechanisms() []string {
	if s.srv.Auth == nil {
		return nil
	}
	return s.srv.Auth.Mechanisms(s.connectionState())
}

// auth answers AUTH: RFC 4954 section 4.
func (s *session) auth(args []byte) smtpwire.Reply {
	switch {
	case s.srv.Auth == nil:
		return replyNotImplemented
	case s.state.Identity != nil:
		return replyAuthTwice
	}
	var cmd smtpwire.Auth
	if err := cmd.Parse(string(args)); err != nil {
		return syntaxReply(err)
	}
	var err error
	s.exchange, err = s.srv.Auth.Start(s.ask(), s.connectionState(), cmd.Mechanism)
	s.answered()
	if err != nil {
		return s.authFailed(err)
	}
	response := cmd.Initial
	if cmd.HasInitial && response == nil {
		response = []byte{}
	}
	return s.authStep(response)
}

// authStep hands a response to the mechanism; nil is none.
func (s *session) authStep(response []byte) smtpwire.Reply {
	challenge, done, err := s.exchange.Next(s.ask(), response)
	s.answered()
	switch {
	case err != nil:
		return s.authFailed(err)
	case !done:
		s.then = (*session).authAnswer
		return newReply(334, EnhancedCode{}, string(auth.AppendBase64(nil, challenge)))
	}
	s.state.Identity = s.exchange.Identity()
	s.exchange = nil
	s.tally[countLogins]++
	s.log = s.log.With("user", s.state.Identity.User)
	s.log.InfoContext(s.ctx, "authenticated", "mechanism", s.state.Identity.Mechanism)
	return replyAuthOK
}

// authAnswer reads the answer to a challenge. It is no command, and reaches neither
// log nor transcript.
func (s *session) authAnswer() smtpwire.Reply {
	line, err := s.readIdle(longestAuthLine)
	if err != nil {
		r := s.readFailed(err)
		if r.Code == 500 {
			// RFC 4954 section 6.
			r.Enhanced = EnhancedCode{5, 5, 6}
		}
		return r
	}
	s.conn.Trace('C', []byte("***"))
	if string(line) == "*" {
		return s.authCancelled()
	}
	response, err := auth.DecodeBase64(nil, line)
	if err != nil {
		s.exchange = nil
		return replyBadBase64
	}
	return s.authStep(response)
}

// authCancelled answers "*" (RFC 4954 section 4). Clients cancel, too, when they have
// been told why they are refused: that is a failure all the same.
func (s *session) authCancelled() smtpwire.Reply {
	refusal := s.exchange.Cancel()
	s.exchange = nil
	if refusal != nil {
		if r := s.authFailed(refusal); r.Code == replyAuthLimit.Code {
			return r
		}
	}
	return replyAuthCancelled
}

// authFailed says why there is no authentication: RFC 4954 section 6.
func (s *session) authFailed(err error) smtpwire.Reply {
	s.exchange = nil
	var malformed *auth.MalformedError
	switch {
	case errors.Is(err, auth.ErrMechanism):
		return replyMechanism
	case errors.Is(err, auth.ErrCleartext):
		return replyNeedsTLS
	case errors.As(err, &malformed):
		return replyAuthSyntax
	case errors.Is(err, auth.ErrCredentials):
		s.tally[countLoginsBad]++
		s.log.InfoContext(s.ctx, "credentials refused")
		if s.authFailures++; s.authFailures > 1 {
			s.delay(s.authFailures - 2)
		}
		if exceeds(s.authFailures+1, limit(s.srv.MaxAuthFailures, defaultAuthFailures)) {
			return replyAuthLimit
		}
		return replyCredentials
	}
	if errors.Is(err, auth.ErrThrottled) {
		s.log.InfoContext(s.ctx, "authentication put off", "err", err)
		return replyAuthDown
	}
	s.log.ErrorContext(s.ctx, "verifier failed", "err", err)
	return replyAuthDown
}
