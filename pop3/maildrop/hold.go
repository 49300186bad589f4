package maildrop

import (
	"context"
	"errors"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// lockName is the file by which sessions of several processes keep each other out.
const lockName = "pop3.lock"

// take makes s the holder of its folder, unless another session is that and has not
// yielded. It gives the one that was.
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

// giveBack undoes take when the maildrop could not be opened. Nobody has taken it
// meanwhile: s has not yielded.
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

// hold opens the session's Maildir and takes its lock, if there is one.
func (s *session) hold() error {
	dir, err := s.store.openDir(s.folder, maildir.OpenExisting)
	if errors.Is(err, errNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.lock, err = dir.Lock(lockName); err != nil {
		return errors.Join(err, dir.Close())
	}
	s.store.shelf.put(s, dir)
	s.rest()
	return nil
}

// Yield lets another session have the maildrop. It leaves nothing open.
func (s *session) Yield() {
	if !s.yield() {
		return // it stays held
	}
	_ = s.store.shelf.close(s) // nothing was written
}

func (s *session) yield() bool {
	m := s.store
	m.mu.Lock()
	defer m.mu.Unlock()
	s.yielded = s.lock == nil || s.lock.Yield() == nil
	return s.yielded
}

// Resume takes the maildrop back, unless another session has had it.
func (s *session) Resume(context.Context) error {
	yielded, err := s.reclaim()
	if err != nil || !yielded || s.lock == nil {
		return err
	}
	dir, err := s.open()
	if err == nil {
		defer s.rest()
		err = s.lock.Resume(dir)
	}
	if err == nil {
		return nil
	}
	m := s.store
	m.mu.Lock()
	defer m.mu.Unlock()
	s.yielded = true
	if errors.Is(err, maildir.ErrLocked) {
		return pop3.ErrInUse
	}
	return err
}

// reclaim keeps the sessions of this store out, if that is not too late.
func (s *session) reclaim() (yielded bool, err error) {
	m := s.store
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.yielded && m.holders.Get(s.folder) != s {
		return true, pop3.ErrInUse
	}
	yielded, s.yielded = s.yielded, false
	return yielded, nil
}
