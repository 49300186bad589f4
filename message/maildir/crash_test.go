package maildir

import (
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// contents opens the Maildir on a disk as a program does after a crash, and gives the
// messages in it.
func contents(t *testing.T, disk *modelFS) map[string]int {
	t.Helper()
	if !disk.has(".") {
		disk.makeRoot()
	}
	d, err := newDir(disk)
	require.NoError(t, err)
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	found := map[string]int{}
	for _, e := range entries {
		r, err := d.Open(t.Context(), e)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, int64(len(got)), e.CRLFSize, "W= of %s", e.Name)
		found[string(got)]++
	}
	return found
}

// checkCrashes fails if a loss of power now could lose a message of kept, show one of
// gone, show one twice, or show anything that is neither in kept nor in open.
func checkCrashes(t *testing.T, disk *modelFS, when string, kept, open, gone map[string]bool) int {
	t.Helper()
	states := 0
	disk.crashes(func(after *modelFS) {
		states++
		found := contents(t, after)
		for text := range kept {
			require.Equal(t, 1, found[text], "after %s: an acknowledged message is lost", when)
		}
		for text, n := range found {
			require.False(t, gone[text], "after %s: a removed message is back", when)
			require.True(t, kept[text] || open[text], "after %s: in new: %q", when, text)
			require.Equal(t, 1, n, "after %s: twice: %q", when, text)
		}
	})
	return states
}

func deliver(t *testing.T, d *Dir, message string) error {
	t.Helper()
	_, err := d.Deliver(t.Context(), strings.NewReader(message))
	return err
}

func TestCrashDuringDelivery(t *testing.T) {
	t.Parallel()
	disk := newModelFS()
	kept, open, states := map[string]bool{}, map[string]bool{}, 0
	disk.after = func(op string) { states += checkCrashes(t, disk, op, kept, open, nil) }
	d, err := newDir(disk)
	require.NoError(t, err)
	for _, name := range []string{"one", "two"} {
		open[text(name)] = true
		require.NoError(t, deliver(t, d, text(name)))
		kept[text(name)] = true
		disk.after("commit")
	}
	require.Greater(t, states, 300)
	require.Empty(t, disk.names(dirTmp))
}

// withMail makes a Maildir of messages called so, all of it on the disk.
func withMail(t *testing.T, names ...string) (*modelFS, *Dir, []Entry) {
	t.Helper()
	disk := newModelFS()
	d, err := newDir(disk)
	require.NoError(t, err)
	for _, name := range names {
		require.NoError(t, deliver(t, d, text(name)))
	}
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	disk.settle()
	return disk, d, entries
}

func TestCrashDuringRemoval(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one", "two", "three", "four")
	// One is in cur; another moves there after it was listed.
	var err error
	entries[1], err = d.SetFlags(t.Context(), entries[1], "S")
	require.NoError(t, err)
	_, err = d.SetFlags(t.Context(), entries[2], "S")
	require.NoError(t, err)
	disk.settle()

	kept := map[string]bool{text("four"): true}
	open := map[string]bool{text("one"): true, text("two"): true, text("three"): true}
	states := 0
	disk.after = func(op string) { states += checkCrashes(t, disk, op, kept, open, nil) }
	require.NoError(t, d.Remove(t.Context(), entries[:3]...))
	disk.after = func(op string) { checkCrashes(t, disk, op, kept, nil, open) }
	disk.after("Remove")
	require.Greater(t, states, 30)
}

// TestRemoveMakesDurableWhatOthersRemoved: a success is one, whoever unlinked the file.
func TestRemoveMakesDurableWhatOthersRemoved(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one")
	require.NoError(t, disk.remove(entries[0].path()))
	require.NoError(t, d.Remove(t.Context(), entries...))
	checkCrashes(t, disk, "Remove", nil, nil, map[string]bool{text("one"): true})
}

// TestRemovalAfterAMoveThatIsNotDurable: what a mail reader has moved, and nobody has
// synced, does not come back from where it was.
func TestRemovalAfterAMoveThatIsNotDurable(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*Dir, ...Entry) error{
		"Remove": func(d *Dir, e ...Entry) error { return d.Remove(t.Context(), e...) },
		"Move":   func(d *Dir, e ...Entry) error { return d.Move(t.Context(), "Trash", e...) },
	} {
		disk, d, entries := withMail(t, "one", "two")
		_, err := d.SetFlags(t.Context(), entries[0], "S")
		require.NoError(t, err)
		listed, err := d.List(t.Context())
		require.NoError(t, err)
		require.NoError(t, remove(d, listed[0]))
		checkCrashes(t, disk, name, map[string]bool{text("two"): true}, nil, map[string]bool{text("one"): true})
	}
}

// TestTwins: a message that stands in a Maildir twice or more is one, and when it is
// removed it is gone.
func TestTwins(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*Dir, ...Entry) error{
		"Remove": func(d *Dir, e ...Entry) error { return d.Remove(t.Context(), e...) },
		"Move":   func(d *Dir, e ...Entry) error { return d.Move(t.Context(), "Trash", e...) },
	} {
		disk, d, entries := withMail(t, "one", "two")
		disk.change(&change{folder: dirCur, name: entries[0].base() + ":2,", file: disk.folders[dirNew][entries[0].Name]})
		disk.change(&change{folder: dirCur, name: entries[0].base() + ":2,S", file: disk.folders[dirNew][entries[0].Name]})
		disk.settle()
		listed, err := d.List(t.Context())
		require.NoError(t, err)
		require.Len(t, listed, 2)
		require.True(t, listed[0].Twin)
		require.False(t, listed[1].Twin)
		require.NoError(t, remove(d, listed[0]))
		checkCrashes(t, disk, name, map[string]bool{text("two"): true}, nil, map[string]bool{text("one"): true})
	}
}

func TestCrashDuringSetFlags(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one")
	kept := map[string]bool{text("one"): true}
	disk.after = func(op string) { checkCrashes(t, disk, op, kept, nil, nil) }
	e, err := d.SetFlags(t.Context(), entries[0], "S")
	require.NoError(t, err)
	_, err = d.SetFlags(t.Context(), e, "RS")
	require.NoError(t, err)
}

// TestFaultDuringDelivery fails every call of a delivery in turn. The disk forgets what
// a failed fsync was to write, and says that the next fsync of the same file or folder
// succeeded.
func TestFaultDuringDelivery(t *testing.T) {
	t.Parallel()
	for _, errno := range []error{syscall.EIO, syscall.ENOSPC, syscall.EMFILE, syscall.EROFS, syscall.EDQUOT} {
		failed := 0
		for failAt := 1; ; failAt++ {
			disk := newModelFS()
			disk.failAt, disk.errno = failAt, errno
			kept, open := map[string]bool{}, map[string]bool{}
			disk.after = func(string) {}
			if errno == syscall.EIO { // where power is lost does not depend on the number
				disk.after = func(op string) { checkCrashes(t, disk, op, kept, open, nil) }
			}
			d, err := newDir(disk)
			if err != nil {
				require.ErrorIs(t, err, errno)
				d, err = newDir(disk)
				require.NoError(t, err)
			}
			for _, name := range []string{"one", "two", "three"} {
				open[text(name)] = true
				broken := d.usable()
				err := deliver(t, d, text(name))
				if broken != nil {
					require.ErrorIs(t, err, broken, "no mail is taken after a failed fsync of a folder")
				}
				if err == nil {
					kept[text(name)] = true
				} else {
					failed++
					require.ErrorIs(t, err, errno)
					require.Equal(t, kept, seen(contents(t, disk)), "what was not acknowledged is gone")
				}
				disk.after("commit")
			}
			if disk.calls < failAt {
				break
			}
			if d.usable() == nil {
				require.NotEmpty(t, kept, "call %d: mail is taken again", failAt)
			}
			require.Empty(t, disk.names(dirTmp), "call %d", failAt)
		}
		require.Greater(t, failed, 5)
	}
}

func seen(found map[string]int) map[string]bool {
	s := map[string]bool{}
	for text := range found {
		s[text] = true
	}
	return s
}

// TestFaultDuringRemoval fails every call of a removal in turn: no message that was to
// stay is lost, and a success is a success.
func TestFaultDuringRemoval(t *testing.T) {
	t.Parallel()
	for failAt := 1; ; failAt++ {
		disk, d, entries := withMail(t, "one", "two", "three")
		disk.calls, disk.failAt, disk.errno = 0, failAt, syscall.EIO
		kept := map[string]bool{text("three"): true}
		open := map[string]bool{text("one"): true, text("two"): true}
		disk.after = func(op string) { checkCrashes(t, disk, op, kept, open, nil) }
		err := d.Remove(t.Context(), entries[:2]...)
		if disk.calls < failAt {
			require.NoError(t, err)
			require.Equal(t, 4, failAt)
			return
		}
		require.ErrorIs(t, err, syscall.EIO)
		if err := d.Remove(t.Context(), entries[:2]...); err == nil {
			checkCrashes(t, disk, "second Remove", kept, nil, open)
		} else {
			// Only after the fsync failed is there no second try.
			require.Equal(t, 3, failAt)
		}
	}
}
