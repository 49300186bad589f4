package pop3test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// Store is a [pop3.Store] in memory, for tests. A maildrop is open in one session at a
// time, which can yield (see [pop3.Yielder]), and belongs to the name under which a
// client was authorised. The zero value is ready for use, by any number of goroutines.
type Store struct {
	mu    sync.Mutex
	boxes map[string]*mailbox
	uids  int // the last unique-id given away
}

var _ pop3.Store = (*Store)(nil)

type mailbox struct {
	holder   *session  // nil when no session has it open
	messages []message // what is stored, oldest first; never changed in place
}

type message struct {
	uid  string
	text []byte
	err  error // what reading it comes to
}

// SetMessages replaces what is in user's maildrop. Each message is copied,
// octet for octet; CRLF is added to one that does not end in it. Sessions
// that are open keep what they have. The messages get new unique-ids.
func (s *Store) SetMessages(user string, messages [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.box(user)
	box.messages = nil
	for _, text := range messages {
		s.add(box, text)
	}
}

// Deliver adds a message to user's maildrop, as SetMessages does.
func (s *Store) Deliver(user string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(s.box(user), text)
}

// Break has the nth message of user's maildrop, from 1, listed and not read: who
// asks for it is given err, which reaches a client as pop3.Store says. Nil mends it.
// Sessions that are open keep what they have.
func (s *Store) Break(user string, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.box(user)
	box.messages = slices.Clone(box.messages)
	box.messages[n-1].err = err
}

// Messages returns what is in user's maildrop. The caller must not change it.
func (s *Store) Messages(user string) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts [][]byte
	for _, m := range s.box(user).messages {
		texts = append(texts, m.text)
	}
	return texts
}

func (s *Store) box(user string) *mailbox {
	if s.boxes == nil {
		s.boxes = map[string]*mailbox{}
	}
	if s.boxes[user] == nil {
		s.boxes[user] = &mailbox{}
	}
	return s.boxes[user]
}

func (s *Store) add(box *mailbox, text []byte) {
	text = bytes.Clone(text)
	if !bytes.HasSuffix(text, []byte("\r\n")) {
		text = append(text, "\r\n"...)
	}
	s.uids++
	box.messages = append(slices.Clip(box.messages), message{uid: fmt.Sprintf("uid-%d", s.uids), text: text})
}

// Open opens the maildrop of id.Name, or returns [pop3.ErrInUse].
func (s *Store) Open(_ context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box := s.box(id.Name)
	if box.holder != nil && !box.holder.yielded {
		return nil, pop3.ErrInUse
	}
	box.holder = &session{store: s, box: box, messages: box.messages}
	return box.holder, nil
}

// session is one session's snapshot of a mailbox.
type session struct {
	store    *Store
	box      *mailbox
	messages []message
	yielded  bool
}

var _ pop3.Yielder = (*session)(nil)

func (s *session) List(context.Context) ([]pop3.Info, error) {
	list := make([]pop3.Info, len(s.messages))
	for i, m := range s.messages {
		list[i] = pop3.Info{UID: m.uid, Size: int64(len(m.text)), UTF8: headerIsUTF8(m.text)}
	}
	return list, nil
}

func (s *session) Message(_ context.Context, info pop3.Info) (io.ReadCloser, error) {
	i := slices.IndexFunc(s.messages, func(m message) bool { return m.uid == info.UID })
	if i < 0 {
		return nil, fmt.Errorf("pop3test: no message %q", info.UID)
	}
	if err := s.messages[i].err; err != nil {
		return nil, err
	}
	return reader{bytes.NewReader(s.messages[i].text)}, nil
}

func (s *session) Commit(_ context.Context, deleted []pop3.Info) error {
	gone := make(map[string]bool, len(deleted))
	for _, info := range deleted {
		gone[info.UID] = true
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var kept []message
	for _, m := range s.box.messages {
		if !gone[m.uid] {
			kept = append(kept, m)
		}
	}
	s.box.messages = kept
	return nil
}

func (s *session) Close() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.box.holder == s {
		s.box.holder = nil
	}
	return nil
}

func (s *session) Yield() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.yielded = true
}

func (s *session) Resume(context.Context) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.box.holder != s {
		return pop3.ErrInUse
	}
	s.yielded = false
	return nil
}

// headerIsUTF8 reports whether a message's header has octets beyond ASCII.
func headerIsUTF8(text []byte) bool {
	for line := range bytes.Lines(text) {
		if len(line) <= len("\r\n") {
			break
		}
		if bytes.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) {
			return true
		}
	}
	return false
}

// reader is a message being read. It keeps the WriteTo of bytes.Reader.
type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }
