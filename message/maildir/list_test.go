package maildir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
