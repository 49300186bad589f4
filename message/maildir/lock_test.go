package maildir

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLock(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	other, err := Open(path)
	require.NoError(t, err)
	defer other.Close()

	l, err := d.Lock("pop3.lock")
	require.NoError(t, err)
	for _, dir := range []*Dir{d, other} {
		_, err = dir.Lock("pop3.lock")
		require.ErrorIs(t, err, ErrLocked)
	}
	free, err := other.Lock("another")
	require.NoError(t, err, "names are independent")
	require.NoError(t, free.Close())

	// Yielded and not taken, it is as if it had been held.
	require.NoError(t, l.Yield())
	require.NoError(t, l.Resume(d))
	_, err = other.Lock("pop3.lock")
	require.ErrorIs(t, err, ErrLocked)

	// Taken, it is lost: while the other has it, and ever after.
	require.NoError(t, l.Yield())
	taken, err := other.Lock("pop3.lock")
	require.NoError(t, err)
	require.ErrorIs(t, l.Resume(other), ErrLocked)
	require.NoError(t, taken.Close())
	require.ErrorIs(t, l.Resume(other), ErrLocked)
	require.NoError(t, l.Close())

	again, err := other.Lock("pop3.lock")
	require.NoError(t, err)
	require.NoError(t, again.Close())
	require.Empty(t, list(t, d), "the lock is no message")
}

// TestLockNeedsNoDir: while nobody uses the Maildir, a lock that is held is all that is
// open, and one that is yielded has nothing open.
func TestLockNeedsNoDir(t *testing.T) {
	t.Parallel()
	d, path := open(t)
	l, err := d.Lock("x")
	require.NoError(t, err)
	require.NoError(t, d.Close())
	anew, err := Open(path)
	require.NoError(t, err)
	defer anew.Close()
	require.NoError(t, l.Guards(anew))
	_, err = anew.Lock("x")
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, l.Yield())
	require.Nil(t, l.file)
	require.NoError(t, l.Resume(anew))
	_, err = anew.Lock("x")
	require.ErrorIs(t, err, ErrLocked)

	other, _ := open(t)
	require.ErrorIs(t, l.Guards(other), ErrLocked)
	require.NoError(t, os.Remove(filepath.Join(path, "x")))
	require.ErrorIs(t, l.Guards(anew), ErrLocked)
	require.NoError(t, l.Yield())
	require.ErrorIs(t, l.Resume(anew), ErrLocked, "the file is gone, and with it who has had the lock")
	require.NoError(t, l.Close())
}

// TestLockDiesWithItsProcess kills a process that has the lock.
func TestLockDiesWithItsProcess(t *testing.T) {
	const variable = "MAILDIR_LOCK_TEST"
	if path := os.Getenv(variable); path != "" {
		d, err := Open(path)
		require.NoError(t, err)
		_, err = d.Lock("pop3.lock")
		require.NoError(t, err)
		_, _ = os.Stdout.WriteString("locked\n")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until we are killed
		return
	}
	if runtime.GOOS == "windows" {
		t.Skip("there is no flock")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "Maildir")
	d, err := Open(path)
	require.NoError(t, err)
	defer d.Close()
	child := exec.Command(os.Args[0], "-test.run=^TestLockDiesWithItsProcess$")
	child.Env = append(os.Environ(), variable+"="+path)
	stdin, err := child.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "locked\n", line)
	_, err = d.Lock("pop3.lock")
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // it was killed
	l, err := d.Lock("pop3.lock")
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
