package maildrop

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"syscall"

	"github.com/posthouse/posthouse/internal/elastic"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// listing is what a Maildir holds, in order. It is shared by sessions, and never altered.
type listing struct {
	state maildir.State // that it is good for; zero for none, when only the sizes are
	infos []pop3.Info
	files []file // of infos

	once  sync.Once
	index map[string]int // by unique-id, made when it is first needed
}

// file is what infos do not tell of a message's file. An idle session holds it, as it
// does not a maildir.Entry, which is twice as large.
type file struct {
	name  string
	flags string
	size  int64 // on the disk
	key   int32 // octets of the name that are the key
	new   bool
	twin  bool
}

// entry gives message i as it was listed.
func (l *listing) entry(i int) maildir.Entry {
	info, f := &l.infos[i], &l.files[i]
	return maildir.Entry{
		Key: f.name[:f.key], Name: f.name, New: f.new, Flags: f.flags,
		Size: f.size, CRLFSize: info.Size, UTF8: info.UTF8, Twin: f.twin,
	}
}

// is says whether message i is the one that is listed now, wherever its file is.
func (l *listing) is(i int, e maildir.Entry) bool { return base(l.files[i].name) == base(e.Name) }

// nothing is the listing of those who have no Maildir yet.
var nothing listing

// find gives the index of a message.
func (l *listing) find(uid string) (int, bool) {
	l.once.Do(func() {
		l.index = make(map[string]int, len(l.infos))
		for i, info := range l.infos {
			l.index[info.UID] = i
		}
	})
	i, ok := l.index[uid]
	return i, ok
}

// size gives the size that a message had by its unique-id and was counted by, -1 if it
// had none.
func (l *listing) size(e maildir.Entry) int64 {
	if l == nil {
		return -1
	}
	i, ok := l.find(uid(e.Key))
	if !ok || !l.is(i, e) || l.files[i].size != e.Size {
		return -1
	}
	return l.infos[i].Size
}

// maxListed is how many messages are remembered, of all maildrops together. One takes
// some 200 octets.
const maxListed = 200_000

// listings remembers what was listed, as long as the Maildirs have not changed since: a
// login reads no folder then.
type listings struct {
	mu       sync.Mutex
	byFolder elastic.Map[string, *listing]
	messages int // of all
}

func (c *listings) get(folder string, state maildir.State) *listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.byFolder.Get(folder); l != nil && l.state.Equal(state) {
		return l
	}
	return nil
}

// last gives the listing that was made last, good or not; nil if there is none.
func (c *listings) last(folder string) *listing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byFolder.Get(folder)
}

func (c *listings) put(folder string, l *listing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(folder)
	if len(l.infos) > maxListed {
		return
	}
	for other := range c.byFolder.All() {
		if c.messages+len(l.infos) <= maxListed && c.byFolder.Len() < maxListed/10 {
			break
		}
		c.drop(other)
	}
	c.byFolder.Set(folder, l)
	c.messages += len(l.infos)
}

// drop forgets what is known of a folder. The lock is held.
func (c *listings) drop(folder string) {
	if l := c.byFolder.Get(folder); l != nil {
		c.messages -= len(l.infos)
		c.byFolder.Delete(folder)
	}
}

// list lists the session's Maildir, or remembers it.
func (s *session) list(ctx context.Context, dir *maildir.Dir) (*listing, error) {
	before, settled := dir.State()
	if settled && len(s.wrong) == 0 {
		if l := s.store.listings.get(s.folder, before); l != nil {
			return l, nil
		}
	}
	l, err := s.read(ctx, dir)
	if err != nil {
		return nil, err
	}
	if after, still := dir.State(); settled && still && before.Equal(after) {
		l.state = before
	}
	s.store.listings.put(s.folder, l)
	return l, nil
}

// read reads the names in the Maildir, and those files whose names do not tell their
// size, or were caught lying. Since something was delivered or removed, it is time to
// remove what deliveries that died have left.
func (s *session) read(ctx context.Context, dir *maildir.Dir) (*listing, error) {
	_, _ = dir.CleanTmp(0) // what stays does no harm, and is met again
	listed, err := dir.List(ctx)
	if err != nil {
		return nil, err
	}
	l := &listing{infos: make([]pop3.Info, 0, len(listed)), files: make([]file, 0, len(listed))}
	last := s.store.listings.last(s.folder)
	var wrong keys
	for _, e := range listed {
		if s.wrong[e.Key] {
			wrong = wrong.with(e.Key)
			e.CRLFSize = -1
		} else if e.CRLFSize < 0 {
			e.CRLFSize = last.size(e)
		}
		if e.CRLFSize < 0 {
			e.CRLFSize, err = dir.Count(ctx, e)
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed since
			}
			if unreadable(err) {
				wrong = wrong.with(e.Key)
				e.CRLFSize, err = max(e.Size, 0), nil
			}
			if err != nil {
				// So that the next login need not count these again: else nobody ever
				// came to the end of more mail than can be counted in one.
				s.store.listings.put(s.folder, l)
				return nil, err
			}
		}
		l.infos = append(l.infos, pop3.Info{UID: uid(e.Key), Size: e.CRLFSize, UTF8: e.UTF8})
		l.files = append(l.files, file{name: e.Name, flags: e.Flags, size: e.Size, key: int32(len(e.Key)), new: e.New, twin: e.Twin})
	}
	s.wrong = wrong // of those that are gone nothing is kept
	return l, nil
}

// unreadable says that one message cannot be read as things are, and nothing is wrong
// with the others. It is listed by the size that it has on the disk: whoever asks for it
// is told, may delete it, and gets the others. The next login tries again to count it.
func unreadable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.EIO)
}
