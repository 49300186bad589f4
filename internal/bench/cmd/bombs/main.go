// Command bombs measures what messages cost that are made to cost more than their size:
//
//	go run ./cmd/bombs
//	go run ./cmd/bombs -run boundaries -work 'parse thoroughly'
//
// Each is parsed, parsed thoroughly, and parsed and read with all that there is in it,
// the last with limits beyond reach: behind a limit other things are read than before
// it. That is done at a little more than 1 MB and at each doubling up to 9. It prints
// one table in Markdown: the processor time, how many times as much of it each doubling
// takes, and how many octets are allocated for one of the message. The least of several
// measurements counts, since a machine that is busy with other things only ever adds to
// them; a doubling that seems too dear is measured again. It fails if one takes more
// than 2.3 times as much, or a parse with the limits that hold by default allocates
// more than 4 octets for one.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/posthouse/posthouse/internal/bombs"
	"github.com/posthouse/posthouse/message"
)

const (
	mostPerDoubling = 2.3
	mostAllocated   = 4.0

	// At all sizes what is beyond the limits of a header is there.
	smallest, doublings = 9 << 17, 3
)

// works are what is done with a bomb, and how many octets that may allocate for one;
// zero is no goal.
var works = []struct {
	name      string
	do        func([]byte) error
	allocated float64
}{
	{"parse", parse(message.Parser{}), mostAllocated},
	{"parse thoroughly", parse(message.Parser{Thorough: true}), mostAllocated},
	{"read all", func(b []byte) error { return bombs.ReadAll(b, message.Parser{Limits: beyondReach}) }, 0},
}

var beyondReach = message.Limits{Depth: 1 << 20, Parts: 1 << 22, HeaderBytes: 1 << 24, Fields: 1 << 22, Defects: 10}

func parse(parser message.Parser) func([]byte) error {
	return func(b []byte) error {
		_, err := parser.ParseBytes(b)
		return err
	}
}

func main() {
	run := flag.String("run", "", "only bombs whose names this `expression` matches")
	work := flag.String("work", "", "only the `work` of that name: parse, parse thoroughly, read all")
	rounds := flag.Int("rounds", 40, "measurements at most of a doubling that seems too dear; 3 of any other")
	flag.Parse()
	if err := measureAll(*run, *work, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bombs:", err)
		os.Exit(1)
	}
}

func measureAll(run, work string, rounds int) error {
	names, err := regexp.Compile(run)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // what is measured is ours alone
	fmt.Println("| bomb | work | ms at 9 MB | doublings | octets for one | goal |")
	fmt.Println("| --- | --- | --: | --- | --: | --- |")
	missed := 0
	for _, bomb := range bombs.All {
		if !names.MatchString(bomb.Name) {
			continue
		}
		for _, w := range works {
			if work != "" && work != w.name {
				continue
			}
			c, err := measure(bomb, w.do, rounds)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", bomb.Name, w.name, err)
			}
			goal := "met"
			if !c.linear() || w.allocated > 0 && c.allocated > w.allocated {
				goal = "MISSED"
				missed++
			}
			fmt.Printf("| %s | %s | %.2f | %s | %.2f | %s |\n", bomb.Name, w.name,
				float64(c.took[doublings])/float64(time.Millisecond), c.doublings(), c.allocated, goal)
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d missed", missed)
	}
	return nil
}

// cost is what a work costs.
type cost struct {
	took      [doublings + 1]time.Duration // at each size
	allocated float64                      // octets for one of the largest
}

// dear reports whether the doubling of the size number i takes too much.
func (c *cost) dear(i int) bool {
	return float64(c.took[i+1]) > mostPerDoubling*float64(c.took[i])
}

func (c *cost) linear() bool {
	for i := range doublings {
		if c.dear(i) {
			return false
		}
	}
	return true
}

// doublings returns how many times as much each doubling takes.
func (c *cost) doublings() string {
	var s []string
	for i := range doublings {
		s = append(s, fmt.Sprintf("%.2f", float64(c.took[i+1])/float64(c.took[i])))
	}
	return strings.Join(s, " ")
}

func measure(bomb bombs.Bomb, do func([]byte) error, rounds int) (*cost, error) {
	var c cost
	var messages [doublings + 1][]byte
	for i := range c.took {
		c.took[i] = time.Hour
		messages[i] = bomb.Make(smallest << i)
	}
	var errs []error
	again := func(i int) {
		took, allocated, err := spent(func() error { return do(messages[i]) })
		c.took[i] = min(c.took[i], took)
		c.allocated = float64(allocated) / float64(len(messages[i]))
		errs = append(errs, err)
	}
	for range 3 {
		for i := range c.took {
			again(i)
		}
	}
	for i := range doublings {
		for round := 3; round < rounds && c.dear(i); round++ {
			again(i)
			again(i + 1)
		}
	}
	again(doublings) // for what it allocates
	return &c, errors.Join(errs...)
}

// spent returns the processor time that f takes, and how many octets it allocates.
func spent(f func() error) (took time.Duration, allocated uint64, err error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := processorTime()
	if err != nil {
		return 0, 0, err
	}
	if err := f(); err != nil {
		return 0, 0, err
	}
	end, err := processorTime()
	runtime.ReadMemStats(&after)
	return end - start, after.TotalAlloc - before.TotalAlloc, err
}

// processorTime is that of this process so far.
func processorTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}
