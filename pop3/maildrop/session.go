package maildrop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// session is one user's Maildir as it was when List was called.
type session struct {
	store   *Maildir
	folder  string
	dir     *maildir.Dir // nil when the user has none yet
	entries map[string]maildir.Entry
	wrong   keys // messages whose names tell a wrong size
	closed  bool
}

var _ pop3.Maildrop = (*session)(nil)

// List reads the names in the Maildir, and those files whose names do not tell their size, or were caught lying.
func (s *session) List(ctx context.Context) ([]pop3.Info, error) {
	s.entries = map[string]maildir.Entry{}
	if s.dir == nil {
		return nil, nil
	}
	listed, err := s.dir.List(ctx)
	if err != nil {
		return nil, err
	}
	infos := make([]pop3.Info, 0, len(listed))
	wrong := keys{}
	for _, e := range listed {
		if s.wrong[e.Key] {
			wrong[e.Key] = true
			e.CRLFSize = -1
		}
		if e.CRLFSize < 0 {
			e.CRLFSize, err = s.dir.Count(ctx, e)
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed since
			}
			if err != nil {
				return nil, err
			}
		}
		id := uid(e.Key)
		s.entries[id] = e
		infos = append(infos, pop3.Info{UID: id, Size: e.CRLFSize})
	}
	s.wrong = wrong // of those that are gone nothing is kept
	return infos, nil
}

// Message opens a message, wherever its file is by now.
func (s *session) Message(ctx context.Context, m pop3.Info) (io.ReadCloser, error) {
	e, err := s.entry(m)
	if err != nil {
		return nil, err
	}
	r, err := s.dir.Open(ctx, e)
	if err != nil {
		return nil, err
	}
	if r.Entry().Name != e.Name {
		// A mail reader has been here: it will have moved others too.
		if err := s.refresh(ctx); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return &reader{Reader: r, left: m.Size, wrong: func() { s.wrong[e.Key] = true }}, nil
}

// refresh learns the names that the files have now.
func (s *session) refresh(ctx context.Context) error {
	listed, err := s.dir.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range listed {
		// One that came since may have the key that another had alone, and must not be taken for it.
		if id := uid(e.Key); base(s.entries[id].Name) == base(e.Name) {
			s.entries[id] = e
		}
	}
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
	entries := make([]maildir.Entry, len(deleted))
	for i, m := range deleted {
		var err error
		if entries[i], err = s.entry(m); err != nil {
			return err
		}
	}
	return s.dir.Remove(ctx, entries...)
}

func (s *session) entry(m pop3.Info) (maildir.Entry, error) {
	e, ok := s.entries[m.UID]
	if !ok || s.closed {
		return maildir.Entry{}, fmt.Errorf("maildrop: no message %q in this session", m.UID)
	}
	return e, nil
}

// Close lets others open the maildrop.
func (s *session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	defer s.store.release(s.folder, s.wrong)
	if s.dir == nil {
		return nil
	}
	return s.dir.Close()
}

// maxUID is the octets that a unique-id may have: RFC 1939 section 7.
const maxUID = 70

// uid makes a unique-id of a Maildir key: the key itself, or its digest when it has octets that no unique-id may have,
// or too many of them.
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
