package maildrop

import (
	"container/list"
	"sync"

	"github.com/posthouse/posthouse/message/maildir"
)

// maxOpen is how many Maildirs are kept open for sessions that do nothing with them.
const maxOpen = 128

// shelf keeps the Maildirs of sessions open, so that who fetches one message after the
// other does not open it for each; and closes the one that was used the longest ago
// when there are too many: what a session has open all the time is its lock alone.
type shelf struct {
	mu   sync.Mutex
	open list.List // of *session, the one that was used last at the back
}

// open gives the session's Maildir, which stays open until rest is called. One that was
// opened anew is the one whose lock the session has.
func (s *session) open() (*maildir.Dir, error) {
	if dir := s.store.shelf.use(s); dir != nil {
		return dir, nil
	}
	dir, err := s.store.openDir(s.folder, maildir.OpenExisting)
	if err != nil {
		return nil, err
	}
	if err := s.lock.Guards(dir); err != nil {
		_ = dir.Close() // nothing was done with it
		return nil, err
	}
	s.store.shelf.put(s, dir)
	return dir, nil
}

// rest says that nothing is done with the Maildir until open is called.
func (s *session) rest() {
	if other := s.store.shelf.rest(s); other != nil {
		_ = other.Close() // nothing is being written
	}
}

// use gives the session's Maildir if it is open.
func (f *shelf) use(s *session) *maildir.Dir {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.inUse = s.dir != nil
	return s.dir
}

// put adds a Maildir, which is in use.
func (f *shelf) put(s *session, dir *maildir.Dir) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.dir, s.inUse, s.place = dir, true, f.open.PushBack(s)
}

// rest gives the Maildir that is to be closed in exchange; nil for none.
func (f *shelf) rest(s *session) *maildir.Dir {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.inUse = false; s.place != nil {
		f.open.MoveToBack(s.place)
	}
	for e := f.open.Front(); e != nil && f.open.Len() > maxOpen; e = e.Next() {
		if oldest := e.Value.(*session); !oldest.inUse {
			return f.remove(oldest)
		}
	}
	return nil
}

// close closes the session's Maildir, if it is open.
func (f *shelf) close(s *session) error {
	f.mu.Lock()
	dir := f.remove(s)
	f.mu.Unlock()
	if dir == nil {
		return nil
	}
	return dir.Close()
}

// remove takes a Maildir from the shelf. The lock is held.
func (f *shelf) remove(s *session) *maildir.Dir {
	dir := s.dir
	if dir != nil {
		f.open.Remove(s.place)
	}
	s.dir, s.place, s.inUse = nil, nil, false
	return dir
}
