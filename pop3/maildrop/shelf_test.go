package maildrop

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// entered is a session that has listed its messages.
func entered(t *testing.T, m *Maildir, user string) (*session, []pop3.Info) {
	t.Helper()
	drop, err := m.Open(t.Context(), &auth.Identity{User: user, Name: user})
	require.NoError(t, err)
	infos, err := drop.List(t.Context())
	require.NoError(t, err)
	return drop.(*session), infos
}

func fetched(s *session, info pop3.Info) (string, error) {
	r, err := s.Message(context.Background(), info)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

// opened says how many sessions have a Maildir open.
func (f *shelf) opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open.Len()
}

// TestIdleSessionsHoldTheirLocksAlone: of many sessions a few have a Maildir open, and
// one that has yielded has nothing open; but each can do what it likes.
func TestIdleSessionsHoldTheirLocksAlone(t *testing.T) {
	t.Parallel()
	const users = 2 * maxOpen
	m := &Maildir{Root: t.TempDir()}
	sessions, messages := make([]*session, users), make([]pop3.Info, users)
	for i := range users {
		_, err := m.Deliver(t.Context(), fmt.Sprint(i), strings.NewReader(fmt.Sprint(i, "\n")))
		require.NoError(t, err)
		var infos []pop3.Info
		sessions[i], infos = entered(t, m, fmt.Sprint(i))
		require.Len(t, infos, 1)
		messages[i] = infos[0]
		require.LessOrEqual(t, m.shelf.opened(), maxOpen)
	}
	require.Nil(t, sessions[0].dir)

	var all sync.WaitGroup
	for i, s := range sessions {
		all.Go(func() {
			for range 3 {
				if text, err := fetched(s, messages[i]); err != nil || text != fmt.Sprint(i, "\r\n") {
					t.Error(text, err)
				}
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, m.shelf.opened(), maxOpen)

	for i, s := range sessions {
		s.Yield()
		require.Nil(t, s.dir)
		if i%2 == 0 {
			require.NoError(t, s.Resume(t.Context()))
			require.NoError(t, s.Commit(t.Context(), messages[i:i+1]))
		}
		require.NoError(t, s.Close())
	}
	require.Zero(t, m.shelf.opened())
	for i := range users {
		s, infos := entered(t, m, fmt.Sprint(i))
		require.Len(t, infos, i%2)
		require.NoError(t, s.Close())
	}
	require.Zero(t, m.holders.Len())
}

// TestMaildirThatWasReplaced: what stands in the place of a session's Maildir, and is
// not guarded by its lock, is not touched.
func TestMaildirThatWasReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no flock")
	}
	t.Parallel()
	for _, row := range []struct {
		name    string
		replace func(t *testing.T, folder string)
	}{
		{"another Maildir", func(t *testing.T, folder string) {
			require.NoError(t, os.Rename(folder, folder+".old"))
			require.NoError(t, os.CopyFS(folder, os.DirFS(folder+".old")))
		}},
		{"another lock", func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, lockName)))
			d, err := maildir.Open(folder)
			require.NoError(t, err)
			l, err := d.Lock(lockName)
			require.NoError(t, err)
			t.Cleanup(func() {
				require.NoError(t, l.Close())
				require.NoError(t, d.Close())
			})
		}},
		{"no lock", func(t *testing.T, folder string) { require.NoError(t, os.Remove(filepath.Join(folder, lockName))) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := &Maildir{Root: t.TempDir()}
			_, err := m.Deliver(t.Context(), "alice", strings.NewReader("a\n"))
			require.NoError(t, err)
			s, infos := entered(t, m, "alice")
			require.NoError(t, m.shelf.close(s)) // as for others it may be at any time
			row.replace(t, filepath.Join(m.Root, "alice"))

			_, err = fetched(s, infos[0])
			require.ErrorIs(t, err, maildir.ErrLocked)
			require.ErrorIs(t, s.Commit(t.Context(), infos), maildir.ErrLocked)
			require.NoError(t, s.Close())
			d, err := maildir.Open(filepath.Join(m.Root, "alice"))
			require.NoError(t, err)
			left, err := d.List(t.Context())
			require.NoError(t, err)
			require.Len(t, left, 1)
			require.NoError(t, d.Close())
		})
	}
}
