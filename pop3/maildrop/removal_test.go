package maildrop_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// texts gives the messages that a client sees.
func texts(t *testing.T, s pop3.Store) (texts []string, list []pop3.Info) {
	t.Helper()
	m, list := openDrop(t, s, alice)
	defer m.Close()
	for _, info := range list {
		r, err := m.Message(t.Context(), info)
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		texts = append(texts, strings.TrimSuffix(string(b), "\r\n"))
	}
	return texts, list
}

func remove(t *testing.T, s pop3.Store, which ...int) {
	t.Helper()
	m, list := openDrop(t, s, alice)
	var deleted []pop3.Info
	for _, i := range which {
		deleted = append(deleted, list[i])
	}
	require.NoError(t, m.Commit(t.Context(), deleted))
	require.NoError(t, m.Close())
}

// onDisk gives the messages of a folder of alice's Maildir.
func onDisk(t *testing.T, s *maildrop.Maildir, folder string) int {
	t.Helper()
	d, err := maildir.Open(filepath.Join(s.Root, "alice", folder))
	require.NoError(t, err)
	defer d.Close()
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	return len(entries)
}

func TestRemoval(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		removal     maildrop.Removal
		trash       string
		inbox, gone int
		folder      string
	}{
		{"expunge", maildrop.Expunge, "", 2, 0, ""},
		{"hide", maildrop.Hide, "", 5, 0, ""},
		{"trash", maildrop.MoveToTrash, "", 2, 3, ".Trash"},
		{"another folder", maildrop.MoveToTrash, "POP.Deleted", 2, 3, ".POP.Deleted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc1939-7-14")
			root := t.TempDir()
			fresh := func() *maildrop.Maildir {
				return &maildrop.Maildir{Root: root, Removal: tt.removal, Trash: tt.trash}
			}
			s := fresh()
			for i := range 5 {
				_, err := s.Deliver(t.Context(), "alice", strings.NewReader(fmt.Sprint(i)))
				require.NoError(t, err)
			}
			_, before := texts(t, s)
			remove(t, s, 1, 3)
			remove(t, s)
			remove(t, s, 2) // "4": the numbers have moved up
			for _, s := range []*maildrop.Maildir{s, fresh()} {
				got, list := texts(t, s)
				require.Equal(t, []string{"0", "2"}, got)
				require.Equal(t, []pop3.Info{before[0], before[2]}, list, "what is left keeps its unique-id")
			}
			require.Equal(t, tt.inbox, onDisk(t, s, ""))
			if tt.folder != "" {
				require.Equal(t, tt.gone, onDisk(t, s, tt.folder))
			}
			_, err := s.Deliver(t.Context(), "alice", strings.NewReader("new"))
			require.NoError(t, err)
			got, _ := texts(t, s)
			require.Equal(t, []string{"0", "2", "new"}, got)
		})
	}
}

// What is hidden is not forgotten by being hidden twice, and is forgotten when it is gone.
func TestHiddenIsPruned(t *testing.T) {
	t.Parallel()
	s := &maildrop.Maildir{Root: t.TempDir(), Removal: maildrop.Hide}
	for i := range 3 {
		_, err := s.Deliver(t.Context(), "alice", strings.NewReader(fmt.Sprint(i)))
		require.NoError(t, err)
	}
	hidden := func() int {
		text, err := os.ReadFile(filepath.Join(s.Root, "alice", "pop3-hidden"))
		require.NoError(t, err)
		return strings.Count(string(text), "\n")
	}
	remove(t, s, 0)
	require.Equal(t, 1, hidden())
	remove(t, s, 0)
	require.Equal(t, 2, hidden())
	d, err := maildir.Open(filepath.Join(s.Root, "alice"))
	require.NoError(t, err)
	defer d.Close()
	entries, err := d.List(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Remove(t.Context(), entries[0]))
	remove(t, s, 0)
	require.Equal(t, 2, hidden(), "one is gone from the disk, one is new")
	got, _ := texts(t, s)
	require.Empty(t, got)
}

func TestRemovalIsChecked(t *testing.T) {
	t.Parallel()
	for _, s := range []*maildrop.Maildir{
		{Removal: 7}, {Removal: maildrop.MoveToTrash, Trash: "../x"}, {Removal: maildrop.MoveToTrash, Trash: ".x"},
	} {
		s.Root = t.TempDir()
		_, err := s.Open(t.Context(), alice)
		require.Error(t, err)
	}
}
