package pop3

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// user answers USER (RFC 1939 section 7). The answer is the same whether there is
// such a user or not.
func (s *session) user(_ context.Context, args []byte) reply {
	var c pop3wire.User
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	if !s.passwords() {
		return s.refusedHere()
	}
	s.phase, s.newcomer.name = phaseNamed, c.Name
	return okay("send the password")
}

// pass answers PASS (RFC 1939 section 7).
func (s *session) pass(ctx context.Context, args []byte) reply {
	name := s.newcomer.name
	cs := s.ConnectionState()
	s.forgetUser()
	var c pop3wire.Pass
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	limited, cancel := s.within(ctx)
	defer cancel()
	id, err := s.server.Auth.Password(limited, cs, name, c.Password)
	if err != nil {
		return s.refuseLogin(err)
	}
	return s.login(limited, id)
}

// auth answers AUTH (RFC 5034 section 4).
func (s *session) auth(ctx context.Context, args []byte) reply {
	var c pop3wire.Auth
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	x, err := s.server.Auth.Start(ctx, s.ConnectionState(), c.Mechanism)
	if err != nil {
		return s.refuseLogin(err)
	}
	var response []byte // nil for none
	if len(c.Initial) > 0 {
		if response, err = auth.DecodeBase64(nil, c.Initial); err != nil {
			return s.refuseLogin(err)
		}
	}
	s.phase, s.newcomer.exchange = phaseExchange, x
	return s.step(ctx, response)
}

// respond answers a line of the client within the exchange.
func (s *session) respond(ctx context.Context, line []byte) reply {
	if string(line) == "*" {
		refusal := s.newcomer.exchange.Cancel()
		s.endExchange()
		if refusal != nil { // of which the client was told by a challenge
			return s.refuseLogin(refusal)
		}
		return refuse("authentication cancelled")
	}
	response, err := auth.DecodeBase64(nil, line)
	if err != nil {
		s.endExchange()
		return s.refuseLogin(err)
	}
	return s.step(ctx, response)
}

// step carries the exchange on by one response.
func (s *session) step(ctx context.Context, response []byte) reply {
	x := s.newcomer.exchange
	limited, cancel := s.within(ctx)
	defer cancel()
	challenge, done, err := x.Next(limited, response)
	if err == nil && !done {
		return reply{challenge: true, made: challenge}
	}
	s.endExchange()
	if err != nil {
		return s.refuseLogin(err)
	}
	return s.login(limited, x.Identity())
}

func (s *session) endExchange() { s.phase, s.newcomer.exchange = PhaseAuthorization, nil }

// refuseLogin answers credentials that do not let in. Only credentials that are
// wrong count as a failed login and read [AUTH] (RFC 3206 section 5).
func (s *session) refuseLogin(err error) reply {
	var malformed *auth.MalformedError
	switch {
	case errors.Is(err, auth.ErrCredentials):
		s.newcomer.failures++
		s.log(slog.LevelInfo, "login refused", "err", err)
		return reply{code: CodeAuth, text: "login refused", pause: s.server.failureDelay(s.newcomer.failures)}
	case errors.As(err, &malformed):
		return refuse("malformed response")
	case errors.Is(err, auth.ErrCleartext), errors.Is(err, auth.ErrMechanism):
		return s.refusedHere()
	case errors.Is(err, auth.ErrThrottled):
		s.log(slog.LevelInfo, "login put off", "err", err)
		return reply{code: CodeSysTemp, text: "too many failed logins: try again later"}
	}
	return reply{code: CodeSysTemp, text: "login is not possible now", err: err}
}

// refusedHere answers a way to log in that this connection does not offer.
func (s *session) refusedHere() reply {
	if s.conn.TLS() == nil && s.server.TLSConfig != nil && s.server.Auth.NeedsTLS(s.ConnectionState()) {
		return refuse("not without TLS: use STLS first")
	}
	return refuse("authentication mechanism not offered")
}

// login opens the maildrop of a client that has shown who it is. What fails
// leaves the session in AUTHORIZATION, as if nobody had logged in (RFC 1939
// section 4). The time that ctx gives is for finding that out, and for this.
func (s *session) login(ctx context.Context, id *auth.Identity) reply {
	policy := s.server.policy(id)
	if policy.LoginDelay > 0 && s.server.logins.early(id.Name, time.Now()) {
		// RFC 2449 section 8.1.1: for credentials that are right, and for no others.
		return reply{code: CodeLoginDelay, text: "logged in a moment ago: wait"}
	}
	r := s.enter(ctx, id)
	if r.ok {
		s.phase, s.newcomer, s.identity, s.policy = PhaseTransaction, nil, id, policy
		s.server.logins.note(id.Name, time.Now(), policy.LoginDelay)
		s.log(slog.LevelInfo, "logged in", "mechanism", id.Mechanism, "messages", s.drop.left, "octets", s.drop.octets)
	}
	return r
}

// enter opens and lists a maildrop.
func (s *session) enter(ctx context.Context, id *auth.Identity) reply {
	drop, err := s.server.Store.Open(ctx, id)
	if err != nil {
		return storeFailed(err, "maildrop cannot be opened now")
	}
	s.drop.maildrop = drop
	list, err := drop.List(ctx)
	if err != nil {
		s.release() // before the client can try again
		return storeFailed(err, "maildrop cannot be read now")
	}
	if err := s.drop.check(list, s.server.maxMessages()); err != nil {
		s.release()
		return reply{code: CodeSysPerm, text: "maildrop is damaged", err: err}
	}
	return s.totals("maildrop has ")
}

// storeFailed answers an error of the Store: one made for the client goes to it
// as it is.
func storeFailed(err error, text string) reply {
	var e *Error
	switch {
	case errors.As(err, &e):
		return reply{code: e.Code, text: e.Text}
	case errors.Is(err, ErrInUse):
		return reply{code: CodeInUse, text: "maildrop is in use by another session"}
	}
	return reply{code: CodeSysTemp, text: text, err: err}
}
