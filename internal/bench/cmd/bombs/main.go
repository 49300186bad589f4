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
// them. It fails if a doubling takes more than 2.3 times as much on the average of the
// three, or a parse with the limits that hold by default allocates more than 4 octets
// for one. A single one strays by more than that, a plain scan of the octets too: the
// caches of a machine end somewhere between 1 and 9 MB, and what grows by appending
// grows in steps. What seems to grow too fast is measured again with messages in other
// places of memory: if it does, it does so in all of them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
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

	places = 5
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
	rounds := flag.Int("rounds", 10, "measurements at most of what seems to grow too fast, in each of 5 places; 3 of the rest")
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
	fmt.Println("| bomb | work | ms at 9 MB | doublings | average | octets for one | goal |")
	fmt.Println("| --- | --- | --: | --- | --: | --: | --- |")
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
			if c.growth() > mostPerDoubling || w.allocated > 0 && c.allocated > w.allocated {
				goal = "MISSED"
				missed++
			}
			fmt.Printf("| %s | %s | %.2f | %s | %.2f | %.2f | %s |\n", bomb.Name, w.name,
				float64(c.took[doublings])/float64(time.Millisecond), c.doublings(), c.growth(), c.allocated, goal)
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

// growth returns how many times as much a doubling of the size takes, on the average.
func (c *cost) growth() float64 {
	return math.Pow(float64(c.took[doublings])/float64(c.took[0]), 1./doublings)
}

// doublings returns how many times as much each takes.
func (c *cost) doublings() string {
	var s []string
	for i := range doublings {
		s = append(s, fmt.Sprintf("%.2f", float64(c.took[i+1])/float64(c.took[i])))
	}
	return strings.Join(s, " ")
}

// measure returns what the work costs, in the first place of those tried where it does
// not grow too fast.
func measure(bomb bombs.Bomb, do func([]byte) error, rounds int) (c *cost, err error) {
	for range places {
		if c, err = measureOnce(bomb, do, rounds); err != nil || c.growth() <= mostPerDoubling {
			break
		}
	}
	return c, err
}

func measureOnce(bomb bombs.Bomb, do func([]byte) error, rounds int) (*cost, error) {
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
	for round := 0; round < 3 || round < rounds && c.growth() > mostPerDoubling; round++ {
		for i := range c.took {
			again(i)
		}
	}
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
