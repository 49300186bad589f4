//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package maildir

import (
	"errors"
	"os"
)

var errNoLocks = errors.New("maildir: no locks on this system")

func flock(*os.File) error      { return errNoLocks }
func funlock(*os.File) error    { return nil }
func cannotLock(err error) bool { return errors.Is(err, errNoLocks) }
