package pop3

import "context"

// A session holds its maildrop by a lease. The states:
//
//	held     the session runs, or has waited for less than Server.TakeOverAfter
//	yielded  it waits still: Store.Open may give the maildrop away
//	lost     Resume said so: the session ends, and its marks with it
//
// The clock leads from held to yielded, and only a command of the client from there to
// held again, before it is obeyed. So a session that commits has held the maildrop all
// the time, or nobody else has had it.

// resume takes the maildrop back. If it cannot be had, that is the answer to
// whatever the client said.
func (s *session) resume(ctx context.Context) (lost reply, ok bool) {
	if !s.yielded {
		return reply{}, true
	}
	s.yielded = false
	limited, cancel := s.within(ctx)
	defer cancel()
	err := s.drop.maildrop.(Yielder).Resume(limited)
	if err == nil {
		return reply{}, true
	}
	lost = storeFailed(err, "maildrop cannot be had any more")
	if lost.err == nil && lost.code == CodeInUse {
		// RFC 2449 section 8.1.2 has [IN-USE] for those who log in.
		lost = reply{code: CodeSysTemp, text: "maildrop was taken over by another session"}
	}
	lost.next = hangUp
	return lost, false
}
