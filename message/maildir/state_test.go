package maildir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStateBehindALink: new and cur may be links to other folders of the Maildir. What
// comes into these shows.
func TestStateBehindALink(t *testing.T) {
	t.Parallel()
	old := time.Now().Add(-time.Hour)
	for _, dir := range []string{dirNew, dirCur} {
		d, path := open(t)
		elsewhere := filepath.Join(path, ".elsewhere")
		require.NoError(t, os.Rename(filepath.Join(path, dir), elsewhere))
		require.NoError(t, os.Symlink(".elsewhere", filepath.Join(path, dir)))
		for _, folder := range []string{dirNew, dirCur} {
			require.NoError(t, os.Chtimes(filepath.Join(path, folder), old, old))
		}
		before, ok := d.State()
		require.True(t, ok)
		put(t, path, dir, "1.a", "x")
		after, ok := d.State()
		require.False(t, ok)
		require.False(t, after.Equal(before))
		require.Len(t, list(t, d), 1)
	}
}
