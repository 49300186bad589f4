package pop3

import (
	"context"
	"slices"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// command is one row of the table: where a verb is allowed, and who answers.
type command struct {
	phases  []auth.Phase
	handler func(s *session, ctx context.Context, args []byte) reply
}

// commands is the whole of the protocol's state machine. A verb in a phase that
// its row does not name is refused before its arguments are looked at (RFC 1939
// section 3).
var commands = [pop3wire.Verbs]command{
	pop3wire.USER: {inAuthorization, (*session).user},
	pop3wire.PASS: {inNamed, (*session).pass},
	pop3wire.AUTH: {inAuthorization, (*session).auth},
	pop3wire.STLS: {inAuthorization, (*session).stls},
	pop3wire.CAPA: {inBoth, (*session).capa},
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
		return pop3wire.AUTH, s.respond(ctx, line)
	}
	verb, args := pop3wire.SplitVerb(line)
	c := &commands[verb]
	if c.handler == nil {
		s.forgetUser()
		return verb, unknown(line)
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

// absent are commands that clients of good will try without having asked: those
// of other times, and those of extensions that are not offered here. Each is
// refused, and none is counted as junk.
var absent = []string{"APOP", "LAST", "XTND", "RPOP", "UTF8", "LANG"}

// unknown answers a verb that has no row.
func unknown(line []byte) reply {
	word := line
	if i := slices.Index(line, ' '); i >= 0 {
		word = line[:i]
	}
	r := refuse("unknown command")
	r.excused = slices.ContainsFunc(absent, func(name string) bool { return isWord(word, name) })
	return r
}

// isWord compares with a name in upper case, without regard to ASCII case.
func isWord(word []byte, name string) bool {
	if len(word) != len(name) {
		return false
	}
	for i, c := range word {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}
