package maildrop

import (
	"context"
	"errors"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// lockName is the file by which sessions of several processes keep each other out.
const lockName = "pop3.lock"

// take makes s the holder of its folder, unless another session is that and has not yielded. It gives the one that
// was.
func (m *Maildir) take(s *session) (before *session, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before = m.holders.Get(s.folder)
	if before != nil && !before.yielded {
		return nil, false
	}
	m.holders.Set(s.folder, s)
	s.wrong = m.wrong.Get(s.folder)
	return before, true
}

// giveBack undoes take when the maildrop could not be opened. Nobody has taken it meanwhile: s has not yielded.
func (m *Maildir) giveBack(s, before *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before == nil || before.closed {
		m.holders.Delete(s.folder)
	} else {
		m.holders.Set(s.folder, before)
	}
}

// release ends a session's hold, and keeps what it has learnt.
func (m *Maildir) release(s *session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.closed = true
	if m.holders.Get(s.folder) != s {
		return
	}
	m.holders.Delete(s.folder)
	if len(s.wrong) > 0 {
		m.wrong.Set(s.folder, s.wrong)
	} else {
		m.wrong.Delete(s.folder)
	}
}

// Yield lets another session have the maildrop.
func (s *session) Yield() {
	m := s.store
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.lock != nil && s.lock.Yield() != nil {
		return // it stays held
	}
	s.yielded = true
}

// Resume takes the maildrop back, unless another session has had it.
func (s *session) Resume(context.Context) error {
	m := s.store
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !s.yielded:
		return nil
	case m.holders.Get(s.folder) != s:
		return pop3.ErrInUse
	}
	if s.lock != nil {
		err := s.lock.Resume()
		if errors.Is(err, maildir.ErrLocked) {
			return pop3.ErrInUse
		}
		if err != nil {
			return err
		}
	}
	s.yielded = false
	return nil
}
