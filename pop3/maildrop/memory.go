package maildrop

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
)

// Memory is a pop3.Store that keeps its mail in memory: for tests, and for mail that
// need not outlive the program. Users have maildrops by Identity.Name, empty until mail
// is added. The zero Memory has no mail. Its methods are safe for concurrent use, and it is
// not copied after the first of them was called.
type Memory struct {
	mu    sync.Mutex
	run   string // tells the unique-ids of this store from those of the one before it; "" until there is one
	drops map[string]*memoryDrop
	added int
}

type memoryDrop struct {
	messages []memoryMessage
	holder   *memorySession // nil for none
}

type memoryMessage struct {
	uid  string
	text []byte // never altered
}

var _ pop3.Store = (*Memory)(nil)

// Add adds a message to a user's maildrop and returns its unique-id. The message is
// copied; a bare LF in it becomes CRLF, and a last line without end gets one.
func (m *Memory) Add(user string, message []byte) string {
	text := bytes.ReplaceAll(message, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, "\r\n"...)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.added++; m.run == "" {
		m.run = rand.Text()[:13]
	}
	d := m.drop(user)
	added := memoryMessage{uid: fmt.Sprintf("%s.%d", m.run, m.added), text: text}
	d.messages = append(d.messages, added)
	return added.uid
}

// Messages returns what is in a user's maildrop, oldest first. The texts must not be
// altered.
func (m *Memory) Messages(user string) [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.drops[user]
	if !ok {
		return nil
	}
	texts := make([][]byte, len(d.messages))
	for i, message := range d.messages {
		texts[i] = message.text
	}
	return texts
}

// drop gives a user's maildrop. The lock is held.
func (m *Memory) drop(user string) *memoryDrop {
	d, ok := m.drops[user]
	if !ok {
		if m.drops == nil {
			m.drops = map[string]*memoryDrop{}
		}
		d = &memoryDrop{}
		m.drops[user] = d
	}
	return d
}

// Open opens a user's maildrop.
func (m *Memory) Open(_ context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.drop(id.Name)
	if d.holder != nil && !d.holder.yielded {
		return nil, pop3.ErrInUse
	}
	d.holder = &memorySession{store: m, drop: d, messages: slices.Clone(d.messages)}
	return d.holder, nil
}

// memorySession is a maildrop as it was when it was opened.
type memorySession struct {
	store    *Memory
	drop     *memoryDrop
	messages []memoryMessage
	index    map[string]int // of messages by unique-id; made by List
	yielded  bool           // guarded by the store's lock
	closed   bool
}

var _ pop3.Yielder = (*memorySession)(nil)

func (s *memorySession) List(context.Context) ([]pop3.Info, error) {
	infos := make([]pop3.Info, len(s.messages))
	s.index = make(map[string]int, len(s.messages))
	for i, m := range s.messages {
		infos[i] = pop3.Info{UID: m.uid, Size: int64(len(m.text))}
		s.index[m.uid] = i
	}
	return infos, nil
}

func (s *memorySession) Message(_ context.Context, info pop3.Info) (io.ReadCloser, error) {
	i, ok := s.index[info.UID]
	if !ok || s.closed {
		return nil, fmt.Errorf("maildrop: no message %q in this session", info.UID)
	}
	return memoryReader{bytes.NewReader(s.messages[i].text)}, nil
}

func (s *memorySession) Commit(_ context.Context, deleted []pop3.Info) error {
	gone := make(map[string]bool, len(deleted))
	for _, info := range deleted {
		gone[info.UID] = true
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.drop.messages = slices.DeleteFunc(s.drop.messages, func(m memoryMessage) bool { return gone[m.uid] })
	return nil
}

func (s *memorySession) Close() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.closed = true; s.drop.holder == s {
		s.drop.holder = nil
	}
	return nil
}

// Yield lets another session have the maildrop.
func (s *memorySession) Yield() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.yielded = true
}

// Resume takes the maildrop back, unless another session has had it.
func (s *memorySession) Resume(context.Context) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.drop.holder != s {
		return pop3.ErrInUse
	}
	s.yielded = false
	return nil
}

// memoryReader is a bytes.Reader with a Close; it keeps the reader's WriteTo.
type memoryReader struct{ *bytes.Reader }

func (memoryReader) Close() error { return nil }
