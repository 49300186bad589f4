package maildrop

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// Removal is what becomes of the messages that a client deletes. Whatever it is, it is
// durable when the client reads the answer to QUIT.
type Removal int

const (
	// Expunge removes them from the disk.
	Expunge Removal = iota
	// Hide leaves them where they are, for other mail readers, and shows them to no POP
	// client any more. Their unique-ids are kept in the file "pop3-hidden" of the
	// Maildir. All of a session's deletions come about, or none.
	Hide
	// MoveToTrash moves them into the folder Maildir.Trash.
	MoveToTrash
)

// hiddenName is the file of the unique-ids that are hidden, a line for each.
const hiddenName = "pop3-hidden"

func (m *Maildir) trash() string {
	if m.Trash == "" {
		return "Trash"
	}
	return m.Trash
}

// check refuses what cannot be done.
func (r Removal) check(trash string) error {
	switch r {
	case Expunge, Hide:
		return nil
	case MoveToTrash:
		return checkName(trash)
	}
	return errors.New("maildrop: unknown Removal")
}

// remove does with the messages what Maildir.Removal says.
func (s *session) remove(ctx context.Context, dir *maildir.Dir, deleted []pop3.Info) error {
	if s.store.Removal == Hide {
		return s.hide(ctx, dir, deleted)
	}
	entries, err := s.entriesOf(deleted)
	if err != nil {
		return err
	}
	if s.store.Removal == MoveToTrash {
		return dir.Move(ctx, s.store.trash(), entries...)
	}
	return dir.Remove(ctx, entries...)
}

// hide adds messages to those hidden; of those that are gone from the Maildir nothing
// is kept.
func (s *session) hide(ctx context.Context, dir *maildir.Dir, deleted []pop3.Info) error {
	if _, err := s.entriesOf(deleted); err != nil {
		return err
	}
	gone := make(map[string]bool, len(deleted))
	for _, m := range deleted {
		gone[m.UID] = true
	}
	var lines strings.Builder
	for _, info := range s.listing.infos {
		if gone[info.UID] || s.hidden[info.UID] {
			lines.WriteString(info.UID)
			lines.WriteByte('\n')
		}
	}
	return dir.Save(ctx, hiddenName, []byte(lines.String()))
}

// visible gives the messages that are not hidden.
func (s *session) visible(dir *maildir.Dir) ([]pop3.Info, error) {
	if s.store.Removal != Hide {
		return s.listing.infos, nil
	}
	text, err := dir.Load(hiddenName)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(text) == 0 {
		return s.listing.infos, nil
	}
	if err != nil {
		return nil, err
	}
	s.hidden = map[string]bool{}
	for line := range strings.Lines(string(text)) {
		uid := strings.TrimSuffix(line, "\n")
		if _, ok := s.listing.find(uid); ok {
			s.hidden[uid] = true
		}
	}
	infos := make([]pop3.Info, 0, len(s.listing.infos))
	for _, info := range s.listing.infos {
		if !s.hidden[info.UID] {
			infos = append(infos, info)
		}
	}
	return infos, nil
}
