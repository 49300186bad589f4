package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/posthouse/posthouse/internal/bench/crowd"
)

// The goals.
const (
	maxRatio  = 2.0 // of the 99th percentile among the crowd to that with nobody there
	maxMemory = 8.0 // KB of an idle connection

	// maxHeap is the octets left for each connection of the crowd: of a goroutine the
	// runtime keeps 480 for the next one, and of a maildrop it is remembered for the next
	// login what is in it.
	maxHeap = 1536
)

// report is what came out for a protocol.
type report struct {
	protocol    string
	connections int          // of the crowd
	alone       crowd.Answer // the honest, with nobody else there
	among       crowd.Answer // among the idle and the dripping
	flooded     crowd.Answer // with junk besides
	junk        crowd.Answer
	cut         int // of those that dripped

	loggedIn         int     // of the idle
	perIdle, perDrip float64 // KB
	before, after    counts  // when no crowd was there
}

// left returns what the server has more of than before the crowd came.
func (r *report) left() counts {
	return counts{
		heap:        r.after.heap - r.before.heap,
		goroutines:  max(0, r.after.goroutines-r.before.goroutines),
		descriptors: max(0, r.after.descriptors-r.before.descriptors),
		files:       max(0, r.after.files-r.before.files),
	}
}

// judge returns what the report shows to be wrong.
func (r *report) judge() error {
	var all []error
	if left := r.left(); left.goroutines+left.descriptors+left.files > 0 || left.heap > maxHeap*int64(r.connections) {
		all = append(all, fmt.Errorf("left behind: %+v", left))
	}
	if r.junk.N == 0 || r.junk.Shed < r.junk.N {
		all = append(all, fmt.Errorf("of %d floods of junk %d were shed", r.junk.N, r.junk.Shed))
	}
	if got := r.ratio(); got > maxRatio {
		all = append(all, fmt.Errorf("the 99th percentile grew %.1ffold, goal %.1f", got, maxRatio))
	}
	if r.perIdle > maxMemory {
		all = append(all, fmt.Errorf("an idle connection has %.2f KB, goal %.0f", r.perIdle, maxMemory))
	}
	return errors.Join(all...)
}

func (r *report) ratio() float64 {
	if r.alone.Waits.P99 == 0 {
		return 0
	}
	return float64(r.among.Waits.P99) / float64(r.alone.Waits.P99)
}

// String returns the report as Markdown.
func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s: sessions of the honest | number | p50 | p99 | max | began late |\n| --- | --- | --- | --- | --- | --- |\n", strings.ToUpper(r.protocol))
	for _, row := range []struct {
		name string
		a    crowd.Answer
	}{{"nobody else", r.alone}, {"among the idle and the dripping", r.among}, {"in a flood of junk besides", r.flooded}} {
		w := row.a.Waits
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %d |\n", row.name, row.a.N, ms(w.P50), ms(w.P99), ms(w.Max), w.Late)
	}
	fmt.Fprintf(&b, "\np99 among the crowd: %.2f of that with nobody else (goal: at most %.0f).\n", r.ratio(), maxRatio)
	fmt.Fprintf(&b, "Memory: %.2f KB an idle connection (goal: %.0f; %d logged in), %.2f KB one that drips.\n", r.perIdle, maxMemory, r.loggedIn, r.perDrip)
	fmt.Fprintf(&b, "Junk: %d connections, %d of them shed by a last word; %d dripping connections were cut off.\n", r.junk.N, r.junk.Shed, r.cut)
	left := r.left()
	fmt.Fprintf(&b, "Left in the server: %d goroutines, %d descriptors, %d temporary files; heap %d KB, before the crowd came %d KB.\n\n",
		left.goroutines, left.descriptors, left.files, r.after.heap>>10, r.before.heap>>10)
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }
