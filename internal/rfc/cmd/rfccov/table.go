package main

import (
	"fmt"
	"os"
	"text/tabwriter"

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
