//go:build unix

package maildir

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLoadOfWhatNobodySaved: the owner of a Maildir can neither hold nor fill the
// program that loads a file of it.
func TestLoadOfWhatNobodySaved(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	note := filepath.Join(path, "note")

	require.NoError(t, syscall.Mkfifo(note, 0o600))
	_, err := d.Load("note")
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.NoError(t, os.Remove(note))

	_, err = d.Load("cur")
	require.ErrorIs(t, err, fs.ErrInvalid)

	require.NoError(t, os.Symlink("/dev/zero", note))
	_, err = d.Load("note")
	require.Error(t, err)
	require.NoError(t, os.Remove(note))

	require.NoError(t, os.WriteFile(note, nil, 0o600))
	require.NoError(t, os.Truncate(note, 1<<40)) // a hole: it takes no room
	_, err = d.Load("note")
	require.ErrorIs(t, err, ErrTooLarge)
	require.NoError(t, os.Truncate(note, 3))
	got, err := d.Load("note")
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0}, got)

	big := make([]byte, d.saveLimit()+1)
	require.ErrorIs(t, d.Save(t.Context(), "note", big), ErrTooLarge)
}
