package pop3

import (
	"context"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// quit answers QUIT, and ends the session whatever comes of it (RFC 1939 section 4,
// RFC 1939 section 6). The maildrop is free again before the client reads the
// answer: its next session must not find it in use.
func (s *session) quit(ctx context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	if s.phase != PhaseTransaction {
		return reply{ok: true, text: "POP3 server signing off", next: hangUp}
	}
	s.phase = PhaseUpdate
	err := s.commit(ctx)
	r := s.signOff()
	s.release()
	if err != nil {
		r = storeFailed(err, "some deleted messages not removed")
	}
	r.next = hangUp
	return r
}

// commit has the marked messages removed.
func (s *session) commit(ctx context.Context) error {
	deleted := make([]Info, 0, len(s.drop.list)-s.drop.left)
	for n := range s.drop.deleted {
		deleted = append(deleted, s.drop.list[n-1])
	}
	limited, cancel := s.within(ctx)
	defer cancel()
	return s.drop.maildrop.Commit(limited, deleted)
}

// signOff says good-bye, and how much mail is left.
func (s *session) signOff() reply {
	const text = "POP3 server signing off ("
	if s.drop.left == 0 {
		return okay(text + "maildrop empty)")
	}
	s.scratch = appendMessages(s.scratch[:0], text, s.drop.left, " left)")
	return reply{ok: true, made: s.scratch}
}
