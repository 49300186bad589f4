package maildrop_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3/maildrop"
)

// settle makes a Maildir look as if nobody had touched it for a while.
func settle(t *testing.T, s *maildrop.Maildir) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{"new", "cur"} {
		require.NoError(t, os.Chtimes(filepath.Join(s.Root, "alice", dir), old, old))
	}
}

// A listing is remembered, and whatever happens to the Maildir shows in the next session.
func TestListingIsRemembered(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir()}
	put := func(dir, name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(s.Root, "alice", dir, name), []byte(text), 0o600))
	}
	_, err := s.Deliver(t.Context(), "alice", strings.NewReader("one"))
	require.NoError(t, err)
	put("cur", "9.x:2,S", "x")
	for _, change := range []struct {
		do   func()
		want []string
	}{
		{func() {}, []string{"x", "one"}},
		{func() { put("new", "8.y", "y") }, []string{"y", "x", "one"}},
		{func() { require.NoError(t, os.Rename(s.Root+"/alice/new/8.y", s.Root+"/alice/cur/8.y:2,S")) }, []string{"y", "x", "one"}},
		{func() { require.NoError(t, os.Remove(s.Root+"/alice/cur/8.y:2,S")) }, []string{"x", "one"}},
		{func() { remove(t, s, 0) }, []string{"one"}},
		{func() {
			_, err := s.Deliver(t.Context(), "alice", strings.NewReader("two"))
			require.NoError(t, err)
		}, []string{"one", "two"}},
	} {
		change.do()
		for range 3 {
			got, list := texts(t, s)
			require.Equal(t, change.want, got)
			settle(t, s)
			again, same := texts(t, s)
			require.Equal(t, got, again)
			require.Equal(t, list, same)
		}
	}
}

// While nothing has changed no folder is read: a file that is altered where it stands
// does not show.
func TestRememberedListingReadsNoFolder(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "9.x:2,S")
	settle(t, s)
	_, first := texts(t, s)
	require.NoError(t, os.WriteFile(filepath.Join(cur, "9.x:2,S"), []byte("longer"), 0o600))
	m, second := openDrop(t, s, alice)
	require.Equal(t, first, second)
	require.NoError(t, m.Close())
	settle(t, s) // another hour ago
	m, third := openDrop(t, s, alice)
	require.EqualValues(t, len("longer\r\n"), third[0].Size)
	require.NoError(t, m.Close())
}

// TestRestoredMaildir: who restores a Maildir sets the times of its folders back, to
// what they were when the listing that is remembered was made.
func TestRestoredMaildir(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no other time to go by")
	}
	s, cur := foreign(t, "8.y:2,S", "9.x:2,S")
	settle(t, s)
	_, list := texts(t, s)
	require.Len(t, list, 2)
	info, err := os.Stat(cur)
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(cur, "8.y:2,S")))
	require.NoError(t, os.WriteFile(filepath.Join(cur, "7.z:2,S"), []byte("z"), 0o600))
	require.NoError(t, os.Chtimes(cur, info.ModTime(), info.ModTime()))
	got, _ := texts(t, s)
	require.Equal(t, []string{"z", "x"}, got)
}

// TestCountedSizesAreRemembered: when a Maildir has changed, only messages that are new
// to it are opened to be counted.
func TestCountedSizesAreRemembered(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "1.a:2,", "2.b:2,", "3.c:2,")
	sizes := func() (all []int64) {
		m, list := openDrop(t, s, alice)
		for _, info := range list {
			all = append(all, info.Size)
		}
		require.NoError(t, m.Close())
		return all
	}
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(cur, name), []byte(text), 0o600))
	}
	require.Equal(t, []int64{3, 3, 3}, sizes())
	write("1.a:2,", "\n") // as long as before, and not the same: it shows only to who opens it
	write("2.b:2,", "longer")
	write("4.d:2,", "new")
	require.NoError(t, os.Rename(filepath.Join(cur, "3.c:2,"), filepath.Join(cur, "3.c:2,S")))
	require.Equal(t, []int64{3, 8, 3, 5}, sizes())
	remove(t, s, 3)
	require.Equal(t, []int64{3, 8, 3}, sizes())
}

// impatient is a context that ends when it has been asked so often.
type impatient struct {
	context.Context
	left int
}

func (c *impatient) Err() error {
	if c.left--; c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestCountingIsResumed: of a Maildir with more to count than there is time for, each
// login counts a part.
func TestCountingIsResumed(t *testing.T) {
	t.Parallel()
	const messages = 50
	names := make([]string, messages)
	for i := range names {
		names[i] = fmt.Sprintf("%d.x:2,", i)
	}
	s, _ := foreign(t, names...)
	settle(t, s)
	logins := 0
	for err := context.DeadlineExceeded; err != nil; logins++ {
		require.Less(t, logins, messages, "never")
		m, openErr := s.Open(t.Context(), alice)
		require.NoError(t, openErr)
		_, err = m.List(&impatient{t.Context(), messages + messages/4}) // to list takes one for each
		require.NoError(t, m.Close())
	}
	require.Greater(t, logins, 1)
}

// A message that lied about its size is counted, though its name is remembered.
func TestRememberedLie(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir()}
	_, err := s.Deliver(t.Context(), "alice", strings.NewReader("one"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.Root, "alice", "cur", "9.x,W=5:2,S"), []byte("abcd\n"), 0o600))
	settle(t, s)
	for _, want := range []int64{5, 6, 6} {
		m, list := openDrop(t, s, alice)
		require.Equal(t, want, list[0].Size)
		r, err := m.Message(t.Context(), list[0])
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.NoError(t, m.Close())
	}
}
