package interop

import (
	"io/fs"
	"os"
	"syscall"
)

// chownLike gives a file to whom another belongs: the server runs as a user of
// its own.
func chownLike(name string, like fs.FileInfo) error {
	st, ok := like.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Chown(name, int(st.Uid), int(st.Gid))
}
