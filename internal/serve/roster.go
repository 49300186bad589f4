package serve

// roster is the sessions that there are. Each of them holds its own place, so that there is
// no table that keeps the room of the most that there ever were.
type roster struct {
	first *Session
	len   int
}

// place is where a session stands in a roster.
type place struct{ before, behind *Session }

// add puts s in front.
func (r *roster) add(s *Session) {
	if r.first != nil {
		r.first.place.before = s
	}
	s.place.behind = r.first
	r.first = s
	r.len++
}

// remove takes out s, which must be there.
func (r *roster) remove(s *Session) {
	p := s.place
	if p.before != nil {
		p.before.place.behind = p.behind
	} else {
		r.first = p.behind
	}
	if p.behind != nil {
		p.behind.place.before = p.before
	}
	s.place = place{}
	r.len--
}

// all returns the sessions, the newest first.
func (r *roster) all() []*Session {
	all := make([]*Session, 0, r.len)
	for s := r.first; s != nil; s = s.place.behind {
		all = append(all, s)
	}
	return all
}
