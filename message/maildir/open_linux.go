package maildir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
)

// folders are new and cur, open to be read from: a path beneath a Root is walked anew
// for each file, which costs more than to read one.
type folders struct{ new, cur atomic.Pointer[os.File] }

func (f *folders) of(dir string) *atomic.Pointer[os.File] {
	switch dir {
	case dirNew:
		return &f.new
	case dirCur:
		return &f.cur
	}
	return nil
}

// open opens a file of new or cur, and nothing else: what was one when it was listed
// may be a pipe by now, or a link.
func (f *rootFS) open(name string) (diskReader, error) {
	dir, base, _ := strings.Cut(name, "/")
	folder := f.folders.of(dir)
	if folder == nil || strings.Contains(base, "/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	opened := folder.Load()
	if opened == nil {
		root, err := openFolder(f.root, dir)
		if err != nil {
			return nil, err
		}
		if !folder.CompareAndSwap(nil, root) {
			_ = root.Close() // another goroutine was faster
		}
		opened = folder.Load()
	}
	file, err := openAt(opened, base)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file, nil
}

func openAt(folder *os.File, name string) (*rawFile, error) {
	const flags = syscall.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	for {
		fd, err := syscall.Openat(int(folder.Fd()), name, flags, 0)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var stat syscall.Stat_t
		err = syscall.Fstat(fd, &stat)
		if err == nil && stat.Mode&syscall.S_IFMT != syscall.S_IFREG {
			err = fs.ErrInvalid
		}
		if err != nil {
			_ = syscall.Close(fd)
			return nil, err
		}
		return &rawFile{fd: fd, size: stat.Size}, nil
	}
}

func (f *folders) close() {
	for _, p := range []*atomic.Pointer[os.File]{&f.new, &f.cur} {
		if file := p.Load(); file != nil {
			_ = file.Close()
		}
	}
}

// rawFile is an open file without the machinery of os.File, which costs as much as a
// small message.
type rawFile struct {
	fd   int // -1 when closed
	size int64
}

// Size is the size that the file had when it was opened.
func (f *rawFile) Size() int64 { return f.size }

func (f *rawFile) Read(p []byte) (int, error) {
	if f.fd < 0 {
		return 0, fs.ErrClosed
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := syscall.Read(f.fd, p)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (f *rawFile) Close() error {
	if f.fd < 0 {
		return fs.ErrClosed
	}
	fd := f.fd
	f.fd = -1
	return os.NewSyscallError("close", syscall.Close(fd))
}
