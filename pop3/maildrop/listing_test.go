package maildrop_test

import (
	"io"
	"os"
	"path/filepath"
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

// While nothing has changed no folder is read: what is altered behind the folder's time does not show.
func TestRememberedListingReadsNoFolder(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir()}
	_, err := s.Deliver(t.Context(), "alice", strings.NewReader("one"))
	require.NoError(t, err)
	settle(t, s)
	_, first := texts(t, s)
	require.NoError(t, os.WriteFile(filepath.Join(s.Root, "alice", "cur", "9.x:2,S"), []byte("x"), 0o600))
	settle(t, s)
	// The time is an hour ago again, but not the same hour.
	_, second := texts(t, s)
	require.Len(t, second, 2)
	info, err := os.Stat(filepath.Join(s.Root, "alice", "cur"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.Root, "alice", "cur", "7.z:2,S"), []byte("z"), 0o600))
	require.NoError(t, os.Chtimes(filepath.Join(s.Root, "alice", "cur"), info.ModTime(), info.ModTime()))
	m, third := openDrop(t, s, alice)
	require.Equal(t, second, third)
	require.NoError(t, m.Close())
	require.Len(t, first, 1)
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
