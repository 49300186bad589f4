package maildir

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// ErrTooLarge is the error of Dir.Save and Dir.Load for a file of more than 128 octets
// for each message that there may be: DefaultMaxEntries, or Dir.MaxEntries if that is
// more.
var ErrTooLarge = errors.New("maildir: file is too large")

// saveLimit is the octets that a file of Save's may have.
func (d *Dir) saveLimit() int64 {
	return 128 * min(int64(max(d.MaxEntries, DefaultMaxEntries)), math.MaxInt32)
}

// Save writes a file beside tmp, new and cur, for what a program has to remember of a
// Maildir, and returns when that is durable. The states:
//
//	F1  the file is as it was, or is not there
//	F2  tmp/T is being written
//	F3  tmp/T is whole and synced
//	F4  the file is the new one
//	F5  as F4, and the Maildir's own folder is synced: Save returns nil
//
// A crash leaves the file as it was, or the new one, whole. After an error the same may
// be so. Once ctx has ended Save refuses to begin.
func (d *Dir) Save(ctx context.Context, name string, data []byte) error {
	if err := d.begin(ctx); err != nil {
		return err
	}
	if int64(len(data)) > d.saveLimit() {
		return ErrTooLarge
	}
	tmp := dirTmp + "/" + d.uniqueName()
	file, err := d.fs.create(tmp)
	if err != nil {
		return fmt.Errorf("maildir: %w", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = d.fs.rename(tmp, name) // F3 to F4
	}
	if err != nil {
		return fmt.Errorf("maildir: %w", errors.Join(err, d.fs.remove(tmp)))
	}
	if err := d.syncDir("."); err != nil {
		return fmt.Errorf("maildir: %w", err)
	}
	return nil
}

// Load reads a file of Save's. The error is fs.ErrNotExist if there is none, and
// ErrTooLarge for one that Save cannot have written.
func (d *Dir) Load(name string) ([]byte, error) {
	data, err := d.fs.readFile(name, d.saveLimit())
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	return data, nil
}
