// Command rfccov says which statements of the RFCs are claimed by a passing test,
// and which of those claims are proven by a mutant.
//
//	rfccov [-prove] [-changed REV] [-only PATTERN] [-j N] [package ...]
//
// Without -prove it runs the tests once, counts the claims and checks that every
// mutant has a claim. With -prove it applies each mutant through `go test
// -overlay`, which leaves the tree untouched, and demands that a test that claims
// the statement fails. With -changed only the mutants are proven whose file, or
// whose claiming package, differs from that revision. The exit status is 1 when
// a test fails, or a mutant is stale, unclaimed, does not compile or survives.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/internal/rfc"
)

const mutantsDir = "internal/rfc/mutants"

func main() {
	prove := flag.Bool("prove", false, "apply each mutant and demand that a claiming test fails")
	changed := flag.String("changed", "", "prove only what differs from this `revision`")
	only := flag.String("only", "", "of the mutants those alone whose names match this `pattern`")
	jobs := flag.Int("j", runtime.NumCPU(), "mutants to run at a time")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	if err := run(packages, *prove, *changed, *only, *jobs); err != nil {
		fmt.Fprintln(os.Stderr, "rfccov:", err)
		os.Exit(1)
	}
}

func run(packages []string, prove bool, revision, only string, jobs int) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	ledger, err := rfc.Ledger()
	if err != nil {
		return err
	}
	mutants, err := rfc.Mutants(mutantsDir)
	if err != nil {
		return err
	}
	tests, err := collect(packages)
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m rfc.Mutant) bool { return !tests.concerns(m) || !wanted.MatchString(m.Name) })
	if revision != "" {
		if mutants, err = tests.touched(mutants, revision); err != nil {
			return err
		}
	}
	slices.SortStableFunc(mutants, func(a, b rfc.Mutant) int { return strings.Compare(a.File, b.File) })
	proven := map[string]bool{}
	failures := 0
	if prove || revision != "" {
		var all []verdict
		defer func() { printSlowest(all) }()
		for v := range tests.proveAll(mutants, jobs) {
			fmt.Println(v)
			all = append(all, v)
			if v.err != nil {
				failures++
				continue
			}
			proven[v.mutant.ID] = true
		}
	} else {
		for _, m := range mutants {
			if len(tests.claims[m.ID]) == 0 {
				fmt.Println("unclaimed:", m.Name)
				failures++
			}
		}
	}
	printTable(ledger, tests.claims, proven)
	if failures > 0 {
		return fmt.Errorf("%d mutants failed", failures)
	}
	return nil
}
