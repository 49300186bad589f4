package maildir

import (
	"io/fs"
	"syscall"
	"time"
)

// noted gives the time of the last change of what info is about.
func noted(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
