package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/posthouse/posthouse/internal/rfc"
)

// printTable prints a row for each RFC of which at least one statement is
// claimed or judged, and the rest as one line.
func printTable(ledger []rfc.Statement, claims map[string][]claim, proven map[string]bool) {
	scores, untouched := rfc.Scores(ledger, func(id string) bool { return len(claims[id]) > 0 }, func(id string) bool { return proven[id] })
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "RFC\tabsolute\tna\tdeviates\tclaimed\tproven\t")
	for _, s := range scores {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", s.RFC, s.Absolute, s.NA, s.Deviates, s.Claimed, s.Proven)
	}
	w.Flush()
	fmt.Printf("%d absolute statements of other RFCs are neither claimed nor judged yet\n", untouched)
}

// printSlowest prints where the time went.
func printSlowest(all []verdict) {
	alone := 0
	var cpu time.Duration
	for _, v := range all {
		cpu += v.cpu
		if v.alone {
			alone++
		}
	}
	fmt.Printf("%d mutants, %d of them built alone, took %v of processor time; the slowest:\n", len(all), alone, cpu.Round(time.Second))
	slices.SortFunc(all, func(a, b verdict) int { return cmp.Compare(b.took, a.took) })
	for _, v := range all[:min(10, len(all))] {
		fmt.Printf("%8.1fs %8.1fs of processor time  %s\n", v.took.Seconds(), v.cpu.Seconds(), v.mutant.Name)
	}
}
