package usersfile

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func content(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	_, err = os.Stat(name + ".new")
	require.ErrorIs(t, err, os.ErrNotExist, "nothing is left behind")
	return string(text)
}

func TestSetAndRemove(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "users")
	require.ErrorIs(t, Remove(name, "a"), os.ErrNotExist)
	require.NoError(t, Set(name, "a", "1"))
	require.Equal(t, "a:1\n", content(t, name))
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())

	require.NoError(t, os.WriteFile(name, []byte("# a:\n\na:1\r\nb:2\n#a:4\n\u2168:3"), 0o640))
	require.NoError(t, os.Chmod(name, 0o640))
	require.NoError(t, Set(name, "a", fromRFC7677, must(Make(SCRAMSHA1, "x"))))
	require.Contains(t, content(t, name), "# a:\n\nb:2\n#a:4\n\u2168:3\na:"+fromRFC7677+"\na:SCRAM-SHA-1$")
	info, err = os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode(), "as it was")

	require.NoError(t, Remove(name, "a"))
	require.NoError(t, Set(name, "IX", "{plain}"+"5"))
	require.Equal(t, "# a:\n\nb:2\n#a:4\nIX:{plain}5\n", content(t, name))
	require.ErrorIs(t, Remove(name, "a"), os.ErrNotExist)
	require.NoError(t, Remove(name, "b"))
	require.NoError(t, Remove(name, "IX"))
	require.Equal(t, "# a:\n\n#a:4\n", content(t, name))
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "users")
	const text = "a:1\n"
	write(t, name, text)
	for _, bad := range [][]string{
		{}, {""}, {"x\ny:z"}, {"x\r"}, {"$oops"}, {fromRFC7677, fromRFC7677}, {"x", "y"},
	} {
		require.Error(t, Set(name, "a", bad...), bad)
	}
	for _, user := range []string{"", " a", "#a", "a:b\x00", "\xff"} {
		require.Error(t, Set(name, user, "x"), user)
	}
	require.Error(t, Remove(name, ""))
	require.Equal(t, text, content(t, name))

	write(t, name, "broken\n")
	wrong := new(SyntaxError)
	require.ErrorAs(t, Set(name, "a", "1"), &wrong)
	require.ErrorAs(t, Remove(name, "a"), &wrong)
	require.Equal(t, "broken\n", content(t, name))
	require.ErrorContains(t, Set(filepath.Dir(name), "a", "1"), "not a regular file")
}

// TestEditOfAHugeFile: what is larger than can be read is not cut.
func TestEditOfAHugeFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "users")
	text := "first:" + strings.Repeat("1", 100) + "\n" + strings.Repeat("#"+strings.Repeat(" ", 1022)+"\n", defaultMaxBytes/1024) + "last:1\n"
	write(t, name, text)
	require.ErrorContains(t, Remove(name, "first"), "larger than")
	require.ErrorContains(t, Set(name, "first", "2"), "larger than")
	require.True(t, content(t, name) == text, "the last user is there still")
	write(t, name, text[:defaultMaxBytes-20]+"\n")
	require.ErrorContains(t, Set(name, "second", strings.Repeat("2", 100)), "larger than")
	require.NoError(t, Remove(name, "first"))
}

// TestCrashLeavesOneFile: at each step before the rename NAME.new may be left, with
// anything in it, and the users are those of before.
func TestCrashLeavesOneFile(t *testing.T) {
	t.Parallel()
	for step, left := range map[string]string{"1: made": "", "2: half written": "a:2\nb", "2: written": "a:2\nb:2\n"} {
		f, name := file(t, "a:1\n", nil)
		require.NoError(t, os.WriteFile(name+".new", []byte(left), 0o600))
		require.NoError(t, f.Reload(), step)
		require.NoError(t, f.VerifyPassword(t.Context(), "a", "1"), step)
		require.ErrorIs(t, Set(name, "a", "3"), ErrLocked, step)
		require.ErrorIs(t, Remove(name, "a"), ErrLocked, step)
		got, err := os.ReadFile(name + ".new")
		require.NoError(t, err)
		require.Equal(t, left, string(got), "what another is writing is not touched")
		require.NoError(t, os.Remove(name+".new"))
		require.NoError(t, Set(name, "a", "3"), step)
		require.Equal(t, "a:3\n", content(t, name))
	}
}

// TestSetFollowsLinks: what the link leads to is replaced.
func TestSetFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name, link := filepath.Join(dir, "users"), filepath.Join(t.TempDir(), "link")
	write(t, name, "a:1\n")
	require.NoError(t, os.Symlink(name, link))
	require.NoError(t, Set(link, "a", "2"))
	require.Equal(t, "a:2\n", content(t, name))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeSymlink)
}

// TestConcurrentSet: of many at a time each is done or refused, and none is lost.
func TestConcurrentSet(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "users")
	var wg sync.WaitGroup
	var done atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			if Set(name, string(rune('a'+i)), "x") == nil {
				done.Add(1)
			}
		})
	}
	wg.Wait()
	f, err := Open(name, nil)
	require.NoError(t, err)
	require.Len(t, f.Users(), int(done.Load()))
	require.NotZero(t, done.Load())
}
