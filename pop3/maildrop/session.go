package maildrop

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// session is one user's Maildir as it was when List was called.
type session struct {
	store   *Maildir
	folder  string
	lock    *maildir.Lock // nil when the user has no Maildir yet
	listing *listing
	moved   map[string]maildir.Entry // by unique-id: as the files are called now; nil if they are as listed
	hidden  map[string]bool          // unique-ids
	wrong   keys                     // messages whose names tell a wrong size

	yielded, closed bool // guarded by store.mu

	dir   *maildir.Dir  // nil while it is closed; guarded by store.shelf.mu, as all below
	place *list.Element // on the shelf, of dir
	inUse bool          // dir is, and stays open
}

var _ pop3.Yielder = (*session)(nil)

// List lists the messages.
func (s *session) List(ctx context.Context) ([]pop3.Info, error) {
	if s.lock == nil {
		s.listing = &nothing
		return nil, nil
	}
	dir, err := s.open()
	if err != nil {
		return nil, err
	}
	defer s.rest()
	if s.listing, err = s.list(ctx, dir); err != nil {
		return nil, err
	}
	infos, err := s.visible(dir)
	return infos[:min(len(infos), s.store.maxMessages())], err
}

// Message opens a message, wherever its file is by now.
func (s *session) Message(ctx context.Context, m pop3.Info) (io.ReadCloser, error) {
	e, err := s.entry(m)
	if err != nil {
		return nil, err
	}
	dir, err := s.open()
	if err != nil {
		return nil, err
	}
	defer s.rest()
	r, err := dir.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	if r.Entry().Name != e.Name {
		// A mail reader has been here: it will have moved others too.
		if err := s.refresh(ctx, dir); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return &reader{Reader: r, left: m.Size, session: s, key: e.Key}, nil
}

// lied notes that the name of a message told a wrong size.
func (s *session) lied(key string) {
	s.wrong = s.wrong.with(key)
}

// refresh learns the names that the files have now.
func (s *session) refresh(ctx context.Context, dir *maildir.Dir) error {
	listed, err := dir.List(ctx)
	if err != nil {
		return err
	}
	moved := make(map[string]maildir.Entry, len(listed))
	for _, e := range listed {
		// One that came since may have the key that another had alone, and must not be
		// taken for it.
		id := uid(e.Key)
		if i, ok := s.listing.find(id); ok && s.listing.is(i, e) {
			moved[id] = e
		}
	}
	s.moved = moved
	return nil
}

// base is what of the name of a file stays the same: what is before the colon.
func base(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Commit removes the messages, durably.
func (s *session) Commit(ctx context.Context, deleted []pop3.Info) error {
	if len(deleted) == 0 {
		return nil
	}
	dir, err := s.open()
	if err != nil {
		return err
	}
	defer s.rest()
	return s.remove(ctx, dir, deleted)
}

func (s *session) entriesOf(messages []pop3.Info) ([]maildir.Entry, error) {
	entries := make([]maildir.Entry, len(messages))
	for i, m := range messages {
		var err error
		if entries[i], err = s.entry(m); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func (s *session) entry(m pop3.Info) (maildir.Entry, error) {
	if s.listing != nil && !s.closed {
		if i, ok := s.listing.find(m.UID); ok {
			if e, ok := s.moved[m.UID]; ok {
				return e, nil
			}
			return s.listing.entry(i), nil
		}
	}
	return maildir.Entry{}, fmt.Errorf("maildrop: no message %q in this session", m.UID)
}

// Close lets others open the maildrop.
func (s *session) Close() error {
	if s.closed {
		return nil
	}
	defer s.store.release(s)
	if s.lock == nil {
		return nil
	}
	return errors.Join(s.lock.Close(), s.store.shelf.close(s))
}

// maxUID is the octets that a unique-id may have: RFC 1939 section 7.
const maxUID = 70

// uid makes a unique-id of a Maildir key: the key itself, or its digest when it has
// octets that no unique-id may have, or too many of them.
func uid(key string) string {
	fits := len(key) > 0 && len(key) <= maxUID
	for i := range len(key) {
		// RFC 1939 section 7: one to 70 characters in the range 0x21 to 0x7E.
		fits = fits && key[i] >= 0x21 && key[i] <= 0x7E
	}
	if fits {
		return key
	}
	digest := sha256.Sum256([]byte(key))
	return hex.EncodeToString(digest[:20])
}
