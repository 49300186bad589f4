package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// errRestless is the error for a message that another program renames faster than we
// can follow.
var errRestless = errors.New("maildir: message was renamed again and again")

// Remove removes messages and returns when that is durable. A message that is gone
// already is no error; one that was renamed since it was listed is found, and one that
// may have been replaced is left, and is a *ReplacedError when all others are removed.
// The states:
//
//	R1  all files are there
//	R2  some files are unlinked
//	R3  all files are unlinked, and new is synced, and cur if any were there: Remove
//	    returns nil
//
// A crash before R3 leaves any of the messages, whole. After an error the same may be
// so; Remove may be called again. Once ctx has ended Remove refuses to begin, and to
// look for what was renamed.
func (d *Dir) Remove(ctx context.Context, entries ...Entry) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	return d.takeAway(ctx, entries, func(e Entry) error { return d.fs.remove(e.path()) })
}

// begin refuses to change anything once ctx has ended, or when it could not be made
// durable.
func (d *Dir) begin(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := d.usable(); err != nil {
		return fmt.Errorf("maildir: %w", err)
	}
	return nil
}

// takeAway has take remove each message from where its entry says it is, or from where
// it has been moved. It syncs the folders of before, and then new and cur.
//
// New is synced although all files were in cur: a mail reader may have moved them there,
// and without that they could be back after a crash.
func (d *Dir) takeAway(ctx context.Context, entries []Entry, take func(Entry) error, before ...string) error {
	var (
		fromCur  bool
		replaced *ReplacedError
	)
	left := entries
	for range maxMoves {
		lost, cur, err := takeEach(left, take)
		if err != nil {
			return err
		}
		fromCur = fromCur || cur
		if left = nil; len(lost) == 0 {
			break
		}
		fromCur = true // what others removed shall be durable too
		var other *ReplacedError
		if left, other, err = d.find(ctx, lost); err != nil {
			return err
		}
		if other != nil {
			replaced = other
		}
		if len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		return errRestless
	}
	dirs := append(before, dirNew)
	if fromCur {
		dirs = append(dirs, dirCur)
	}
	if err := d.syncDirs(dirs); err != nil || replaced == nil {
		return err
	}
	return replaced
}

// takeEach gives the entries of messages that are not where they were, or may be
// elsewhere too, and says whether any were in cur.
func takeEach(entries []Entry, take func(Entry) error) (lost []Entry, fromCur bool, err error) {
	for _, e := range entries {
		err := take(e)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			lost = append(lost, e)
		case err != nil:
			return nil, false, fmt.Errorf("maildir: %w", err)
		case e.Twin:
			lost = append(lost, e)
		}
		fromCur = fromCur || !e.New
	}
	return lost, fromCur, nil
}

func (d *Dir) syncDirs(dirs []string) error {
	for _, dir := range dirs {
		if err := d.syncDir(dir); err != nil {
			return fmt.Errorf("maildir: %w", err)
		}
	}
	return nil
}

// FlagError is the error of Dir.SetFlags for flags that are not ASCII letters.
type FlagError struct{ Flags string }

func (e *FlagError) Error() string { return fmt.Sprintf("maildir: bad flags %q", e.Flags) }

// SetFlags moves a message to cur, if it is not there, with these flags instead of
// those it has, and gives its entry as it is then. The change is not synced: after a
// crash the message may stand under its old name.
func (d *Dir) SetFlags(ctx context.Context, e Entry, flags string) (Entry, error) {
	for i := range len(flags) {
		if !isLetter(flags[i]) {
			return Entry{}, &FlagError{Flags: flags}
		}
	}
	for range maxMoves {
		moved := e
		moved.Name, moved.New, moved.Flags = e.base()+":2,"+sortFlags(flags), false, sortFlags(flags)
		err := d.fs.rename(e.path(), moved.path())
		if err == nil {
			return moved, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Entry{}, fmt.Errorf("maildir: %w", err)
		}
		if e, err = d.findOne(ctx, e); err != nil {
			return Entry{}, err
		}
	}
	return Entry{}, errRestless
}
