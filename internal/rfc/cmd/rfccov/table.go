package main

import (
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/posthouse/posthouse/internal/rfc"
)

// score counts the absolute statements of one RFC: a row of the table.
type score struct{ total, na, deviates, claimed, proven int }

// printTable prints a row for each RFC of which at least one statement is
// claimed or judged, and the rest as one line.
func printTable(ledger []rfc.Statement, claims map[string][]claim, proven map[string]bool) {
	rows := map[string]*score{}
	var order []string
	for _, s := range ledger {
		if !s.Absolute() {
			continue
		}
		row := rows[s.RFC()]
		if row == nil {
			row = &score{}
			rows[s.RFC()] = row
			order = append(order, s.RFC())
		}
		row.add(s, len(claims[s.ID]) > 0, proven[s.ID])
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "RFC\tabsolute\tna\tdeviates\tclaimed\tproven\t")
	untouched := 0
	for _, doc := range order {
		r := rows[doc]
		if r.claimed+r.na+r.deviates == 0 {
			untouched += r.total
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t\n", doc[len("rfc"):], r.total, r.na, r.deviates, r.claimed, r.proven)
	}
	w.Flush()
	fmt.Printf("%d absolute statements of other RFCs are neither claimed nor judged yet\n", untouched)
}

func (r *score) add(s rfc.Statement, claimed, proven bool) {
	r.total++
	switch s.Status {
	case rfc.NotApplicable:
		r.na++
	case rfc.Deviates:
		r.deviates++
	}
	if claimed {
		r.claimed++
	}
	if proven {
		r.proven++
	}
}
