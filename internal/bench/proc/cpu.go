package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of the times in /proc/PID/stat.
const tick = 10 * time.Millisecond

// cpuClock is the clock of the time that all threads of a process have run.
const cpuClock = 2

// CPU returns the processor time, user and system, that a process and its
// descendants have taken, those included that have ended and were waited for.
// The time of the latter is known to a hundredth of a second, all else to the
// nanosecond.
func CPU(pid int) (time.Duration, error) {
	processes, err := tree(pid)
	if err != nil {
		return 0, err
	}
	var total time.Duration
	for _, p := range processes {
		var t unix.Timespec
		err := unix.ClockGettime(int32(^p.pid<<3|cpuClock), &t)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ESRCH) {
			continue // it has ended meanwhile: what it took will be its parent's
		}
		if err != nil {
			return 0, fmt.Errorf("clock of process %d: %w", p.pid, err)
		}
		total += time.Duration(t.Nano()) + p.reaped
	}
	return total, nil
}

// process is what /proc/PID/stat tells of a process.
type process struct {
	pid, parent int
	reaped      time.Duration // of its children that have ended
}

// tree returns the process pid and its descendants.
func tree(pid int) ([]process, error) {
	root, err := readStat(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	found := []process{root}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var others []process
	for _, path := range paths {
		if p, err := readStat(path); err == nil { // else it has ended
			others = append(others, p)
		}
	}
	for i := 0; i < len(found); i++ {
		for _, p := range others {
			if p.parent == found[i].pid && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	return found, nil
}

// readStat reads a file as proc(5) describes it. The name of the program, in
// parentheses, may hold anything.
func readStat(path string) (process, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return process{}, err
	}
	pid, rest, _ := strings.Cut(string(text), " ")
	rest = rest[strings.LastIndexByte(rest, ')')+1:]
	f := strings.Fields(rest) // from the third field on
	if len(f) < 15 {
		return process{}, fmt.Errorf("%s: cannot be understood", path)
	}
	var n [4]int
	for i, field := range []string{pid, f[1], f[13], f[14]} {
		if n[i], err = strconv.Atoi(field); err != nil {
			return process{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return process{pid: n[0], parent: n[1], reaped: time.Duration(n[2]+n[3]) * tick}, nil
}
