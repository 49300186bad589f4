package maildir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

// open opens a Maildir on the real disk.
func open(t testing.TB) (*Dir, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Maildir")
	d, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d, path
}

func list(t testing.TB, d *Dir) []Entry {
	t.Helper()
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	return entries
}

func read(t testing.TB, d *Dir, e Entry) string {
	t.Helper()
	r, err := d.Open(t.Context(), e)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

func put(t testing.TB, path, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(path, dir, name), []byte(content), 0o600))
}

func TestLifeOfAMessage(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	sent := "Subject: hello\r\n\r\n.one\r\n" + strings.Repeat("x", 100_000) + "\r\n"
	e, err := d.Deliver(t.Context(), iotest.OneByteReader(strings.NewReader(sent)))
	require.NoError(t, err)
	require.Equal(t, []Entry{e}, list(t, d))
	require.True(t, e.New)
	require.Equal(t, int64(len(sent)), e.CRLFSize)
	require.Equal(t, int64(len(sent)-4), e.Size)
	require.WithinDuration(t, time.Now(), e.Delivered, time.Minute)
	require.Equal(t, sent, read(t, d, e))
	info, err := os.Stat(filepath.Join(path, "new", e.Name))
	require.NoError(t, err)
	require.Equal(t, e.Size, info.Size())
	require.Equal(t, fs.FileMode(0o600), info.Mode())

	seen, err := d.SetFlags(t.Context(), e, "SFS")
	require.NoError(t, err)
	require.Equal(t, e.Name+":2,FS", seen.Name)
	require.Equal(t, []Entry{seen}, list(t, d))
	require.Equal(t, e.Key, seen.Key)

	// The old entry still serves for everything.
	r, err := d.Open(t.Context(), e)
	require.NoError(t, err)
	require.Equal(t, seen, r.Entry())
	require.NoError(t, r.Close())
	require.NoError(t, r.Close(), "twice")
	_, err = r.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
	again, err := d.SetFlags(t.Context(), e, "")
	require.NoError(t, err)
	require.Equal(t, e.Name+":2,", again.Name)
	require.NoError(t, d.Remove(t.Context(), e))
	require.Empty(t, list(t, d))

	require.NoError(t, d.Remove(t.Context(), e), "what is gone is gone")
	_, err = d.Open(t.Context(), e)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.Count(t.Context(), e)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.SetFlags(t.Context(), e, "S")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = d.SetFlags(t.Context(), e, "S,")
	var bad *FlagError
	require.ErrorAs(t, err, &bad)
}

func TestDeliveryIsOverAfterItsEnd(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	w, err := d.Create()
	require.NoError(t, err)
	_, err = w.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, w.Abort())
	require.NoError(t, w.Abort())
	_, err = w.Write([]byte("x"))
	require.ErrorIs(t, err, errDelivery)
	_, err = w.Commit(t.Context())
	require.ErrorIs(t, err, errDelivery)
	require.Empty(t, list(t, d))

	_, err = d.Deliver(t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("cut short"))))
	require.ErrorIs(t, err, iotest.ErrTimeout)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the peer is gone")
	cancel(why)
	_, err = d.Deliver(ctx, strings.NewReader("whole"))
	require.ErrorIs(t, err, why)
	require.ErrorIs(t, d.Remove(ctx, Entry{}), why)
	require.Empty(t, list(t, d))
	left, err := os.ReadDir(filepath.Join(path, "tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestListOrder(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	want := []string{"foreign", "9.z", "10.a", "10.b:2,S", "10.M5P1.h", "10.M10P1.h", "10.M10P2.h:2,", "11.x"}
	for i := range want {
		name := want[(i*5)%len(want)]
		dir := "new"
		if strings.Contains(name, ":") {
			dir = "cur"
		}
		put(t, path, dir, name, name)
	}
	for range 2 {
		var got []string
		for _, e := range list(t, d) {
			require.Equal(t, e.Name, strings.TrimSuffix(read(t, d, e), "\r\n"))
			got = append(got, e.Name)
		}
		require.Equal(t, want, got)
	}
	// Flags change no place.
	for i, e := range list(t, d) {
		moved, err := d.SetFlags(t.Context(), e, "ST")
		require.NoError(t, err)
		now := list(t, d)
		require.Equal(t, moved, now[i])
		require.Len(t, now, len(want))
	}
}

func TestListShowsMessagesOnly(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(path, "new", "1.link")))
	require.NoError(t, os.Mkdir(filepath.Join(path, "cur", "2.folder"), 0o700))
	require.NoError(t, syscall.Mkfifo(filepath.Join(path, "cur", "3.pipe"), 0o600))
	put(t, path, "cur", ".hidden", "")
	put(t, path, "new", "4.message", "")
	require.Len(t, list(t, d), 1)
	_, err := d.Open(t.Context(), Entry{Name: "1.link", New: true})
	require.Error(t, err)
	_, err = d.Open(t.Context(), Entry{Name: "../../secret", New: true})
	require.Error(t, err)
}

// TestOpenDoesNotWaitForAPipe that has taken the place of a message since it was listed.
func TestOpenDoesNotWaitForAPipe(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	put(t, path, "new", "1.message", "")
	e := list(t, d)[0]
	require.NoError(t, os.Remove(filepath.Join(path, "new", e.Name)))
	require.NoError(t, syscall.Mkfifo(filepath.Join(path, "new", e.Name), 0o600))
	opened := make(chan error, 1)
	go func() {
		_, err := d.Open(context.Background(), e)
		opened <- err
	}()
	select {
	case err := <-opened:
		require.ErrorIs(t, err, fs.ErrInvalid)
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting for a writer")
	}
}

// TestPipesInsteadOfFolders are refused, and not waited for.
func TestPipesInsteadOfFolders(t *testing.T) {
	t.Parallel()
	pipe := func(path string) {
		require.NoError(t, os.RemoveAll(path))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
	}
	fails := func(what string, f func() error) {
		failed := make(chan error, 1)
		go func() { failed <- f() }()
		select {
		case err := <-failed:
			require.Error(t, err, what)
		case <-time.After(10 * time.Second):
			t.Fatal("still waiting for a writer:", what)
		}
	}
	for _, dir := range []string{dirTmp, dirNew, dirCur} {
		d, path := open(t)
		pipe(filepath.Join(path, dir))
		e := Entry{Name: "1.a", New: dir == dirNew}
		if dir == dirTmp {
			fails("CleanTmp", func() error { _, err := d.CleanTmp(0); return err })
		} else {
			fails("List", func() error { _, err := d.List(t.Context()); return err })
			fails("Open", func() error { _, err := d.Open(context.Background(), e); return err })
			fails("sync", func() error { return d.syncDir(dir) })
		}
	}
	path := t.TempDir()
	base, err := os.OpenRoot(path)
	require.NoError(t, err)
	defer base.Close()
	pipe(filepath.Join(path, "alice"))
	fails("OpenExisting", func() error { _, err := OpenExisting(base, "alice"); return err })
	fails("OpenBeneath", func() error { _, err := OpenBeneath(base, "alice"); return err })
}

func TestKeysAreUnique(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	for _, name := range []string{"1.a", "1.a,S=1", "1.a,S=2", "1.a+", "1.b"} {
		put(t, path, "new", name, name)
	}
	put(t, path, "cur", "1.b:2,", "a copy, or the same")
	var keys []string
	for _, e := range list(t, d) {
		keys = append(keys, e.Key)
	}
	require.Equal(t, []string{"1.a", "1.a,S=1", "1.a,S=2", "1.a+", "1.b"}, keys)
	entries := list(t, d)
	require.NoError(t, os.Rename(filepath.Join(path, "new", "1.a,S=1"), filepath.Join(path, "cur", "1.a,S=1:2,S")))
	require.Equal(t, "1.a,S=1\r\n", read(t, d, entries[1]))
	require.NoError(t, d.Remove(t.Context(), entries[1]))
	require.Equal(t, "1.a\r\n", read(t, d, entries[0]))
	require.Equal(t, "1.a,S=2\r\n", read(t, d, entries[2]))
}

// TestKeysOfTheDeadAreNotInherited: of names that differ in their fields alone, none is
// given the key that another had.
func TestKeysOfTheDeadAreNotInherited(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-7-15")
	d, path := open(t)
	for _, name := range []string{"1.a,S=7", "1.a,S=8", "1.a,S=9", "Hello, Ann.eml", "Hello, Bob.eml"} {
		put(t, path, "cur", name+":2,", "x")
	}
	had := map[string]string{}
	for entries := list(t, d); len(entries) > 2; entries = list(t, d) {
		for _, e := range entries {
			if _, ok := had[e.Key]; !ok {
				had[e.Key] = e.Name
			}
			require.Equal(t, had[e.Key], e.Name, "key %q", e.Key)
		}
		require.NoError(t, d.Remove(t.Context(), entries[len(entries)/2]))
	}
}

func TestSizesInNamesAreCheckedAgainstTheFile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int64{
		"1.a,S=4,W=6": 6,
		"1.b,W=6":     6,
		"1.c,S=3,W=6": -1,
		"1.d,S=4":     -1,
		"1.e,S=4,W=3": -1,
		"1.f":         -1,
	} {
		d, path := open(t)
		put(t, path, "new", name, "a\nb\n")
		e := list(t, d)[0]
		require.Equal(t, int64(4), e.Size)
		require.Equal(t, want, e.CRLFSize, name)
		n, err := d.Count(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, int64(6), n)
	}
}

func TestListLimit(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	for i := range 4 {
		put(t, path, []string{"new", "cur"}[i%2], fmt.Sprint(i, ".x"), "")
	}
	d.MaxEntries = 4
	require.Len(t, list(t, d), 4)
	d.MaxEntries = 3
	_, err := d.List(t.Context())
	require.ErrorIs(t, err, ErrTooManyEntries)
}

// movingFS renames files under the hands of who lists them.
type movingFS struct {
	*modelFS
	moves []func() // one for each reading of cur, while it is read
}

func (m *movingFS) list(dir string, yield func(string, int64) error) error {
	names := m.names(dir)
	if dir == dirCur && len(m.moves) > 0 {
		m.moves[0]()
		m.moves = m.moves[1:]
	}
	for _, name := range names {
		// Who reads a folder does not see what was renamed since it began.
		f, err := m.lookup(dir + "/" + name)
		if err != nil {
			continue
		}
		if err := yield(name, int64(len(f.data))); err != nil {
			return err
		}
	}
	return nil
}

func TestListWhileFilesAreRenamed(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	for _, row := range []struct {
		name  string
		moves []string // old and new name, one pair for each reading of cur
		want  int
	}{
		{"flags change during the first reading", []string{"cur/1.a:2,", "cur/1.a:2,S"}, 3},
		{"and in the second too", []string{"cur/1.a:2,", "cur/1.a:2,S", "cur/2.b:2,", "cur/2.b:2,S"}, 3},
		{"in each", []string{
			"cur/1.a:2,", "cur/1.a:2,S", "cur/2.b:2,", "cur/2.b:2,S", "cur/1.a:2,S", "cur/1.a:2,", "cur/2.b:2,S", "cur/2.b:2,",
			"cur/1.a:2,", "cur/1.a:2,S", "cur/2.b:2,", "cur/2.b:2,S",
		}, 3},
		{"new to cur", []string{"new/3.c", "cur/3.c:2,S"}, 3},
		{"removed", []string{"cur/1.a:2,", ""}, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := &movingFS{modelFS: newModelFS()}
			d, err := newDir(m)
			require.NoError(t, err)
			d.now = func() time.Time { return now }
			m.changed = now.Add(-time.Hour)
			for _, name := range []string{"cur/1.a:2,", "cur/2.b:2,", "new/3.c"} {
				dir, base, _ := strings.Cut(name, "/")
				m.change(&change{folder: dir, name: base, file: &inode{}})
			}
			for i := 0; i < len(row.moves); i += 2 {
				m.moves = append(m.moves, func() {
					m.changed = now
					if row.moves[i+1] == "" {
						require.NoError(t, m.remove(row.moves[i]))
						return
					}
					require.NoError(t, m.rename(row.moves[i], row.moves[i+1]))
				})
			}
			require.Len(t, list(t, d), row.want)
		})
	}
}

func TestListReadsAQuietMaildirOnce(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	for age, want := range map[time.Duration]int{time.Hour: 1, time.Second: 2, 0: 2, -time.Hour: 2} {
		m := &movingFS{modelFS: newModelFS()}
		d, err := newDir(m)
		require.NoError(t, err)
		d.now = func() time.Time { return now }
		m.changed = now.Add(-age)
		readings := 0
		for range 10 {
			m.moves = append(m.moves, func() { readings++ })
		}
		list(t, d)
		require.Equal(t, want, readings, "cur was changed %v ago", age)
	}
}

// TestListTakesLongerThanTheClockIsCoarse: what is renamed in the tick in which the
// reading began leaves no trace in the time of the folder, however long the reading
// takes.
func TestListTakesLongerThanTheClockIsCoarse(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	m := &movingFS{modelFS: newModelFS()}
	d, err := newDir(m)
	require.NoError(t, err)
	d.now = func() time.Time { return now }
	m.changed = now
	m.change(&change{folder: "cur", name: "1.a:2,", file: &inode{}})
	m.moves = []func(){func() {
		require.NoError(t, m.rename("cur/1.a:2,", "cur/1.a:2,S"))
		m.changed = now
		now = now.Add(time.Minute)
	}}
	require.Len(t, list(t, d), 1)
}

// TestListBetweenNameAndSize: a file that gets another name after its folder was read,
// and before it was asked for its size, is listed all the same, on each of the
// readings.
func TestListBetweenNameAndSize(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	for _, name := range []string{"1.a,S=2,W=3:2,", "2.b:2,", "3.c:2,"} {
		put(t, path, "cur", name, "x\n")
	}
	root := d.fs.(*rootFS)
	d.fs = &renamingFS{rootFS: root, t: t}
	listed := list(t, d)
	d.fs = root
	require.Len(t, listed, 3)
	for i, e := range listed {
		if i == 0 || e.Size >= 0 {
			require.Equal(t, int64(2), e.Size, e.Name)
		}
		n, err := d.Count(t.Context(), e)
		require.NoError(t, err)
		require.Equal(t, int64(3), n, e.Name)
	}
}

// renamingFS gives every file of cur another name as soon as the first is asked for its
// size.
type renamingFS struct {
	*rootFS
	t     *testing.T
	round int
}

func (r *renamingFS) list(dir string, yield func(string, int64) error) error {
	began := false
	return r.rootFS.list(dir, func(name string, size int64) error {
		if began || dir != dirCur {
			return yield(name, size)
		}
		began = true
		r.round++
		names, err := filepath.Glob(filepath.Join(r.root.Name(), dirCur, "*"))
		require.NoError(r.t, err)
		require.Len(r.t, names, 3)
		for _, old := range names {
			base, _, _ := strings.Cut(old, ":")
			require.NoError(r.t, os.Rename(old, base+":2,"+strings.Repeat("S", r.round)))
		}
		return yield(name, size)
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	other, err := Open(path)
	require.NoError(t, err)
	defer other.Close()
	const each = 25
	var wg sync.WaitGroup
	for _, dir := range []*Dir{d, other, d} {
		wg.Go(func() {
			for range each {
				if _, err := dir.Deliver(t.Context(), strings.NewReader("x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var mover sync.WaitGroup
	halt := sync.OnceFunc(func() { close(stop); mover.Wait() })
	defer halt()
	mover.Go(func() { // a mail reader that sees messages come in, and changes flags all the time
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			entries, err := other.List(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, e := range entries {
				if _, err := other.SetFlags(t.Context(), e, []string{"", "S", "FS"}[i%3]); err != nil && !errors.Is(err, errRestless) {
					t.Error(err)
				}
			}
		}
	})
	wg.Wait()
	for range 20 {
		require.Len(t, list(t, d), 3*each)
	}
	for _, e := range list(t, d) {
		require.Equal(t, "x\r\n", read(t, d, e))
	}
	halt()
	require.NoError(t, d.Remove(t.Context(), list(t, d)...))
	require.Empty(t, list(t, other))
}

func TestCleanTmp(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	w, err := d.Create()
	require.NoError(t, err)
	defer w.Abort()
	put(t, path, "tmp", "dead", "half a mess")
	put(t, path, "tmp", "slow", "half a mess")
	age := func(name string, d time.Duration) {
		at := time.Now().Add(-d)
		require.NoError(t, os.Chtimes(filepath.Join(path, "tmp", name), at, at))
	}
	age("dead", 37*time.Hour)
	age("slow", 35*time.Hour)
	n, err := d.CleanTmp(0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = d.CleanTmp(time.Hour)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = w.Commit(t.Context())
	require.NoError(t, err)
}

func TestOpenBeneathIsConfined(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(path, "root"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(path, "outside"), 0o700))
	require.NoError(t, os.Symlink("../outside", filepath.Join(path, "root", "link")))
	require.NoError(t, os.MkdirAll(filepath.Join(path, "root", "evil"), 0o700))
	require.NoError(t, os.Symlink("../../outside", filepath.Join(path, "root", "evil", "tmp")))
	root, err := os.OpenRoot(filepath.Join(path, "root"))
	require.NoError(t, err)
	defer root.Close()
	for _, name := range []string{"..", "../outside", "link", "a/../../outside", "/tmp/x", ""} {
		_, err := OpenBeneath(root, name)
		require.Error(t, err, "%q", name)
	}
	d, err := OpenBeneath(root, "evil")
	if err == nil {
		_, err = d.Deliver(t.Context(), strings.NewReader("x"))
	}
	require.Error(t, err)
	left, err := os.ReadDir(filepath.Join(path, "outside"))
	require.NoError(t, err)
	require.Empty(t, left)

	d, err = OpenBeneath(root, "example.org/alice")
	require.NoError(t, err)
	_, err = d.Deliver(t.Context(), strings.NewReader("x"))
	require.NoError(t, err)
	require.NoError(t, d.Close())
	left, err = os.ReadDir(filepath.Join(path, "root/example.org/alice/new"))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

func TestOpenExisting(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	require.NoError(t, os.Symlink("..", filepath.Join(path, "link")))
	require.NoError(t, os.Mkdir(filepath.Join(path, "bare"), 0o700))
	root, err := os.OpenRoot(path)
	require.NoError(t, err)
	defer root.Close()
	for _, name := range []string{"..", "link", "/tmp", ""} {
		_, err := OpenExisting(root, name)
		require.Error(t, err, "%q", name)
	}
	_, err = OpenExisting(root, "alice")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoDirExists(t, filepath.Join(path, "alice"))

	d, err := OpenBeneath(root, "alice")
	require.NoError(t, err)
	defer d.Close()
	_, err = d.Deliver(t.Context(), strings.NewReader("x\n"))
	require.NoError(t, err)
	for name, messages := range map[string]int{"alice": 1, "bare": 0} {
		d, err := OpenExisting(root, name)
		require.NoError(t, err)
		listed := list(t, d)
		require.Len(t, listed, messages)
		_, err = d.Create()
		require.ErrorIs(t, err, errNoDelivery)
		require.NoError(t, d.Remove(t.Context(), listed...))
		require.NoError(t, d.Close())
	}
	require.Empty(t, list(t, d))
}

func TestDeliveryNeverWritesIntoAnotherFile(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	put(t, path, "tmp", "x", "another delivery")
	_, err := d.fs.create("tmp/x")
	require.ErrorIs(t, err, fs.ErrExist)
}

func TestOpenNeedsAParent(t *testing.T) {
	t.Parallel()
	_, err := Open(filepath.Join(t.TempDir(), "a", "b"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}
