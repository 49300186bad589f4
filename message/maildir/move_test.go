package maildir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMove(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	for _, name := range []string{"1.a,S=1", "2.b,S=1,W=3:2,FS", "3.c:2,", "4.d"} {
		dir := "new"
		if strings.Contains(name, ":") {
			dir = "cur"
		}
		put(t, path, dir, name, "x")
	}
	entries := list(t, d)
	require.Len(t, entries, 4)
	// One is moved by another program after it was listed, and one is removed.
	require.NoError(t, os.Rename(filepath.Join(path, "new", "1.a,S=1"), filepath.Join(path, "cur", "1.a,S=1:2,R")))
	require.NoError(t, os.Remove(filepath.Join(path, "cur", "3.c:2,")))
	require.NoError(t, d.Move(t.Context(), "Trash", entries[:3]...))
	require.Equal(t, []string{"4.d"}, []string{list(t, d)[0].Name})
	trash, err := Open(filepath.Join(path, ".Trash"))
	require.NoError(t, err)
	defer trash.Close()
	var names []string
	for _, e := range list(t, trash) {
		require.False(t, e.New)
		names = append(names, e.Name)
	}
	require.Equal(t, []string{"1.a,S=1:2,R", "2.b,S=1,W=3:2,FS"}, names)
	require.FileExists(t, filepath.Join(path, ".Trash", "maildirfolder"))

	// What is there already is not replaced.
	put(t, path, "new", "1.a,S=1", "another")
	require.NoError(t, os.Rename(filepath.Join(path, ".Trash", "cur", "1.a,S=1:2,R"), filepath.Join(path, ".Trash", "cur", "1.a,S=1:2,")))
	require.NoError(t, d.Move(t.Context(), "Trash", list(t, d)...))
	require.Empty(t, list(t, d))
	texts := map[string]int{}
	for _, e := range list(t, trash) {
		texts[read(t, trash, e)]++
	}
	require.Equal(t, map[string]int{"x\r\n": 3, "another\r\n": 1}, texts)

	for _, folder := range []string{"", "a/b", "../x", "a\x00"} {
		require.Error(t, d.Move(t.Context(), folder), "%q", folder)
	}
}

// inFolders gives the messages of a disk after a crash: those of the Maildir, and those
// of its folder.
func inFolders(t *testing.T, disk *modelFS, folder string) (here, there map[string]int) {
	t.Helper()
	here, there = contents(t, disk), map[string]int{}
	for _, f := range disk.folders[folder+"/cur"] {
		there[strings.ReplaceAll(string(f.data), "\n", "\r\n")]++
	}
	return here, there
}

func TestCrashDuringMove(t *testing.T) {
	t.Parallel()
	disk, d, entries := withMail(t, "one", "two", "three")
	var err error
	entries[1], err = d.SetFlags(t.Context(), entries[1], "S")
	require.NoError(t, err)
	disk.settle()

	states, done := 0, false
	disk.after = func(op string) {
		disk.crashes(func(after *modelFS) {
			states++
			here, there := inFolders(t, after, ".Trash")
			require.Equal(t, 1, here[text("three")], op)
			for _, name := range []string{"one", "two"} {
				require.GreaterOrEqual(t, here[text(name)]+there[text(name)], 1, "after %s: %s is lost", op, name)
				require.LessOrEqual(t, here[text(name)], 1, op)
				require.LessOrEqual(t, there[text(name)], 1, op)
				if done {
					require.Zero(t, here[text(name)], "after %s: a message that was moved is back", op)
				}
			}
			require.LessOrEqual(t, len(there), 2, "nothing else is there")
		})
	}
	require.NoError(t, d.Move(t.Context(), "Trash", entries[:2]...))
	done = true
	disk.after("Move")
	require.Greater(t, states, 20)
}

// TestFaultDuringMove fails each call in turn: no message is lost, and after a success
// all are moved.
func TestFaultDuringMove(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		disk, d, entries := withMail(t, "one")
		disk.calls, disk.failAt, disk.errno = 0, at, os.ErrPermission
		moved := d.Move(t.Context(), "Trash", entries...)
		disk.crashes(func(after *modelFS) {
			here, there := inFolders(t, after, ".Trash")
			require.GreaterOrEqual(t, here[text("one")]+there[text("one")], 1)
			if moved == nil {
				require.Zero(t, here[text("one")])
			}
		})
		if disk.calls < at {
			require.NoError(t, moved)
			require.Greater(t, at, 5)
			return
		}
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	_, err := d.Load("note")
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, text := range []string{"one", "", strings.Repeat("x", 100_000)} {
		require.NoError(t, d.Save(t.Context(), "note", []byte(text)))
		got, err := d.Load("note")
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	left, err := os.ReadDir(filepath.Join(path, "tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.Empty(t, list(t, d))
}

// withNote makes a Maildir without mail, and with a file of Save's.
func withNote(t *testing.T) (*modelFS, *Dir) {
	t.Helper()
	disk, d, _ := withMail(t)
	require.NoError(t, d.Save(t.Context(), "note", []byte("before")))
	disk.settle()
	return disk, d
}

func TestCrashDuringSave(t *testing.T) {
	t.Parallel()
	disk, d := withNote(t)
	states, allowed := 0, []string{"before", "after"}
	disk.after = func(op string) {
		disk.crashes(func(after *modelFS) {
			states++
			got, err := after.readFile("note", 100)
			require.NoError(t, err, op)
			require.Contains(t, allowed, string(got), op)
		})
	}
	require.NoError(t, d.Save(t.Context(), "note", []byte("after")))
	allowed = []string{"after"}
	disk.after("Save")
	require.Greater(t, states, 10)
}

// TestFaultDuringSave fails each call in turn: what is there is what was, or what was
// to be.
func TestFaultDuringSave(t *testing.T) {
	t.Parallel()
	for at := 1; ; at++ {
		disk, d := withNote(t)
		disk.calls, disk.failAt, disk.errno = 0, at, os.ErrPermission
		saved := d.Save(t.Context(), "note", []byte("after"))
		disk.crashes(func(after *modelFS) {
			got, err := after.readFile("note", 100)
			require.NoError(t, err)
			if string(got) != "after" {
				require.Equal(t, "before", string(got))
				require.Error(t, saved)
			}
		})
		if disk.calls < at {
			require.NoError(t, saved)
			require.Greater(t, at, 4)
			return
		}
	}
}
