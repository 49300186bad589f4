package maildir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
)

// ErrLocked is the error for a lock that somebody else has, or has had.
var ErrLocked = errors.New("maildir: locked")

// Lock is a hold on a Maildir against all who ask for a Lock of the same name, in this process and in others on this
// host. It restrains nobody else: Maildirs need no locks for delivery and reading. The system frees it when the
// process dies, so that there are no stale ones. It is used by one goroutine at a time.
//
// The states:
//
//	held     nobody else can have it
//	yielded  anybody can
//	lost     somebody has, or had: Resume fails
//
// On file systems that know no locks (flock), and where the lock's file cannot be made because there is no room or
// no right to write, Dir.Lock succeeds without one.
type Lock struct {
	file  *os.File // nil where locks are not to be had
	token [16]byte // what the file holds since we have the lock
}

// Lock takes the lock called name, a file beside tmp, new and cur. The error is ErrLocked when somebody has it; it does
// not wait.
func (d *Dir) Lock(name string) (*Lock, error) {
	file, err := d.fs.openLock(name)
	if cannotLock(err) {
		return new(Lock), nil
	}
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	l := &Lock{file: file}
	switch err := flock(file); {
	case cannotLock(err):
		return new(Lock), file.Close()
	case err != nil:
		return nil, errors.Join(err, file.Close())
	}
	// Whoever had the lock before us, and yielded it, sees by this that it is lost. If it cannot be written because
	// the disk is full, that one will not know, and find that messages are gone.
	_, _ = rand.Read(l.token[:]) // never fails
	if _, err := file.WriteAt(l.token[:], 0); err != nil && !cannotLock(err) {
		return nil, errors.Join(fmt.Errorf("maildir: %w", err), file.Close())
	}
	return l, nil
}

// Yield lets others take the lock.
func (l *Lock) Yield() error {
	if l.file == nil {
		return nil
	}
	return funlock(l.file)
}

// Resume takes a lock back that was yielded. The error is ErrLocked when somebody has it, or has had it since.
func (l *Lock) Resume() error {
	if l.file == nil {
		return nil
	}
	if err := flock(l.file); err != nil {
		return err
	}
	var token [len(l.token)]byte
	if _, err := l.file.ReadAt(token[:], 0); err != nil || token != l.token {
		return errors.Join(ErrLocked, funlock(l.file))
	}
	return nil
}

// Close gives the lock back. To close the file is not enough: a process that is being started has it open too, for a
// moment.
func (l *Lock) Close() error {
	if l.file == nil {
		return nil
	}
	return errors.Join(funlock(l.file), l.file.Close())
}
