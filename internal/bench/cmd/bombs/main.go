// Command bombs measures what messages cost that are made to cost more than their size:
//
//	go run ./cmd/bombs
//	go run ./cmd/bombs -run boundaries -parser thorough
//
// Each is parsed, and all that there is in it is read, at a little more than 1 MB and at each
// doubling up to 9. It prints one table in Markdown: the processor time, how many times as much of it each
// doubling takes, and how many octets are allocated for one of the message, by the parse
// alone and by all. The least of several measurements counts, since a machine that is busy
// with other things only ever adds to them; a doubling that seems too dear is measured
// again. It fails if one takes more than 2.3 times as much, or a parse allocates more
// than 4 octets for one.
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

// parsers are what the messages are parsed with.
var parsers = []struct {
	name string
	message.Parser
}{
	{"default", message.Parser{}},
	{"thorough", message.Parser{Thorough: true}},
}

func main() {
	run := flag.String("run", "", "only bombs whose names this `expression` matches")
	which := flag.String("parser", "", "only the parser of that `name`: default, thorough")
	rounds := flag.Int("rounds", 40, "measurements at most of a doubling that seems too dear; 2 of any other")
	flag.Parse()
	if err := measureAll(*run, *which, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bombs:", err)
		os.Exit(1)
	}
}

func measureAll(run, which string, rounds int) error {
	names, err := regexp.Compile(run)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // what is measured is ours alone
	fmt.Println("| bomb | parser | ms at 9 MB | doublings | octets for one: parse | all | goal |")
	fmt.Println("| --- | --- | --: | --- | --: | --: | --- |")
	missed := 0
	for _, bomb := range bombs.All {
		if !names.MatchString(bomb.Name) {
			continue
		}
		for _, parser := range parsers {
			if which != "" && which != parser.name {
				continue
			}
			c, err := measure(bomb, parser.Parser, rounds)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", bomb.Name, parser.name, err)
			}
			goal := "met"
			if !c.met() {
				goal = "MISSED"
				missed++
			}
			fmt.Printf("| %s | %s | %.1f | %s | %.2f | %.2f | %s |\n", bomb.Name, parser.name,
				float64(c.took[doublings])/float64(time.Millisecond), c.doublings(), c.parse, c.all, goal)
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d missed", missed)
	}
	return nil
}

// cost is what a bomb costs.
type cost struct {
	took  [doublings + 1]time.Duration // at each size
	parse float64                      // octets allocated for one of the largest
	all   float64
}

// dear reports whether the doubling of the size number i takes too much.
func (c *cost) dear(i int) bool {
	return float64(c.took[i+1]) > mostPerDoubling*float64(c.took[i])
}

func (c *cost) met() bool {
	for i := range doublings {
		if c.dear(i) {
			return false
		}
	}
	return c.parse <= mostAllocated
}

// doublings returns how many times as much each doubling takes.
func (c *cost) doublings() string {
	var s []string
	for i := range doublings {
		s = append(s, fmt.Sprintf("%.2f", float64(c.took[i+1])/float64(c.took[i])))
	}
	return strings.Join(s, " ")
}

func measure(bomb bombs.Bomb, parser message.Parser, rounds int) (*cost, error) {
	var c cost
	for i := range c.took {
		c.took[i] = time.Hour
	}
	size := func(i int) error {
		b := bomb.Make(smallest << i)
		took, allocated, err := spent(func() error { return bombs.ReadAll(b, parser) })
		c.took[i] = min(c.took[i], took)
		c.all = float64(allocated) / float64(len(b))
		return err
	}
	var errs []error
	for range 2 {
		for i := range c.took {
			errs = append(errs, size(i))
		}
	}
	for i := range doublings {
		for round := 2; round < rounds && c.dear(i); round++ {
			errs = append(errs, size(i), size(i+1))
		}
	}
	b := bomb.Make(smallest << doublings)
	_, allocated, err := spent(func() error { _, err := parser.ParseBytes(b); return err })
	c.parse = float64(allocated) / float64(len(b))
	return &c, errors.Join(append(errs, err)...)
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
