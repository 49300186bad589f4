// Package race has several contestants do the same work in turn, round after
// round, and compares what it cost them: medians over the rounds, and the
// median of the ratios within a round, which the load of the machine disturbs
// least.
package race

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Cost is what one run cost. What was not measured is zero.
type Cost struct {
	Value float64       // in the race's unit
	Wall  time.Duration // for the whole run
	Alloc float64       // allocations a message
}

// Entrant is a contestant in a race.
type Entrant struct {
	Name string
	Run  func() (Cost, error)
}

// Race is one piece of work.
type Race struct {
	Work string // what is done
	Unit string // of Cost.Value
	Each string // what is counted by the second
	N    int    // how many of those a run has; zero: no rate is told

	// Base names the entrant to which the others are compared. AtMost is the
	// ratio that the first entrant should not exceed; if Absolute is set, the
	// value. Zero is no goal.
	Base     string
	AtMost   float64
	Absolute bool

	// Cold runs no round that does not count. Once runs only one round.
	Cold, Once bool

	Entrants []Entrant
}

// Result is a race that was run.
type Result struct {
	*Race
	costs  [][]Cost // by entrant and round
	failed []error  // by entrant; nil if all went well
}

// Run runs rounds of the race. An entrant that fails is out, the others go on.
func (r *Race) Run(rounds int) *Result {
	res := &Result{Race: r, costs: make([][]Cost, len(r.Entrants)), failed: make([]error, len(r.Entrants))}
	if r.Once {
		rounds = 1
	}
	first := -1
	if r.Cold {
		first = 0
	}
	for round := first; round < rounds; round++ {
		for i, e := range r.Entrants {
			if res.failed[i] != nil {
				continue
			}
			cost, err := e.Run()
			if err != nil {
				res.failed[i] = err
			} else if round >= 0 {
				res.costs[i] = append(res.costs[i], cost)
			}
		}
	}
	return res
}

// Medians returns the median of each entrant's values; zero for one that failed.
func (res *Result) Medians() []float64 {
	all := make([]float64, len(res.Entrants))
	for i := range all {
		if res.failed[i] == nil {
			all[i] = median(column(res.costs[i], func(c Cost) float64 { return c.Value }))
		}
	}
	return all
}

// Header is the head of the table that WriteTo writes rows of.
const Header = `| work | contestant | cost | ratio | spread % | rate | allocations | goal |
| --- | --- | --- | --- | --- | --- | --- | --- |
`

// WriteTo writes a row for each entrant.
func (res *Result) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for i, e := range res.Entrants {
		n, err := io.WriteString(w, res.row(i, e.Name))
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (res *Result) row(i int, name string) string {
	if err := res.failed[i]; err != nil {
		return fmt.Sprintf("| %s | %s | failed: %v | | | | | |\n", res.Work, name, err)
	}
	values := column(res.costs[i], func(c Cost) float64 { return c.Value })
	mid := median(values)
	spread := 0.0
	if mid > 0 {
		spread = 100 * (slices.Max(values) - slices.Min(values)) / mid
	}
	ratio, hasRatio := res.ratio(i)
	return fmt.Sprintf("| %s | %s | %s %s | %s | %.0f | %s | %s | %s |\n", res.Work, name, figure(mid), res.Unit,
		optional(hasRatio, "%.2f", ratio), spread, res.rate(i), res.allocations(i), res.goal(i, mid, ratio))
}

// ratio is the median of the ratios to the base within each round.
func (res *Result) ratio(i int) (ratio float64, ok bool) {
	base := slices.IndexFunc(res.Entrants, func(e Entrant) bool { return e.Name == res.Base })
	if base < 0 || res.failed[base] != nil {
		return 0, false
	}
	var ratios []float64
	for round, c := range res.costs[i] {
		ratios = append(ratios, c.Value/res.costs[base][round].Value)
	}
	return median(ratios), true
}

func (res *Result) rate(i int) string {
	wall := median(column(res.costs[i], func(c Cost) float64 { return c.Wall.Seconds() }))
	if res.N == 0 || wall == 0 {
		return ""
	}
	return figure(float64(res.N)/wall) + " " + res.Each + "/s"
}

func (res *Result) allocations(i int) string {
	n := median(column(res.costs[i], func(c Cost) float64 { return c.Alloc }))
	return optional(n > 0, "%.1f", n)
}

func (res *Result) goal(i int, value, ratio float64) string {
	if i > 0 || res.AtMost == 0 {
		return ""
	}
	if !res.Absolute {
		value = ratio
	}
	verdict := "met"
	if value > res.AtMost {
		verdict = "MISSED"
	}
	return fmt.Sprintf("%.3g: %s", res.AtMost, verdict)
}

func column(costs []Cost, of func(Cost) float64) []float64 {
	var values []float64
	for _, c := range costs {
		values = append(values, of(c))
	}
	return values
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// figure writes three digits that count.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func optional(have bool, format string, v float64) string {
	if !have {
		return ""
	}
	return fmt.Sprintf(format, v)
}
