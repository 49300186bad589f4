package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Move moves messages into a Maildir++ folder of this Maildir and returns when that is
// durable: into cur of ".Trash", if folder is "Trash". The folder is made if it is not
// there. What is gone, renamed or replaced is treated as by Remove. The states:
//
//	M1  all files are where they were
//	M2  the folder is there, and synced
//	M3  some files are renamed, each at once
//	M4  all are, and the folder's cur is synced
//	M5  new and cur are synced: Move returns nil
//
// A crash before M5 leaves each message, whole, where it was, or in the folder, or in
// both. After an error the same may be so; Move may be called again. A message in the
// folder is never replaced. Once ctx has ended Move refuses to begin, and to look for
// what was renamed.
func (d *Dir) Move(ctx context.Context, folder string, entries ...Entry) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	cur, err := d.makeFolder(folder)
	if err != nil {
		return fmt.Errorf("maildir: folder %q: %w", folder, err)
	}
	return d.takeAway(ctx, entries, func(e Entry) error {
		return d.fs.rename(e.path(), d.freeName(cur, e))
	}, cur)
}

// freeName is the path of a message in cur of a folder: its own name, unless that is taken.
func (d *Dir) freeName(cur string, e Entry) string {
	name := e.base() + ":2," + e.Flags
	if _, err := d.fs.modTime(cur + "/" + name); err == nil {
		name = d.uniqueName() + strings.TrimPrefix(e.base(), e.Key) + ":2," + e.Flags
	}
	return cur + "/" + name
}

// makeFolder makes a folder durable, if it is not yet, and gives the path of its cur.
func (d *Dir) makeFolder(folder string) (cur string, err error) {
	if folder == "" || strings.ContainsAny(folder, "/\x00") {
		return "", fs.ErrInvalid
	}
	top := "." + folder
	for _, name := range []string{top, top + "/" + dirTmp, top + "/" + dirNew, top + "/" + dirCur} {
		if err := d.fs.mkdir(name); err != nil {
			return "", err
		}
	}
	// The mark by which a Maildir++ folder is told from a Maildir. One that is lost is
	// made again.
	mark, err := d.fs.create(top + "/maildirfolder")
	if err == nil {
		err = mark.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	for _, name := range []string{top, "."} {
		if err := d.syncDir(name); err != nil {
			return "", err
		}
	}
	return top + "/" + dirCur, nil
}
