//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package maildir

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLockEndsWithClose: also when a process that is being started has inherited the file.
func TestLockEndsWithClose(t *testing.T) {
	t.Parallel()
	d, _ := open(t)
	l, err := d.Lock("x")
	require.NoError(t, err)
	inherited, err := syscall.Dup(int(l.file.Fd()))
	require.NoError(t, err)
	defer syscall.Close(inherited)
	require.NoError(t, l.Close())
	l, err = d.Lock("x")
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
