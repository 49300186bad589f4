package maildrop_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// TestBrokenMaildir is told as such, not as an empty one, and does not stay in use.
func TestBrokenMaildir(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "9.x:2,S")
	box := filepath.Dir(cur)
	broken := func(path string) func() {
		require.NoError(t, os.Rename(path, path+".away"))
		return func() {
			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, os.Rename(path+".away", path))
		}
	}

	// Between login and listing.
	m, err := s.Open(t.Context(), alice)
	require.NoError(t, err)
	mend := broken(cur)
	_, err = m.List(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	mend()
	list, err := m.List(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)

	// Before QUIT.
	mend = broken(cur)
	require.Error(t, m.Commit(t.Context(), list))
	mend()
	require.Error(t, m.Commit(t.Context(), []pop3.Info{{UID: "another"}}))
	require.NoError(t, m.Close())

	// At login: a folder, or its lock, is something else.
	for _, name := range []string{"cur", "pop3.lock"} {
		path := filepath.Join(box, name)
		mend = broken(path)
		wrong := map[string]func() error{
			"cur":       func() error { return os.WriteFile(path, nil, 0o600) },
			"pop3.lock": func() error { return os.Mkdir(path, 0o700) },
		}[name]
		require.NoError(t, wrong())
		for range 2 {
			m, err := s.Open(t.Context(), alice)
			if err == nil {
				_, err = m.List(t.Context())
				require.NoError(t, m.Close())
			}
			require.Error(t, err, name)
			require.NotErrorIs(t, err, pop3.ErrInUse, name)
		}
		mend()
	}
	got, _ := texts(t, s)
	require.Equal(t, []string{"x"}, got)
}

// TestHiddenCannotBeRead: who cannot know what was deleted shows nothing at all.
func TestHiddenCannotBeRead(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "9.x:2,S")
	s.Removal = maildrop.Hide
	hidden := filepath.Join(filepath.Dir(cur), "pop3-hidden")
	require.NoError(t, os.Mkdir(hidden, 0o700))
	m, err := s.Open(t.Context(), alice)
	require.NoError(t, err)
	_, err = m.List(t.Context())
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.Error(t, m.Commit(t.Context(), []pop3.Info{{UID: "x"}}))
	require.NoError(t, m.Close())
}

// TestLieOfARememberedListing: a session that has read no folder finds out about a
// wrong size too.
func TestLieOfARememberedListing(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t)
	require.NoError(t, os.WriteFile(filepath.Join(cur, "9.x,S=5,W=7:2,S"), []byte("abcd\n"), 0o600))
	settle(t, s)
	for i, want := range []int64{7, 7, 6} {
		m, list := openDrop(t, s, alice)
		require.Equal(t, want, list[0].Size, "session %d", i)
		if i == 1 {
			r, err := m.Message(t.Context(), list[0])
			require.NoError(t, err)
			text, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, "abcd\r\n", string(text))
			require.NoError(t, r.Close())
		}
		require.NoError(t, m.Close())
	}
}

// TestDeliveryWithoutRoot fails, and says why.
func TestDeliveryWithoutRoot(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: filepath.Join(t.TempDir(), "none")}
	_, err := s.Deliver(t.Context(), "alice", strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = s.Open(t.Context(), alice)
	require.ErrorIs(t, err, fs.ErrNotExist)
}
