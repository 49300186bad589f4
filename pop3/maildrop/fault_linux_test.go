package maildrop_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
)

// nobody is a user who may do nothing in particular.
const nobody = 65534

// asNobody runs f as a user who may not read what others keep to themselves.
func asNobody(f func()) {
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
		f()
	}()
	<-done
}

// TestMessageThatCannotBeRead locks nobody out: the others can be had, and it can be
// deleted.
func TestMessageThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s, cur := foreign(t, "1.a:2,", "2.b:2,", "3.c:2,")
	closed := filepath.Join(cur, "2.b:2,")
	require.NoError(t, os.Mkdir(filepath.Join(cur, "..", "tmp"), 0o700))
	require.NoError(t, os.Chmod(filepath.Dir(s.Root), 0o755))
	if os.Geteuid() == 0 {
		require.NoError(t, filepath.WalkDir(s.Root, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && path != closed {
				err = os.Chown(path, nobody, nobody)
			}
			return err
		}))
	}
	require.NoError(t, os.Chmod(closed, 0))
	settle(t, s)
	session := func(s *maildrop.Maildir, fetch func(int) bool, remove ...int) (list []pop3.Info, errs []error, err error) {
		asNobody(func() {
			var m pop3.Maildrop
			if m, err = s.Open(context.Background(), alice); err != nil {
				return
			}
			defer m.Close()
			if list, err = m.List(context.Background()); err != nil {
				return
			}
			var gone []pop3.Info
			for i, info := range list {
				if fetch(i) {
					r, err := m.Message(context.Background(), info)
					if err == nil {
						err = r.Close()
					}
					errs = append(errs, err)
				}
			}
			for _, i := range remove {
				gone = append(gone, list[i])
			}
			err = m.Commit(context.Background(), gone)
		})
		return list, errs, err
	}
	all := func(int) bool { return true }

	for range 2 {
		list, errs, err := session(s, all)
		require.NoError(t, err)
		require.Equal(t, []pop3.Info{{UID: "1.a", Size: 3}, {UID: "2.b", Size: 1}, {UID: "3.c", Size: 3}}, list)
		require.NoError(t, errs[0])
		require.ErrorIs(t, errs[1], fs.ErrPermission)
		require.NoError(t, errs[2])
	}

	// Once it can be read it is counted, though nothing in the folders has changed.
	require.NoError(t, os.Chmod(closed, 0o644))
	list, _, err := session(s, all)
	require.NoError(t, err)
	require.EqualValues(t, 3, list[1].Size)
	require.NoError(t, os.Chmod(closed, 0))

	anew := &maildrop.Maildir{Root: s.Root}
	_, _, err = session(anew, func(int) bool { return false }, 1)
	require.NoError(t, err)
	list, _, err = session(anew, all)
	require.NoError(t, err)
	require.Len(t, list, 2)
}
