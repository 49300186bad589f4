package maildir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// The three folders of a Maildir.
const (
	dirTmp = "tmp"
	dirNew = "new"
	dirCur = "cur"
)

// readBatch is how many directory entries are read at a time.
const readBatch = 1024

// fsys is what a Dir asks of the file system. Names are relative to the Maildir:
// "new/1234.M5.host".
type fsys interface {
	mkdir(name string) error              // nil when the folder is there already
	create(name string) (diskFile, error) // fails when the name exists
	open(name string) (diskReader, error)
	openLock(name string) (*os.File, error)
	isLock(name string, file *os.File) (bool, error)   // says whether openLock would open this file
	readFile(name string, limit int64) ([]byte, error) // fails with ErrTooLarge beyond limit octets
	rename(oldName, newName string) error
	remove(name string) error
	// list calls yield with the name and the size of each file of the folder, until
	// yield fails. The size is -1 of what was in the folder when it was read, and had
	// another name or none when the size was asked for.
	list(dir string, yield func(name string, size int64) error) error
	modTime(name string) (time.Time, error)
	stamp(dir string) (stamp, error)
	// syncDir and syncPath fail with a *syncError if fsync did. syncPath makes durable
	// that the Maildir can be found.
	syncDir(name string) error
	syncPath() error
	close() error
}

// diskFile is a file being written.
type diskFile interface {
	io.Writer
	Sync() error
	Close() error
}

// diskReader is a file being read.
type diskReader interface {
	io.ReadCloser
	Size() int64 // when it was opened
}

// rootFS is the real thing.
type rootFS struct {
	root *os.Root // the Maildir
	base *os.Root // a folder above it, or nil
	path []string // the folders to sync, relative to base, so that root can be found after a crash

	folders folders
}

// openPath opens the Maildir at a path of the host's, which may be a symbolic link. Its
// parent must exist.
func openPath(name string) (*rootFS, error) {
	name, err := filepath.Abs(name) // so that "." has a parent
	if err != nil {
		return nil, err
	}
	made := os.Mkdir(name, 0o700)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return nil, made
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	base, err := os.OpenRoot(filepath.Dir(name))
	if errors.Is(err, fs.ErrPermission) && made != nil {
		return &rootFS{root: root}, nil // who may not read the parent did not make the folder
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &rootFS{root: root, base: base, path: []string{"."}}, nil
}

// openBeneath opens the Maildir called name beneath base, creating it and the folders
// between.
func openBeneath(base *os.Root, name string) (*rootFS, error) {
	if !filepath.IsLocal(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	name = path.Clean(name)
	if err := base.MkdirAll(name, 0o700); err != nil {
		return nil, err
	}
	root, err := base.OpenRoot(folderPath(name))
	if err != nil {
		return nil, err
	}
	own, err := base.OpenRoot(".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	f := &rootFS{root: root, base: own}
	for name != "." {
		name = path.Dir(name)
		f.path = append(f.path, name)
	}
	return f, nil
}

func (f *rootFS) mkdir(name string) error {
	if err := f.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (f *rootFS) create(name string) (diskFile, error) {
	return f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// openLock opens a file beside the folders, and makes it if need be.
func (f *rootFS) openLock(name string) (*os.File, error) {
	return f.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
}

func (f *rootFS) isLock(name string, file *os.File) (bool, error) {
	mine, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := f.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(mine, there), err
}

// readFile reads a file, and nothing else: whoever owns the Maildir may have put a pipe
// there, or a file without end.
func (f *rootFS) readFile(name string, limit int64) ([]byte, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	case info.Size() > limit:
		return nil, &fs.PathError{Op: "read", Path: name, Err: ErrTooLarge}
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(file, data)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it has become shorter
	}
	return data[:n], err
}

func (f *rootFS) rename(oldName, newName string) error { return f.root.Rename(oldName, newName) }

func (f *rootFS) remove(name string) error { return f.root.Remove(name) }

func (f *rootFS) list(dir string, yield func(name string, size int64) error) error {
	folder, err := openFolder(f.root, dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	var root *os.Root // of dir; not opened for one that is empty, as new and tmp often are
	for {
		// Not ReadDir, which says nothing of a file that is renamed between the reading
		// of its name and of its size.
		names, err := folder.Readdirnames(readBatch)
		if root == nil && len(names) > 0 {
			var err error
			if root, err = f.root.OpenRoot(folderPath(dir)); err != nil {
				return err
			}
			defer root.Close()
		}
		for _, name := range names {
			size, err := regularSize(root, name)
			if errors.Is(err, fs.ErrInvalid) {
				continue
			}
			if err == nil {
				err = yield(name, size)
			}
			if err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// regularSize gives -1 for what is not there, and fs.ErrInvalid for what is no file: a
// device or a pipe in the folder would stop whoever opens it.
func regularSize(folder *os.Root, name string) (int64, error) {
	info, err := folder.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, fs.ErrInvalid
	}
	return info.Size(), nil
}

func (f *rootFS) modTime(name string) (time.Time, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (f *rootFS) stamp(dir string) (stamp, error) {
	info, err := f.root.Stat(dir) // of what a link leads to, as list reads that
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime().UnixNano(), noted(info)}, nil
}

func (f *rootFS) syncDir(name string) error { return syncFolder(f.root, name) }

func (f *rootFS) syncPath() error {
	for _, name := range f.path {
		if err := syncFolder(f.base, name); err != nil {
			return err
		}
	}
	return nil
}

func (f *rootFS) close() error {
	f.folders.close()
	if f.base == nil {
		return f.root.Close()
	}
	return errors.Join(f.root.Close(), f.base.Close())
}

// openFolder opens a folder. To open a pipe, which whoever owns the Maildir may have put
// in its place, would wait for somebody to open the other end.
func openFolder(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|nonblock, 0)
}

// folderPath is a path by which nothing but a folder can be opened, for the same reason.
func folderPath(name string) string { return name + "/." }

func syncFolder(root *os.Root, name string) error {
	folder, err := openFolder(root, name)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return &syncError{err: err}
	}
	return nil
}

// syncError is a failure of the fsync of a folder, as opposed to one of opening it.
type syncError struct{ err error }

func (e *syncError) Error() string { return "sync of a folder: " + e.err.Error() }

func (e *syncError) Unwrap() error { return e.err }
