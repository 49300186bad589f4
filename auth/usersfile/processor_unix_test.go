//go:build unix

package usersfile_test

import (
	"syscall"
	"time"
)

// processor is the time that this process has had of the processor.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
