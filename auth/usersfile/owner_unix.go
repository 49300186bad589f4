//go:build unix

package usersfile

import (
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file to whom the old one belongs: root changes it, and the server
// reads it.
func keepOwner(f *os.File, old fs.FileInfo) error {
	have, err := f.Stat()
	if err != nil {
		return err
	}
	was, ok := old.Sys().(*syscall.Stat_t)
	is, ok2 := have.Sys().(*syscall.Stat_t)
	if !ok || !ok2 || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	return f.Chown(int(was.Uid), int(was.Gid))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
