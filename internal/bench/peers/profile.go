package peers

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
)

// ProfileEnv names a folder. If it is set, each contestant in Go writes a
// profile of its processor time there.
const ProfileEnv = "BENCH_PROFILE"

// profile begins the profile of a role, if one is wanted; it is written when
// stop is called or the process is told to end.
func profile(role []string) (stop func(), err error) {
	dir := os.Getenv(ProfileEnv)
	if dir == "" {
		return func() {}, nil
	}
	name := strings.NewReplacer("/", "-").Replace(strings.Join(role, "-"))
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.pprof", name, os.Getpid())))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	stop = func() {
		pprof.StopCPUProfile()
		f.Close()
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		stop()
		os.Exit(0)
	}()
	return stop, nil
}
