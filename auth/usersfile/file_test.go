package usersfile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// write puts a text into a file that is old enough to be read.
func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	age(t, name)
}

// aged counts the changes, so that each has a time of its own.
var aged struct {
	sync.Mutex
	n time.Duration
}

func age(t *testing.T, name string) {
	t.Helper()
	aged.Lock()
	defer aged.Unlock()
	aged.n++
	then := time.Now().Add(-time.Hour + aged.n*time.Second)
	require.NoError(t, os.Chtimes(name, then, then))
}

func file(t *testing.T, text string, cfg *Config) (*File, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "users")
	write(t, name, text)
	f, err := Open(name, cfg)
	require.NoError(t, err)
	return f, name
}

func TestVerifyPassword(t *testing.T) {
	t.Parallel()
	f, _ := file(t, "tim:tanstaaf\nann:"+fromBcrypt+"\nkeys:"+fromRFC7677+"\n", nil)
	for _, row := range []struct {
		user, password string
		want           bool
	}{
		{"tim", "tanstaaf", true},
		{"tim", "tanstaa", false},
		{"TIM", "tanstaaf", false},
		{"ann", "secret1", true},
		{"ann", fromBcrypt, false},
		{"keys", "pencil", true},
		{"keys", fromRFC7677, false},
		{"nobody", "tanstaaf", false},
		{"nobody", "secret1", false},
		{"nobody", "pencil", false},
		{"", "", false},
	} {
		err := f.VerifyPassword(t.Context(), row.user, row.password)
		if row.want {
			require.NoError(t, err, row)
		} else {
			require.ErrorIs(t, err, auth.ErrCredentials, row)
		}
	}
	require.Equal(t, []string{"ann", "keys", "tim"}, f.Users())
	require.True(t, f.Has("tim"))
	require.False(t, f.Has("nobody"))
}

func TestSecret(t *testing.T) {
	t.Parallel()
	f, _ := file(t, "tim:tan:staaf\nann:"+fromBcrypt+"\n", nil)
	secret, err := f.Secret(t.Context(), "tim")
	require.NoError(t, err)
	require.Equal(t, "tan:staaf", secret)
	for _, user := range []string{"ann", "nobody"} {
		_, err := f.Secret(t.Context(), user)
		require.ErrorIs(t, err, auth.ErrCredentials, user)
	}
}

func TestSCRAM(t *testing.T) {
	t.Parallel()
	sha1 := must(Make(SCRAMSHA1, "pencil"))
	for _, row := range []struct {
		name, text string
		offered    map[auth.SCRAMHash]int // iterations
	}{
		{"nobody", "", nil},
		{"keys", "a:" + fromRFC7677, map[auth.SCRAMHash]int{auth.SCRAMSHA256: 4096}},
		{"two hashes", "a:" + fromRFC7677 + "\na:" + sha1, map[auth.SCRAMHash]int{auth.SCRAMSHA256: 4096, auth.SCRAMSHA1: 32768}},
		{"plain", "a:b", map[auth.SCRAMHash]int{auth.SCRAMSHA1: 4096, auth.SCRAMSHA256: 4096, auth.SCRAMSHA512: 4096}},
		{"plain too", "a:b\nb:" + sha1, map[auth.SCRAMHash]int{auth.SCRAMSHA1: 32768}},
		{"one cannot", "a:" + fromRFC7677 + "\nb:" + fromBcrypt, nil},
		{"one has another", "a:" + fromRFC7677 + "\nb:" + sha1, nil},
		{"most", "a:" + fromRFC7677 + "\nb:" + must(Make(SCRAMSHA256, "x")) + "\nc:" + must(Make(SCRAMSHA256, "x")), map[auth.SCRAMHash]int{auth.SCRAMSHA256: 32768}},
	} {
		f, _ := file(t, row.text, nil)
		for h := auth.SCRAMHash(0); h < 9; h++ {
			require.Equal(t, row.offered[h], f.SCRAMParams(h).Iterations, "%s: %v", row.name, h)
			for _, u := range f.Users() {
				k, err := f.SCRAMKeys(t.Context(), h, u)
				if row.offered[h] == 0 {
					continue
				}
				require.NoError(t, err)
				require.Equal(t, h, k.Hash)
				again, err := f.SCRAMKeys(t.Context(), h, u)
				require.NoError(t, err)
				require.Equal(t, again, k, "the salt stays")
			}
			_, err := f.SCRAMKeys(t.Context(), h, "nobody")
			require.ErrorIs(t, err, auth.ErrCredentials)
		}
	}
	f, _ := file(t, "a:b\nc:d\n", nil)
	a, err := f.SCRAMKeys(t.Context(), auth.SCRAMSHA256, "a")
	require.NoError(t, err)
	require.True(t, a.Verify("b"))
	c, err := f.SCRAMKeys(t.Context(), auth.SCRAMSHA256, "c")
	require.NoError(t, err)
	require.NotEqual(t, a.Salt, c.Salt)
	var salts [2][]byte
	for i := range salts {
		f, _ := file(t, "a:b\n", &Config{SaltKey: []byte("key")})
		a, err := f.SCRAMKeys(t.Context(), auth.SCRAMSHA256, "a")
		require.NoError(t, err)
		salts[i] = a.Salt
	}
	require.Equal(t, salts[0], salts[1], "the next time too")
}

// counting is a secret that counts how often it is hashed.
type counting struct{ n *int }

func (c counting) verify(string) bool { *c.n++; return true }

// TestUnknownUserCostsAsMuch: for each a secret of the file is hashed, always the
// same one, and of many names each has its share.
func TestUnknownUserCostsAsMuch(t *testing.T) {
	t.Parallel()
	f, _ := file(t, "a:x\nb:x\nc:x\n", nil)
	users := f.users.Load()
	counts := map[string]*int{}
	for name, u := range users.users {
		counts[name] = new(int)
		u.secret = counting{counts[name]}
	}
	total := func() int { return *counts["a"] + *counts["b"] + *counts["c"] }
	for i := range 300 {
		user := fmt.Sprint("nobody", i)
		before := [3]int{*counts["a"], *counts["b"], *counts["c"]}
		for range 2 {
			require.ErrorIs(t, f.VerifyPassword(t.Context(), user, "x"), auth.ErrCredentials)
		}
		after := [3]int{*counts["a"], *counts["b"], *counts["c"]}
		require.Contains(t, [][3]int{{2, 0, 0}, {0, 2, 0}, {0, 0, 2}}, [3]int{after[0] - before[0], after[1] - before[1], after[2] - before[2]})
	}
	require.Equal(t, 600, total())
	for name, n := range counts {
		require.Greater(t, *n, 60, name)
	}
	require.NoError(t, f.VerifyPassword(t.Context(), "a", "x"))
	require.Equal(t, 601, total())
}

// slow is a secret that takes until it is told.
type slow struct {
	begun chan struct{}
	end   chan struct{}
}

func (s slow) verify(string) bool { s.begun <- struct{}{}; <-s.end; return true }

func TestMaxHashes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := file(t, "a:x\n", &Config{MaxHashes: 2})
		s := slow{make(chan struct{}, 9), make(chan struct{})}
		f.users.Load().users["a"].secret = s
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() { _ = f.VerifyPassword(context.Background(), "a", "x") })
		}
		synctest.Wait()
		require.Len(t, s.begun, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := f.VerifyPassword(ctx, "a", "x")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, auth.ErrCredentials, "it was not found out")
		close(s.end)
		wg.Wait()
		require.Len(t, s.begun, 3)
	})
}

// TestReportByDefault is not parallel: it changes the default logger.
func TestReportByDefault(t *testing.T) {
	var out strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	f, name := file(t, "a:1\n", nil)
	write(t, name, "a:1\nsecret without a colon\n")
	for range 2 {
		require.Error(t, f.Reload())
	}
	require.Equal(t, 1, strings.Count(out.String(), "cannot be used"), "told once")
	require.NotContains(t, out.String(), "secret")
	require.True(t, f.Has("a"))
}

func TestReload(t *testing.T) {
	t.Parallel()
	var reports []error
	var changed [][]string
	f, name := file(t, "a:1\nb:1\nc:1\n", &Config{
		Report:  func(err error) { reports = append(reports, err) },
		Changed: func(users []string) { changed = append(changed, users) },
	})
	works := func(user, password string) bool {
		err := f.VerifyPassword(t.Context(), user, password)
		require.True(t, err == nil || errors.Is(err, auth.ErrCredentials), err)
		return err == nil
	}
	reload := func() error { f.next.Store(0); _ = f.Has(""); return f.Reload() }

	write(t, name, "# new\na:2\nb:1\nd:1\n")
	require.NoError(t, reload())
	require.True(t, works("a", "2"))
	require.False(t, works("a", "1"))
	require.False(t, works("c", "1"))
	require.True(t, works("d", "1"))
	require.Equal(t, [][]string{{"a", "c"}}, changed, "who was there and is another now")

	// What is broken changes nothing, and is told once.
	for i, text := range []string{"a:3\nbroken\n", "a:3\nbroken, otherwise\n"} {
		write(t, name, text)
		for range 3 {
			wrong := new(SyntaxError)
			require.ErrorAs(t, reload(), &wrong)
			require.Equal(t, 2, wrong.Line)
		}
		require.Len(t, reports, i+1)
		require.True(t, works("a", "2"))
	}
	require.NoError(t, os.Remove(name))
	require.ErrorIs(t, reload(), os.ErrNotExist)
	require.ErrorIs(t, reload(), os.ErrNotExist)
	require.Len(t, reports, 3)
	require.True(t, works("a", "2"))
	require.NoError(t, os.Mkdir(name, 0o700))
	require.ErrorContains(t, reload(), "not a regular file")
	require.NoError(t, os.Remove(name))
	write(t, name, "a:4\nb:1\nd:1\n")
	require.NoError(t, reload())
	require.True(t, works("a", "4"))
	require.NoError(t, os.Chmod(name, 0o644))
	wrong := new(PermissionError)
	require.ErrorAs(t, reload(), &wrong)
	require.Len(t, reports, 5)
	require.Equal(t, [][]string{{"a", "c"}, {"a"}}, changed)

	// A link that is led elsewhere is a change.
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, "a:5\n")
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.Symlink(other, name))
	require.NoError(t, reload())
	require.True(t, works("a", "5"))
}

// TestUnsettled: what was written a moment ago may be half of it.
func TestUnsettled(t *testing.T) {
	t.Parallel()
	f, name := file(t, "a:1\nb:1\n", nil)
	require.NoError(t, os.WriteFile(name, []byte("a:2\n"), 0o600))
	now := time.Now()
	require.NoError(t, os.Chtimes(name, now, now))
	require.NoError(t, f.Reload())
	if time.Since(now) < settled {
		require.True(t, f.Has("b"), "not read yet")
	}
	age(t, name)
	require.NoError(t, f.Reload())
	require.False(t, f.Has("b"))

	// A clock that is wrong must not keep it from being read at all.
	require.NoError(t, os.WriteFile(name, []byte("c:2\n"), 0o600))
	future := time.Now().Add(24 * time.Hour)
	require.NoError(t, os.Chtimes(name, future, future))
	require.NoError(t, f.Reload())
	require.True(t, f.Has("c"))
}

// TestLookedAtOncePerCheck.
func TestLookedAtOncePerCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, name := file(t, "a:1\n", &Config{Check: 10 * time.Second})
		write(t, name, "b:1\n")
		future := time.Now().Add(24 * time.Hour) // of the clock here, which is not the file system's
		require.NoError(t, os.Chtimes(name, future, future))
		time.Sleep(10*time.Second - time.Nanosecond)
		require.True(t, f.Has("a"))
		time.Sleep(time.Nanosecond)
		require.True(t, f.Has("b"))
	})
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changed []string
		f, name := file(t, "a:1\n", &Config{Changed: func(users []string) { changed = users }})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { f.Watch(ctx); close(over) }()
		write(t, name, "a:2\n")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"a"}, changed)
		cancel()
		<-over
	})
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Open(filepath.Join(dir, "none"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(dir, nil)
	require.ErrorContains(t, err, "not a regular file")
	name := filepath.Join(dir, "users")
	write(t, name, strings.Repeat("#\n", 10))
	_, err = Open(name, &Config{MaxBytes: 19})
	require.ErrorContains(t, err, "larger than 19 octets")
	_, err = Open(name, &Config{MaxBytes: 20})
	require.NoError(t, err)
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o400: true, 0o644: false, 0o660: false, 0o602: false, 0o604: false} {
		require.NoError(t, os.Chmod(name, mode))
		_, err := Open(name, nil)
		wrong := new(PermissionError)
		require.Equal(t, !fine, errors.As(err, &wrong), "%o: %v", mode, err)
		_, err = Open(name, &Config{InsecurePermissions: true})
		require.NoError(t, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	f, name := file(t, "a:1\n", &Config{Check: 1, Changed: func([]string) {}})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := f.VerifyPassword(context.Background(), "a", "1"); err != nil {
					t.Error(err)
				}
				_, _ = f.SCRAMKeys(context.Background(), auth.SCRAMSHA1, "nobody")
				_ = f.Reload()
			}
		})
	}
	for i := range 50 {
		if err := Set(name, fmt.Sprint("b", i%3), "x"); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}
