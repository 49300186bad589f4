package maildir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultMaxEntries is how many messages Dir.List takes when Dir.MaxEntries is zero.
const DefaultMaxEntries = 1_000_000

// ErrTooManyEntries is the error of Dir.List when the Maildir holds more messages than
// MaxEntries.
var ErrTooManyEntries = errors.New("maildir: too many messages")

// errNoDelivery is the error of Dir.Create after OpenExisting.
var errNoDelivery = errors.New("maildir: opened to read and to remove, and not for deliveries")

// Dir is an open Maildir. Its methods are safe for concurrent use; its fields are set
// before the first of them is called. Any number of Dirs, processes and hosts may use
// one Maildir at a time.
//
// When an fsync of a folder has failed, what is on the disk is not known any more: from
// then on the Dir fails every Commit and Remove with that error. It can be opened anew.
type Dir struct {
	// CRLF stores messages with CRLF line ends. Zero stores LF, as other programs on
	// the machine expect.
	CRLF bool
	// MaxEntries is the most messages that List takes; zero means DefaultMaxEntries.
	MaxEntries int

	fs         fsys
	now        func() time.Time
	noDelivery bool // it is not known how the Maildir is found after a crash

	mu     sync.Mutex // guards names
	names  *namer     // nil until the first
	anchor sync.Mutex // guards anchored
	// anchored says that the folders can be found after a crash.
	anchored bool
	// broken is the first failure of an fsync of a folder.
	broken atomic.Pointer[syncError]
}

// Open opens the Maildir at path, and creates what is missing of it; the folder above
// must exist.
func Open(path string) (*Dir, error) {
	f, err := openPath(path)
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	return newDir(f)
}

// OpenBeneath opens the Maildir called name beneath base, and creates what is missing
// of it and of the folders between. A name or a symbolic link that leads out of base is
// refused. The caller may close base at once.
func OpenBeneath(base *os.Root, name string) (*Dir, error) {
	f, err := openBeneath(base, name)
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	return newDir(f)
}

// OpenExisting opens the Maildir called name beneath base, as OpenBeneath does, to read
// and to remove: it takes one descriptor, and no deliveries. It creates nothing but
// tmp, new and cur where they are missing. The error is fs.ErrNotExist if there is no
// Maildir.
func OpenExisting(base *os.Root, name string) (*Dir, error) {
	root, err := base.OpenRoot(folderPath(name))
	if err != nil {
		return nil, fmt.Errorf("maildir: %w", err)
	}
	d, err := newDir(&rootFS{root: root})
	if err != nil {
		return nil, err
	}
	d.noDelivery = true
	return d, nil
}

func newDir(f fsys) (*Dir, error) {
	for _, name := range []string{dirTmp, dirNew, dirCur} {
		if err := f.mkdir(name); err != nil {
			return nil, errors.Join(fmt.Errorf("maildir: %w", err), f.close())
		}
	}
	return &Dir{fs: f, now: time.Now}, nil
}

// Close releases the Dir. Deliveries and readers that are open are not affected, but no
// delivery can be committed.
func (d *Dir) Close() error { return d.fs.close() }

// StaleTmp is the age beyond which a file in tmp belongs to no delivery: 36 hours.
const StaleTmp = 36 * time.Hour

// CleanTmp removes the files in tmp that were not written to for longer than age; zero
// means StaleTmp. It says how many were removed. Programs that deliver call it once a
// day or so.
func (d *Dir) CleanTmp(age time.Duration) (int, error) {
	if age <= 0 {
		age = StaleTmp
	}
	limit := d.now().Add(-age)
	removed := 0
	err := d.fs.list(dirTmp, func(name string, _ int64) error {
		name = dirTmp + "/" + name
		modified, err := d.fs.modTime(name)
		if err == nil && modified.Before(limit) {
			if err = d.fs.remove(name); err == nil {
				removed++
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // delivered or removed meanwhile
		}
		return err
	})
	if err != nil {
		return removed, fmt.Errorf("maildir: %w", err)
	}
	return removed, nil
}

func (d *Dir) uniqueName() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names == nil { // not by newDir: who reads needs none
		d.names = newNamer()
	}
	return d.names.next(d.now())
}

// syncPath makes durable that the folders can be found. An earlier process may have
// created them and died before they were on the disk: so they are synced even if they
// were here, once, before the first delivery is acknowledged.
func (d *Dir) syncPath() error {
	d.anchor.Lock()
	defer d.anchor.Unlock()
	if d.anchored {
		return nil
	}
	if err := d.unlessBroken(func() error { return d.fs.syncDir(".") }); err != nil {
		return err
	}
	if err := d.unlessBroken(d.fs.syncPath); err != nil {
		return err
	}
	d.anchored = true
	return nil
}

func (d *Dir) syncDir(name string) error {
	return d.unlessBroken(func() error { return d.fs.syncDir(name) })
}

// unlessBroken runs a sync of folders, unless one has failed. A second fsync after one
// that failed would succeed without cause.
func (d *Dir) unlessBroken(run func() error) error {
	if err := d.usable(); err != nil {
		return err
	}
	err := run()
	var failed *syncError
	if errors.As(err, &failed) {
		d.broken.CompareAndSwap(nil, failed)
	}
	return err
}

// usable fails when no sync can be trusted any more.
func (d *Dir) usable() error {
	if failed := d.broken.Load(); failed != nil {
		return failed
	}
	return nil
}
