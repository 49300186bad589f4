package maildir

import (
	"io/fs"
	"syscall"
)

// noted gives the time of the last change of what info is about.
func noted(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ctim.Nano()
	}
	return 0
}
