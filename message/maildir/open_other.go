//go:build !linux

package maildir

import (
	"errors"
	"io/fs"
	"os"
)

// folders are nothing here.
type folders struct{}

func (folders) close() {}

// open opens a file, and nothing else: what was one when it was listed may be a pipe by
// now.
func (f *rootFS) open(name string) (diskReader, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return sizedFile{file, info.Size()}, nil
}

// sizedFile is a file with the size that it had when it was opened.
type sizedFile struct {
	*os.File
	size int64
}

func (f sizedFile) Size() int64 { return f.size }
