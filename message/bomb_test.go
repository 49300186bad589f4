package message_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/bombs"
	"github.com/posthouse/posthouse/message"
)

// TestBombs checks that time and memory grow with the size of a message and no
// faster, with the limits that hold by default and with limits beyond reach. With
// -short it checks memory only, and the former.
func TestBombs(t *testing.T) {
	const small, times = 1 << 15, 16
	high := message.Limits{Depth: 1 << 20, Parts: 1 << 22, HeaderBytes: 1 << 24, Fields: 1 << 22, Defects: 10}
	// The collector would charge the large message for the small one's leavings, and
	// all of it to a machine that is busy with other things.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, bomb := range bombs.All {
		for name, parser := range map[string]message.Parser{"default": {}, "thorough": {Thorough: true}, "no limits": {Limits: high}} {
			if testing.Short() && name != "default" {
				continue
			}
			t.Run(bomb.Name+"/"+name, func(t *testing.T) {
				one, many := bomb.Make(small), bomb.Make(times*small)
				runtime.GC()
				timeOne, allocOne := cost(t, one, parser)
				timeMany, allocMany := cost(t, many, parser)
				// Linear is 16 times as much, quadratic 256.
				require.Less(t, allocMany, 3*times*(allocOne+1<<16), "memory")
				if testing.Short() {
					return
				}
				// A slow measurement counts if it is slow every time.
				for range 10 {
					if timeMany < 4*times*(timeOne+100*time.Microsecond) {
						return
					}
					again, _ := cost(t, one, parser)
					timeOne = max(timeOne, again)
					again, _ = cost(t, many, parser)
					timeMany = min(timeMany, again)
				}
				require.Fail(t, "time grows faster than size", "%v, then %v", timeOne, timeMany)
			})
		}
	}
}

// cost returns how long b takes to read, and what that allocates.
func cost(t *testing.T, b []byte, parser message.Parser) (time.Duration, uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := bombs.ReadAll(b, parser)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return took, after.TotalAlloc - before.TotalAlloc
}

// TestBombMemory checks that the index of a message of 8 MiB takes no more than four
// times its size, whatever is in it, and twice as much for twice the message at most;
// what is allocated does not depend on how busy the machine is.
func TestBombMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads half a gigabyte")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for _, bomb := range bombs.All {
		half, whole := bomb.Make(4<<20), bomb.Make(8<<20)
		one, two := parseAllocs(t, half), parseAllocs(t, whole)
		if two > 4*uint64(len(whole)) {
			t.Errorf("%s: %d octets allocated for %d", bomb.Name, two, len(whole))
		}
		if float64(two) > 2.3*float64(one)+1<<16 {
			t.Errorf("%s: %d octets allocated, and %d for half", bomb.Name, two, one)
		}
		runtime.GC()
	}
}

// parseAllocs returns how much parsing b allocates.
func parseAllocs(t *testing.T, b []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := message.ParseBytes(b)
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	return after.TotalAlloc - before.TotalAlloc
}

// TestOpenBoundaries measures 5,000 open multiparts before 200,000 lines that might be
// boundary lines, if the limits let so many be open. It is meant to be read, with -v.
func TestOpenBoundaries(t *testing.T) {
	if testing.Short() {
		t.Skip("a measurement")
	}
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%07d\r\n\r\n--b%07d\r\n", i, i)
	}
	b.WriteString("\r\n" + strings.Repeat("--z\r\n", 200_000))
	text := []byte(b.String())
	parser := message.Parser{Limits: message.Limits{Depth: 10_000, Defects: 1}} // a defect has a path as long as the depth
	took := time.Hour
	for range 20 {
		start := time.Now()
		m, err := parser.ParseBytes(text)
		took = min(took, time.Since(start))
		require.NoError(t, err)
		require.Len(t, slices.Collect(m.Parts()), 5001)
	}
	t.Logf("%.0f MB/s at best", float64(len(text))/1e6/took.Seconds())
}
