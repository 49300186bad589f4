package maildir

import (
	"context"
	"errors"
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
