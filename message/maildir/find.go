package maildir

import (
	"context"
	"fmt"
	"io/fs"
)

// ReplacedError is the error for a message that is gone, and in whose place stands a
// file with its key and other fields: another program has given its file that name, or
// has put another message there. Nobody can tell which. When the Maildir is listed
// again, the file is a message like any other.
type ReplacedError struct {
	Key  string // of the message
	Name string // of the file
}

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("maildir: message %q may be %q now", e.Key, e.Name)
}

// Unwrap gives fs.ErrNotExist.
func (e *ReplacedError) Unwrap() error { return fs.ErrNotExist }

// find looks for messages whose files were renamed: it gives those that are there, as
// they are called now, and says if one of the others was replaced. It tells messages by
// their names up to the colon, which no change of flags changes.
func (d *Dir) find(ctx context.Context, lost []Entry) (found []Entry, replaced *ReplacedError, err error) {
	listed, err := d.List(ctx)
	if err != nil {
		return nil, nil, err
	}
	now, byKey := make(map[string]Entry, len(listed)), make(map[string]string, len(listed))
	for _, e := range listed {
		now[e.base()] = e
		key, _ := cutFields(e.base())
		byKey[key] = e.Name
	}
	for _, e := range lost {
		if moved, ok := now[e.base()]; ok {
			moved.Key = e.Key
			found = append(found, moved)
		} else if name, ok := byKey[e.Key]; ok {
			replaced = &ReplacedError{Key: e.Key, Name: name}
		}
	}
	return found, replaced, nil
}

// findOne is find for one message, which is an error that is fs.ErrNotExist if it is gone.
func (d *Dir) findOne(ctx context.Context, lost Entry) (Entry, error) {
	found, replaced, err := d.find(ctx, []Entry{lost})
	switch {
	case err != nil:
		return Entry{}, err
	case len(found) > 0:
		return found[0], nil
	case replaced != nil:
		return Entry{}, replaced
	}
	return Entry{}, fmt.Errorf("maildir: message %q: %w", lost.Key, fs.ErrNotExist)
}
