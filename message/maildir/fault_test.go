package maildir

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNothingIsPromisedAfterAFailedSync: what began before the fsync of a folder failed
// is not acknowledged after.
func TestNothingIsPromisedAfterAFailedSync(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one", "two")
	begun, err := d.Create()
	require.NoError(t, err)
	_, err = io.WriteString(begun, text("three"))
	require.NoError(t, err)

	disk.calls, disk.failAt, disk.errno = 0, 2, syscall.EIO
	require.ErrorIs(t, d.Remove(t.Context(), entries[0]), syscall.EIO) // whose second call is the sync
	for name, try := range map[string]func() error{
		"Commit": func() error { _, err := begun.Commit(t.Context()); return err },
		"Create": func() error { _, err := d.Create(); return err },
		"Remove": func() error { return d.Remove(t.Context(), entries[1]) },
		"Move":   func() error { return d.Move(t.Context(), "Trash", entries[1]) },
		"Save":   func() error { return d.Save(t.Context(), "note", nil) },
	} {
		require.ErrorIs(t, try(), syscall.EIO, name)
	}
	require.Equal(t, map[string]int{text("two"): 1}, contents(t, disk))
	require.Empty(t, disk.names(dirTmp))
}

// TestFaultDuringALongDelivery fails each call of one that is written in pieces, the
// writer's Abort included.
func TestFaultDuringALongDelivery(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line that is like any other\r\n", 10_000)
	for _, broken := range []error{nil, iotest.ErrTimeout} { // of the sender
		for at := 1; ; at++ {
			disk, d, _ := withMail(t, "one")
			disk.calls, disk.failAt, disk.errno = 0, at, syscall.ENOSPC
			var r io.Reader = strings.NewReader(long)
			if broken != nil {
				r = io.MultiReader(r, iotest.ErrReader(broken))
			}
			_, err := d.Deliver(t.Context(), r)
			last := disk.calls < at
			disk.failAt = 0
			want := 1
			switch {
			case !last && err != nil && broken == nil:
				require.ErrorIs(t, err, syscall.ENOSPC, "call %d", at)
			case broken == nil:
				require.NoError(t, err)
				want = 2
			default:
				require.Error(t, err)
			}
			require.Len(t, contents(t, disk), want, "call %d", at)
			if last {
				require.Greater(t, at, 8)
				require.Empty(t, disk.names(dirTmp))
				break
			}
		}
	}
}

// TestAbortSaysWhatItLeaves in tmp when the file cannot be removed.
func TestAbortSaysWhatItLeaves(t *testing.T) {
	t.Parallel()
	disk, d, _ := withMail(t)
	w, err := d.Create()
	require.NoError(t, err)
	disk.calls, disk.failAt, disk.errno = 0, 2, syscall.EIO // after Close
	require.ErrorIs(t, w.Abort(), syscall.EIO)
	require.NoError(t, w.Abort())
	require.Len(t, disk.names(dirTmp), 1)
	disk.changed = time.Now().Add(-2 * StaleTmp)
	n, err := d.CleanTmp(0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// readFaults is a file system on which one call fails that changes nothing.
type readFaults struct {
	*modelFS
	left  int // calls before that one
	errno error
}

func (f *readFaults) fail() error {
	if f.left--; f.left == -1 {
		return f.errno
	}
	return nil
}

func (f *readFaults) open(name string) (diskReader, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	r, err := f.modelFS.open(name)
	if err != nil {
		return nil, err
	}
	return &faultyReader{r, f}, nil
}

func (f *readFaults) list(dir string, yield func(string, int64) error) error {
	return f.modelFS.list(dir, func(name string, size int64) error {
		if err := f.fail(); err != nil {
			return err
		}
		return yield(name, size)
	})
}

func (f *readFaults) modTime(name string) (time.Time, error) {
	if err := f.fail(); err != nil {
		return time.Time{}, err
	}
	return f.modelFS.modTime(name)
}

// faultyReader is an open file of it.
type faultyReader struct {
	diskReader
	fs *readFaults
}

func (r *faultyReader) Read(p []byte) (int, error) {
	if err := r.fs.fail(); err != nil {
		return 0, err
	}
	return r.diskReader.Read(p[:min(len(p), 5)])
}

// TestFaultDuringReading fails each call in turn of what reads: that is told, and never
// taken for the end of a message, or for a Maildir with fewer of them.
func TestFaultDuringReading(t *testing.T) {
	t.Parallel()
	all := func(d *Dir, e Entry, copyTo func(*Reader) error) error {
		r, err := d.Open(context.Background(), e)
		if err != nil {
			return err
		}
		return errors.Join(copyTo(r), r.Close())
	}
	for name, run := range map[string]func(d *Dir, e Entry) error{
		"List": func(d *Dir, _ Entry) error {
			entries, err := d.List(context.Background())
			if err == nil && len(entries) != 2 {
				return errors.New("one is missing")
			}
			return err
		},
		"Read": func(d *Dir, e Entry) error {
			return all(d, e, func(r *Reader) error { _, err := io.ReadAll(struct{ io.Reader }{r}); return err })
		},
		"WriteTo": func(d *Dir, e Entry) error {
			return all(d, e, func(r *Reader) error { _, err := r.WriteTo(io.Discard); return err })
		},
		"as it is stored": func(d *Dir, e Entry) error {
			return all(d, e, func(r *Reader) error { _, err := r.WriteTo(new(lfSink)); return err })
		},
		"Count": func(d *Dir, e Entry) error { _, err := d.Count(context.Background(), e); return err },
		// The message has moved since.
		"Open":     func(d *Dir, e Entry) error { return all(d, renamed(e), func(*Reader) error { return nil }) },
		"SetFlags": func(d *Dir, e Entry) error { _, err := d.SetFlags(context.Background(), renamed(e), "S"); return err },
		"Remove":   func(d *Dir, e Entry) error { return d.Remove(context.Background(), renamed(e)) },
		"CleanTmp": func(d *Dir, _ Entry) error { _, err := d.CleanTmp(time.Nanosecond); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 0; ; at++ {
				disk, d, entries := withMail(t, "one", "two")
				disk.changed = time.Now() // so that it is read twice
				_, err := d.Create()      // something for CleanTmp
				require.NoError(t, err)
				faults := &readFaults{modelFS: disk, left: at, errno: syscall.EIO}
				d.fs = faults
				if err := run(d, entries[0]); faults.left >= 0 {
					require.NoError(t, err)
					require.Positive(t, at)
					return
				} else {
					require.ErrorIs(t, err, syscall.EIO, "call %d", at)
				}
			}
		})
	}
}

// renamed is an entry as it would have been when the message had another name.
func renamed(e Entry) Entry {
	e.Name, e.New = e.base()+":2,F", false
	return e
}

// TestCleanTmpBesideADelivery: what is gone when it is looked at was delivered.
func TestCleanTmpBesideADelivery(t *testing.T) {
	t.Parallel()
	disk, d, _ := withMail(t)
	_, err := d.Create()
	require.NoError(t, err)
	d.fs = &readFaults{modelFS: disk, left: 1, errno: fs.ErrNotExist} // after the list
	n, err := d.CleanTmp(0)
	require.NoError(t, err)
	require.Zero(t, n)
}

// TestFaultDuringSetFlags leaves the message as it was.
func TestFaultDuringSetFlags(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one")
	disk.calls, disk.failAt, disk.errno = 0, 1, syscall.EIO
	_, err := d.SetFlags(t.Context(), entries[0], "S")
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, entries, list(t, d))
}

// restlessFS gives a message another name each time that the Maildir was listed.
type restlessFS struct {
	*modelFS
	name string
}

func (r *restlessFS) list(dir string, yield func(string, int64) error) error {
	if err := r.modelFS.list(dir, yield); err != nil || dir != dirCur {
		return err
	}
	name := r.name + "S"
	if len(r.names(dirCur)) != 1 {
		return fs.ErrInvalid
	}
	err := r.rename(dirCur+"/"+r.name, dirCur+"/"+name)
	r.name = name
	return err
}

// TestRestlessMessage is not found, and its reader does not wait for ever.
func TestRestlessMessage(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one")
	e, err := d.SetFlags(t.Context(), entries[0], "S")
	require.NoError(t, err)
	d.fs = &restlessFS{disk, e.Name}
	e = renamed(e)
	_, err = d.Open(t.Context(), e)
	require.ErrorIs(t, err, errRestless)
	_, err = d.SetFlags(t.Context(), e, "F")
	require.ErrorIs(t, err, errRestless)
	require.ErrorIs(t, d.Remove(t.Context(), e), errRestless)
	require.Len(t, disk.names(dirCur), 1)
}

// lfSink takes room octets and then fails.
type lfSink struct {
	bytes.Buffer
	room  int
	tight bool
}

var errFull = errors.New("the peer is gone")

func (s *lfSink) Write(p []byte) (int, error) {
	if !s.tight || len(p) <= s.room-s.Len() {
		return s.Buffer.Write(p)
	}
	n, _ := s.Buffer.Write(p[:s.room-s.Len()])
	return n, errFull
}

func (s *lfSink) WriteLF(p []byte) (int64, error) {
	n, err := s.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return int64(n), err
}

// TestReaderTellsThatAWriterFailed, after each octet of a message whose last line has
// no end, and how many went out.
func TestReaderTellsThatAWriterFailed(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	put(t, path, "new", "1.x", "one\ntwo\nthree")
	e := list(t, d)[0]
	const want = "one\r\ntwo\r\nthree\r\n"
	for room := range len(want) + 1 {
		for _, stored := range []bool{false, true} {
			r, err := d.Open(t.Context(), e)
			require.NoError(t, err)
			sink := &lfSink{room: room, tight: true}
			var w io.Writer = sink
			if !stored {
				w = struct{ io.Writer }{sink}
			}
			n, err := r.WriteTo(w)
			require.Equal(t, int64(room), n)
			require.Equal(t, want[:room], sink.String())
			if room < len(want) {
				require.ErrorIs(t, err, errFull)
			} else {
				require.NoError(t, err)
			}
			require.NoError(t, r.Close())
		}
	}
}

// lockFaults is a file system on which no lock's file can be made.
type lockFaults struct {
	*modelFS
	errno error
}

func (f lockFaults) openLock(string) (*os.File, error) { return nil, f.errno }

// TestLockWhereNoneIsToBeHad: a full disk must not keep a user from deleting mail, nor
// a file system without locks.
func TestLockWhereNoneIsToBeHad(t *testing.T) {
	t.Parallel()
	for errno, ok := range map[error]bool{
		syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EROFS: true, syscall.EACCES: true, syscall.ENOLCK: true, syscall.ENOSYS: true,
		syscall.EIO: false, syscall.EMFILE: false, fs.ErrNotExist: false,
	} {
		_, d, _ := withMail(t)
		d.fs = lockFaults{newModelFS(), &fs.PathError{Op: "open", Err: errno}}
		l, err := d.Lock("x")
		if !ok {
			require.ErrorIs(t, err, errno)
			continue
		}
		require.NoError(t, err, errno)
		require.NoError(t, l.Yield())
		require.NoError(t, l.Resume(d))
		require.NoError(t, l.Close())
	}
}

// TestOpenOfWhatIsNoMaildir says so.
func TestOpenOfWhatIsNoMaildir(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	put(t, path, "", "file", "")
	_, err := Open(filepath.Join(path, "file"))
	require.ErrorContains(t, err, "not a directory")
	base, err := os.OpenRoot(path)
	require.NoError(t, err)
	defer base.Close()
	_, err = OpenBeneath(base, "file")
	require.Error(t, err)

	// Its folders are gone, or something else.
	d, path := open(t)
	for _, folder := range []string{"new", "cur"} {
		require.NoError(t, os.Remove(filepath.Join(path, folder)))
		_, err = d.List(t.Context())
		require.ErrorIs(t, err, fs.ErrNotExist)
		_, err = d.Open(t.Context(), Entry{Name: "x", New: folder == "new"})
		require.ErrorIs(t, err, fs.ErrNotExist)
		put(t, path, "", folder, "")
		_, err = d.List(t.Context())
		require.Error(t, err)
		require.NoError(t, os.Remove(filepath.Join(path, folder)))
		require.NoError(t, os.Mkdir(filepath.Join(path, folder), 0o700))
	}
	require.NoError(t, os.Remove(filepath.Join(path, "tmp")))
	_, err = d.Create()
	require.ErrorIs(t, err, fs.ErrNotExist)
}
