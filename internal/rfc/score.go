package rfc

import (
	"fmt"
	"strings"
)

// Score counts the absolute statements of one RFC.
type Score struct {
	RFC      string // "5321"
	Absolute int    // all of them: MUST, MUST NOT, SHALL, REQUIRED and the declared rules
	NA       int
	Deviates int
	Claimed  int // by a test
	Proven   int // by a mutant
}

// Open counts those that are neither proven nor judged.
func (s Score) Open() int { return s.Absolute - s.NA - s.Deviates - s.Proven }

// Scores returns the scores of the RFCs of which at least one absolute statement is
// claimed or judged, in the order of the ledger, and counts the statements of the others.
func Scores(ledger []Statement, claimed, proven func(id string) bool) (scores []Score, untouched int) {
	rows := map[string]*Score{}
	var order []*Score
	for _, s := range ledger {
		if !s.Absolute() {
			continue
		}
		row := rows[s.RFC()]
		if row == nil {
			row = &Score{RFC: strings.TrimPrefix(s.RFC(), "rfc")}
			rows[s.RFC()] = row
			order = append(order, row)
		}
		row.add(s, claimed(s.ID), proven(s.ID))
	}
	for _, row := range order {
		if row.Claimed+row.NA+row.Deviates == 0 {
			untouched += row.Absolute
			continue
		}
		scores = append(scores, *row)
	}
	return scores, untouched
}

// add counts a statement. What is judged counts as that, also if it is proven besides.
func (r *Score) add(s Statement, claimed, proven bool) {
	r.Absolute++
	switch {
	case s.Status == NotApplicable:
		r.NA++
	case s.Status == Deviates:
		r.Deviates++
	case proven:
		r.Proven++
	}
	if claimed {
		r.Claimed++
	}
}

// Markdown returns scores as the table of the README.
func Markdown(scores []Score, documents []Document) string {
	titles := map[string]string{}
	for _, d := range documents {
		titles[d.Number] = d.Title
	}
	var b strings.Builder
	b.WriteString("| RFC | | absolute statements | not a library's matter | not followed | proven | open |\n| --: | -- | --: | --: | --: | --: | --: |\n")
	for _, s := range scores {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d |\n", s.RFC, titles[s.RFC], s.Absolute, s.NA, s.Deviates, s.Proven, s.Open())
	}
	return b.String()
}
