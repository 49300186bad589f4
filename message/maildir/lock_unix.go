//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package maildir

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// flock locks an open file, or fails with ErrLocked.
func flock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		default:
			return fmt.Errorf("maildir: flock: %w", err)
		}
	}
}

func funlock(file *os.File) error {
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_UN); err != nil {
		return fmt.Errorf("maildir: flock: %w", err)
	}
	return nil
}

// cannotLock tells the errors for which there is no lock to be had here.
func cannotLock(err error) bool {
	for _, errno := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES, syscall.ENOLCK, syscall.EOPNOTSUPP, syscall.ENOSYS,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
