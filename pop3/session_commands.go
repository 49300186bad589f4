package pop3

import (
	"context"
	"slices"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/serve"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// command is one row of the table: where a verb is allowed, and who answers.
type command struct {
	phases  []auth.Phase
	handler handler
}

type handler func(s *session, ctx context.Context, args []byte) reply

// commands is the whole of the protocol's state machine. A verb in a phase that
// its row does not name is refused before its arguments are looked at (RFC 1939
// section 3).
var commands = [pop3wire.Verbs]command{
	pop3wire.USER: {inAuthorization, (*session).user},
	pop3wire.PASS: {inNamed, apart((*session).pass)},
	pop3wire.APOP: {inUnnamed, apart((*session).apop)},
	pop3wire.AUTH: {inAuthorization, apart((*session).auth)},
	pop3wire.STLS: {inAuthorization, (*session).stls},
	pop3wire.CAPA: {inBoth, (*session).capa},
	pop3wire.UTF8: {inBoth, (*session).utf8},
	pop3wire.LANG: {inBoth, (*session).lang},
	pop3wire.QUIT: {inBoth, (*session).quit},
	pop3wire.STAT: {inTransaction, (*session).stat},
	pop3wire.LIST: {inTransaction, (*session).list},
	pop3wire.UIDL: {inTransaction, (*session).uidl},
	pop3wire.RETR: {inTransaction, (*session).retr},
	pop3wire.TOP:  {inTransaction, (*session).top},
	pop3wire.DELE: {inTransaction, (*session).dele},
	pop3wire.RSET: {inTransaction, (*session).rset},
	pop3wire.NOOP: {inTransaction, (*session).noop},
}

// handle answers one line.
func (s *session) handle(ctx context.Context, line []byte) (pop3wire.Verb, reply) {
	if s.phase == phaseExchange {
		return pop3wire.AUTH, respond(s, ctx, line)
	}
	verb, args := pop3wire.SplitVerb(line)
	if lost, ok := s.resume(ctx); !ok {
		return verb, lost
	}
	c := &commands[verb]
	if c.handler == nil {
		s.forgetUser()
		return verb, unknown(verb)
	}
	allowed := slices.Contains(c.phases, s.phase)
	if verb != pop3wire.PASS {
		// RFC 1939 section 7: PASS is allowed immediately after USER only.
		s.forgetUser()
	}
	if !allowed {
		return verb, refuse("command not allowed in this state")
	}
	return verb, c.handler(s, ctx, args)
}

// apart makes a handler run on a stack of its own.
func apart(h handler) handler {
	return func(s *session, ctx context.Context, args []byte) (r reply) {
		serve.Apart(func() { r = h(s, ctx, args) })
		return r
	}
}

// respond answers a line within AUTH.
var respond = apart((*session).respond)

// unknown answers a verb that has no row. Those of other times, which clients of
// good will may try without having asked, are not counted as junk.
func unknown(verb pop3wire.Verb) reply {
	r := refuse("unknown command")
	r.excused = verb != pop3wire.Unknown
	return r
}
