package proc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Resident returns the octets of memory that a process and its descendants
// have; of a page that several processes share, each has its part.
func Resident(pid int) (int64, error) {
	processes, err := tree(pid)
	if err != nil {
		return 0, err
	}
	var total int64
	for _, p := range processes {
		n, err := proportional(p.pid)
		if os.IsNotExist(err) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func proportional(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("process %d does not tell its memory", pid)
}
