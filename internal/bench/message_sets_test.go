package bench

import (
	"flag"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/posthouse/posthouse/internal/bench/parsing"
)

var messageRounds = flag.Int("message.rounds", 0, "compare parsers on sets of messages in so many `rounds`")

// TestMessageRatios prints how many times as fast as go-message's full parse this
// parser is, in processor time, interleaved: the median of the rounds.
func TestMessageRatios(t *testing.T) {
	if *messageRounds == 0 {
		t.Skip("see -message.rounds")
	}
	runtime.LockOSThread()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	sets, err := parsing.Sets(filepath.Join("..", "..", "..", "shared", "data", "mime"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		name, set := s.Name, s.Messages
		times := make(map[string][]float64)
		repeat := 1 + (24<<20)/max(1, s.Octets())
		for range *messageRounds {
			theirs := spent(set, repeat, parsing.Parsers[parsing.GoMessage])
			for kind, parse := range map[string]func([]byte) (int64, error){
				"full": parsing.Parsers[parsing.Posthouse], "structure and envelope": parsing.Parsers[parsing.Structure],
			} {
				times[kind] = append(times[kind], float64(theirs)/float64(spent(set, repeat, parse)))
			}
		}
		for kind, list := range times {
			slices.Sort(list)
			t.Logf("%s, %s: %.1f times (%.1f to %.1f), %d messages, %d octets", name, kind, list[len(list)/2], list[0], list[len(list)-1], len(set), s.Octets())
		}
	}
}

// spent returns the processor time of parsing the set that many times.
func spent(set [][]byte, repeat int, parse func([]byte) (int64, error)) time.Duration {
	runtime.GC()
	start := processorTime()
	for range repeat {
		for _, b := range set {
			_, _ = parse(b)
		}
	}
	return processorTime() - start
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
