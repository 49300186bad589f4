package pop3

import (
	"context"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// dele answers DELE: the message is marked, and gone after QUIT (RFC 1939
// section 5).
func (s *session) dele(_ context.Context, args []byte) reply {
	var c pop3wire.Dele
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	if m, r := s.message(c.N); m == nil {
		return r
	}
	s.drop.mark(c.N)
	s.scratch = appendNumbered(s.scratch[:0], "message ", int64(c.N), " deleted")
	return reply{ok: true, made: s.scratch}
}

// rset answers RSET (RFC 1939 section 5).
func (s *session) rset(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	s.drop.unmarkAll()
	return s.totals("maildrop has ")
}

// noop answers NOOP (RFC 1939 section 5).
func (s *session) noop(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	return reply{ok: true}
}
