package maildir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
)

// ErrLocked is the error for a lock that somebody else has, or has had.
var ErrLocked = errors.New("maildir: locked")

// Lock is a hold on a Maildir against all who ask for a Lock of the same name, in this
// process and in others on this host. It restrains nobody else: Maildirs need no locks
// for delivery and reading. The system frees it when the process dies, so that there
// are no stale ones. It needs no Dir to be open, and is used by one goroutine at a
// time.
//
// The states:
//
//	held     nobody else can have it; it takes one descriptor
//	yielded  anybody can; it takes none
//	lost     somebody has, or had: Resume fails
//
// On file systems that know no locks (flock), and where the lock's file cannot be made
// because there is no room or no right to write, Dir.Lock succeeds without one.
type Lock struct {
	name    string
	file    *os.File // nil where locks are not to be had, and while it is yielded
	yielded bool
	token   [16]byte // what the file holds since we have the lock
}

// Lock takes the lock called name, a file beside tmp, new and cur. The error is
// ErrLocked when somebody has it; it does not wait.
func (d *Dir) Lock(name string) (*Lock, error) {
	file, err := d.openLock(name)
	if cannotLock(err) {
		return new(Lock), nil
	}
	if err != nil {
		return nil, err
	}
	l := &Lock{name: name, file: file}
	// Whoever had the lock before us, and yielded it, sees by this that it is lost. If
	// it cannot be written because the disk is full, that one will not know, and find
	// that messages are gone.
	_, _ = rand.Read(l.token[:]) // never fails
	if _, err := file.WriteAt(l.token[:], 0); err != nil && !cannotLock(err) {
		return nil, errors.Join(fmt.Errorf("maildir: %w", err), file.Close())
	}
	return l, nil
}

// openLock opens the file of a lock and locks it.
func (d *Dir) openLock(name string) (*os.File, error) {
	file, err := d.fs.openLock(name)
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	if err := flock(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Yield lets others take the lock.
func (l *Lock) Yield() error {
	if l.file == nil {
		return nil
	}
	if err := funlock(l.file); err != nil {
		return err
	}
	_ = l.file.Close() // nothing depends on it
	l.file, l.yielded = nil, true
	return nil
}

// Resume takes a lock back that was yielded. d is the Maildir, perhaps opened anew. The
// error is ErrLocked when somebody has the lock, or has had it since.
func (l *Lock) Resume(d *Dir) error {
	if !l.yielded {
		return nil
	}
	file, err := d.openLock(l.name)
	if cannotLock(err) {
		return errors.Join(ErrLocked, err) // nobody knows who had it
	}
	if err != nil {
		return err
	}
	var token [len(l.token)]byte
	if _, err := file.ReadAt(token[:], 0); err != nil || token != l.token {
		return errors.Join(ErrLocked, funlock(file), file.Close())
	}
	l.file, l.yielded = file, false
	return nil
}

// Guards says whether d, opened anew, is the Maildir whose lock l is: the error is
// ErrLocked if it is another one by now, or its lock. A lock that is yielded, or was
// not to be had, does not know.
func (l *Lock) Guards(d *Dir) error {
	if l.file == nil {
		return nil
	}
	same, err := d.fs.isLock(l.name, l.file)
	if err == nil && !same {
		err = ErrLocked
	}
	return err
}

// Close gives the lock back. To close the file is not enough: a process that is being
// started has it open too, for a moment.
func (l *Lock) Close() error {
	l.yielded = false
	if l.file == nil {
		return nil
	}
	return errors.Join(funlock(l.file), l.file.Close())
}
