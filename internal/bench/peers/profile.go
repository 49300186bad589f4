package peers

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
)

// ProfileEnv names a folder. If it is set, each contestant in Go writes a
// profile of its processor time there, and one of what is on its heap at the end.
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
	heap, err := os.Create(strings.TrimSuffix(f.Name(), ".pprof") + "-heap.pprof")
	if err != nil {
		return nil, err
	}
	stop = sync.OnceFunc(func() { // when it is told to end, its input ends too
		pprof.StopCPUProfile()
		f.Close()
		runtime.GC() // what a sync.Pool holds survives the first
		runtime.GC()
		_ = pprof.WriteHeapProfile(heap) // nobody is there to be told
		heap.Close()
	})
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	go func() {
		<-told
		stop()
		os.Exit(0)
	}()
	return stop, nil
}
