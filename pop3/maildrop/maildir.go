package maildrop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/elastic"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// Maildir is a pop3.Store over a tree of Maildirs, and delivers into it. Its methods
// are safe for concurrent use; its fields are set before the first of them is called,
// and it is not copied after.
type Maildir struct {
	// Root is the folder beneath which the Maildirs are. It must exist. No name and no
	// symbolic link leads out of it.
	Root string
	// Folder gives the folder of a user's Maildir beneath Root, as "example.org/alice".
	// Zero: it is called as the user is, by Identity.Name, which must then be a single
	// plain name. Whatever Folder gives, an element that is empty, begins with a dot,
	// or holds a backslash, a colon or a control character is refused with a
	// *NameError.
	Folder func(id *auth.Identity) string
	// CRLF stores delivered messages with CRLF line ends. Zero: with LF.
	CRLF bool
	// Removal is what becomes of the messages that a client deletes. Zero: they are
	// removed from the disk.
	Removal Removal
	// Trash is the folder of MoveToTrash, a Maildir++ folder within the user's Maildir.
	// Zero: "Trash".
	Trash string
	// MaxMessages is how many messages a session sees: the first ones. The others show
	// when these are deleted, so that nobody is locked out by too much mail. Zero means
	// maildir.DefaultMaxEntries. A Maildir of more messages than both say is not read
	// at all.
	MaxMessages int

	mu       sync.Mutex
	holders  elastic.Map[string, *session] // by folder
	wrong    elastic.Map[string, keys]     // by folder: messages whose names tell a wrong size
	listings listings
	shelf    shelf
}

// keys are some messages of a Maildir.
type keys map[string]bool

// with adds a key.
func (k keys) with(key string) keys {
	if k == nil {
		k = keys{}
	}
	k[key] = true
	return k
}

var _ pop3.Store = (*Maildir)(nil)

// Open opens a user's maildrop. A user whose Maildir does not exist has an empty one.
func (m *Maildir) Open(_ context.Context, id *auth.Identity) (pop3.Maildrop, error) {
	folder, err := m.folder(id)
	if err != nil {
		return nil, err
	}
	if err := m.Removal.check(m.trash()); err != nil {
		return nil, err
	}
	s := &session{store: m, folder: folder}
	before, ok := m.take(s)
	if !ok {
		return nil, pop3.ErrInUse
	}
	err = s.hold()
	if err == nil {
		return s, nil
	}
	m.giveBack(s, before)
	if errors.Is(err, maildir.ErrLocked) {
		err = pop3.ErrInUse
	}
	return nil, err
}

// Deliver delivers a message into a user's Maildir, which is made if it does not exist,
// and returns when that is durable. It reads r up to io.EOF; after any other error
// nothing is delivered. Lines may end in CRLF or LF.
func (m *Maildir) Deliver(ctx context.Context, user string, r io.Reader) (maildir.Entry, error) {
	folder, err := m.folder(&auth.Identity{User: user, Name: user})
	if err != nil {
		return maildir.Entry{}, err
	}
	dir, err := m.openDir(folder, maildir.OpenBeneath)
	if err != nil {
		return maildir.Entry{}, err
	}
	defer dir.Close()
	return dir.Deliver(ctx, r)
}

func (m *Maildir) folder(id *auth.Identity) (string, error) {
	if m.Folder == nil {
		return id.Name, checkName(id.Name)
	}
	folder := m.Folder(id)
	return folder, checkFolder(folder)
}

// errNone says that a user has no Maildir.
var errNone = errors.New("maildrop: no Maildir")

// openDir opens a Maildir in one of two ways.
func (m *Maildir) openDir(folder string, open func(*os.Root, string) (*maildir.Dir, error)) (*maildir.Dir, error) {
	root, err := os.OpenRoot(m.Root)
	if err != nil {
		return nil, fmt.Errorf("maildrop: %w", err)
	}
	defer root.Close()
	dir, err := open(root, folder)
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(errNone, err)
	}
	if err != nil {
		return nil, err
	}
	dir.CRLF, dir.MaxEntries = m.CRLF, max(m.MaxMessages, maildir.DefaultMaxEntries)
	return dir, nil
}

func (m *Maildir) maxMessages() int {
	if m.MaxMessages <= 0 {
		return maildir.DefaultMaxEntries
	}
	return m.MaxMessages
}
