package usersfile

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// TestSaltKeyStays: it is made once, and whoever comes later has the same.
func TestSaltKeyStays(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "salt")
	key, err := SaltKey(name)
	require.NoError(t, err)
	require.Len(t, key, 32)
	require.NotEqual(t, make([]byte, 32), key)
	again, err := SaltKey(name)
	require.NoError(t, err)
	require.Equal(t, key, again)
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	other, err := SaltKey(filepath.Join(t.TempDir(), "salt"))
	require.NoError(t, err)
	require.NotEqual(t, key, other)
}

// TestSaltKeyOfMany: of many that find no key at a time none goes on with one of its own.
func TestSaltKeyOfMany(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "salt")
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys := map[string]bool{}
	for range 20 {
		wg.Go(func() {
			if key, err := SaltKey(name); err == nil {
				mu.Lock()
				defer mu.Unlock()
				keys[string(key)] = true
			}
		})
	}
	wg.Wait()
	require.Len(t, keys, 1)
}

func TestSaltKeyRefuses(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "salt")
	for _, text := range []string{"", "secret", strings.Repeat("ab", 31), strings.Repeat("ab", 33), strings.Repeat("xy", 32), "ab\n" + strings.Repeat("ab", 31)} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		_, err := SaltKey(name)
		require.ErrorContains(t, err, "not a key", "%q", text)
		require.NotContains(t, err.Error(), "secret")
	}
	require.NoError(t, os.WriteFile(name, []byte(strings.Repeat("ab", 32)), 0o600))
	_, err := SaltKey(name)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(name, 0o644))
	_, err = SaltKey(name)
	open := new(PermissionError)
	require.ErrorAs(t, err, &open)
	_, err = SaltKey(t.TempDir())
	require.Error(t, err)
	_, err = SaltKey(filepath.Join(t.TempDir(), "none", "salt"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestUnknownUserStays: with the key of a file, a server that is started again tells of
// users who do not exist what it told before: the salt, how long it is, how often it is
// iterated. And that is what it might tell of one who does.
func TestUnknownUserStays(t *testing.T) {
	t.Parallel()
	key, err := SaltKey(filepath.Join(t.TempDir(), "salt"))
	require.NoError(t, err)
	text := "old:" + fromRFC7677 + "\nolder:" + fromRFC7677 + "\n"
	for _, user := range []string{"new", "newer", "newest"} {
		text += user + ":" + must(Make(SCRAMSHA256, "x")) + "\n"
	}
	told := map[string]int{}
	firsts := map[string]string{}
	for start := range 3 {
		f, _ := file(t, text, &Config{SaltKey: key})
		s := &auth.Server{SCRAM: f, SaltKey: key, InsecureAllowCleartext: true}
		for i := range 100 {
			user := "nobody" + strings.Repeat("x", i)
			x, err := s.Start(t.Context(), auth.ConnectionState{}, "SCRAM-SHA-256")
			require.NoError(t, err)
			first, _, err := x.Next(t.Context(), []byte("n,,n="+user+",r=abc"))
			require.NoError(t, err)
			_, of, _ := strings.Cut(string(first), ",")
			if start == 0 {
				firsts[user] = of
				_, iterations, _ := strings.Cut(of, ",i=")
				told[iterations]++
			}
			require.Equal(t, firsts[user], of, user)
		}
	}
	require.Greater(t, told["4096"], 10, "as some have")
	require.Greater(t, told["32768"], 10, "as the others have")
	require.Len(t, told, 2)
}
