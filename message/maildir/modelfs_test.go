package maildir

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// modelFS is a file system in memory that knows what a loss of power may leave of it:
// of the contents of files what was synced, and perhaps more; of the entries of folders
// those that were synced, and any of the others.
type modelFS struct {
	folders map[string]map[string]*inode // as programs see them
	changes []*change                    // what made them so, in order
	changed time.Time

	calls  int
	failAt int          // the call that fails, counted from 1; 0: none
	errno  error        // how it fails
	after  func(string) // called after each call that changes anything, with what it was
}

// inode is a file.
type inode struct {
	data   []byte
	synced int  // so many octets are on the disk
	lied   bool // fsync failed once: the next ones do nothing, and succeed
}

// change is one entry added to a folder or removed from it.
type change struct {
	folder, name string
	file         *inode // nil: removed; a folder if isDir
	isDir        bool
	durable      bool
	lost         bool    // a failed fsync forgot it: it is never made durable
	needs        *change // on the disk before this one: the new name of a renamed file before the loss of the old
}

func newModelFS() *modelFS {
	m := &modelFS{folders: map[string]map[string]*inode{}, after: func(string) {}}
	m.makeRoot()
	return m
}

// makeRoot does what Open does when the Maildir is not there.
func (m *modelFS) makeRoot() { m.change(&change{folder: "..", name: ".", isDir: true}) }

func (m *modelFS) change(c *change) *change {
	m.changes = append(m.changes, c)
	m.apply(c)
	return c
}

func (m *modelFS) apply(c *change) {
	folder := m.folders[c.folder]
	if folder == nil {
		if folder = map[string]*inode{}; c.folder != ".." && !m.has(c.folder) {
			return // the folder did not survive
		}
		m.folders[c.folder] = folder
	}
	switch {
	case c.isDir:
		folder[c.name] = nil
	case c.file == nil:
		delete(folder, c.name)
	default:
		folder[c.name] = c.file
	}
}

// has says whether a folder exists.
func (m *modelFS) has(folder string) bool {
	if folder == "." {
		_, ok := m.folders[".."]["."]
		return ok
	}
	_, ok := m.folders[path.Dir(folder)][path.Base(folder)]
	return ok && m.has(path.Dir(folder))
}

// fail counts a call, and says how it fails.
func (m *modelFS) fail() error {
	if m.calls++; m.calls == m.failAt {
		return m.errno
	}
	return nil
}

func (m *modelFS) mkdir(name string) error {
	if err := m.fail(); err != nil {
		return err
	}
	if !m.has(name) {
		m.change(&change{folder: path.Dir(name), name: path.Base(name), isDir: true})
		m.after("mkdir " + name)
	}
	return nil
}

func (m *modelFS) lookup(name string) (*inode, error) {
	f, ok := m.folders[path.Dir(name)][path.Base(name)]
	if !ok || f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f, nil
}

func (m *modelFS) create(name string) (diskFile, error) {
	if err := m.fail(); err != nil {
		return nil, err
	}
	if _, err := m.lookup(name); err == nil {
		return nil, fs.ErrExist
	}
	if !m.has(path.Dir(name)) {
		return nil, fs.ErrInvalid
	}
	f := &inode{}
	m.change(&change{folder: path.Dir(name), name: path.Base(name), file: f})
	m.after("create")
	return &modelFile{fs: m, inode: f}, nil
}

func (m *modelFS) open(name string) (diskReader, error) {
	f, err := m.lookup(name)
	if err != nil {
		return nil, err
	}
	return modelReader{bytes.NewReader(f.data)}, nil
}

// modelReader has the Size of its bytes.Reader.
type modelReader struct{ *bytes.Reader }

func (modelReader) Close() error { return nil }

func (m *modelFS) readFile(name string, _ int64) ([]byte, error) {
	f, err := m.lookup(name)
	if err != nil {
		return nil, err
	}
	return f.data, nil
}

func (m *modelFS) openLock(string) (*os.File, error) { return nil, fs.ErrInvalid }

func (m *modelFS) isLock(string, *os.File) (bool, error) { return false, fs.ErrInvalid }

func (m *modelFS) rename(oldName, newName string) error {
	if err := m.fail(); err != nil {
		return err
	}
	f, err := m.lookup(oldName)
	if err != nil {
		return err
	}
	added := m.change(&change{folder: path.Dir(newName), name: path.Base(newName), file: f})
	if oldName != newName {
		m.change(&change{folder: path.Dir(oldName), name: path.Base(oldName), needs: added})
	}
	m.after("rename")
	return nil
}

func (m *modelFS) remove(name string) error {
	if err := m.fail(); err != nil {
		return err
	}
	if _, err := m.lookup(name); err != nil {
		return err
	}
	m.change(&change{folder: path.Dir(name), name: path.Base(name)})
	m.after("remove")
	return nil
}

func (m *modelFS) list(dir string, yield func(string, int64) error) error {
	if !m.has(dir) {
		return fs.ErrNotExist
	}
	for _, name := range slices.Sorted(maps.Keys(m.folders[dir])) {
		if err := yield(name, int64(len(m.folders[dir][name].data))); err != nil {
			return err
		}
	}
	return nil
}

func (m *modelFS) modTime(string) (time.Time, error) { return m.changed, nil }

func (m *modelFS) stamp(string) (stamp, error) { return stamp{modified: m.changed.UnixNano()}, nil }

func (m *modelFS) syncDir(name string) error {
	err := m.fail()
	if !m.has(name) && name != ".." {
		return fs.ErrNotExist
	}
	for _, c := range m.changes {
		if c.folder != name {
			continue
		}
		if err != nil && !c.durable {
			c.lost = true
		}
		if err == nil {
			c.settle()
		}
	}
	m.after("sync " + name)
	if err != nil {
		return &syncError{err: err}
	}
	return nil
}

func (c *change) settle() {
	if c.lost {
		return
	}
	if c.needs != nil {
		c.needs.settle()
	}
	c.durable = true
}

func (m *modelFS) syncPath() error { return m.syncDir("..") }

func (m *modelFS) close() error { return nil }

// crashes calls try with every state in which a loss of power could leave the file
// system now.
func (m *modelFS) crashes(try func(*modelFS)) {
	var open []*change
	for _, c := range m.changes {
		if !c.durable {
			open = append(open, c)
		}
	}
	for kept := range 1 << len(open) {
		survives := func(c *change) bool {
			i := slices.Index(open, c)
			return i < 0 || kept>>i&1 == 1
		}
		if slices.ContainsFunc(open, func(c *change) bool {
			return survives(c) && c.needs != nil && !survives(c.needs)
		}) {
			continue
		}
		for _, more := range []float64{0, 0.5, 1} { // how much of what was not synced is on the disk
			after := newModelFS()
			after.folders, after.changes = map[string]map[string]*inode{}, nil
			files := map[*inode]*inode{}
			for _, c := range m.changes {
				if !survives(c) {
					continue
				}
				again := *c
				again.needs, again.durable = nil, true
				if c.file != nil {
					if files[c.file] == nil {
						n := c.file.synced + int(more*float64(len(c.file.data)-c.file.synced))
						files[c.file] = &inode{data: c.file.data[:n:n], synced: n}
					}
					again.file = files[c.file]
				}
				after.change(&again)
			}
			try(after)
		}
	}
}

// settle makes all that is there durable.
func (m *modelFS) settle() {
	for _, c := range m.changes {
		c.durable, c.lost = true, false
	}
}

func (m *modelFS) names(dir string) []string { return slices.Sorted(maps.Keys(m.folders[dir])) }

// modelFile is an open file.
type modelFile struct {
	fs    *modelFS
	inode *inode
}

// Write writes half of p when it is told to fail for want of space.
func (f *modelFile) Write(p []byte) (int, error) {
	err := f.fs.fail()
	if errors.Is(err, syscall.ENOSPC) {
		p = p[:len(p)/2]
	} else if err != nil {
		return 0, err
	}
	f.inode.data = append(f.inode.data, p...)
	f.fs.after("write")
	return len(p), err
}

func (f *modelFile) Sync() error {
	if err := f.fs.fail(); err != nil {
		f.inode.lied = true
		return err
	}
	if !f.inode.lied {
		f.inode.synced = len(f.inode.data)
	}
	f.fs.after("sync file")
	return nil
}

func (f *modelFile) Close() error { return f.fs.fail() }

// text is what a message called name holds, to tell messages apart.
func text(name string) string {
	return "Subject: " + name + "\r\n\r\n" + strings.Repeat(name+"\r\n", 3)
}
