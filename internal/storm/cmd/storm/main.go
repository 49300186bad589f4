// Command storm executes the fuzz targets of packages and reports how often each
// was executed.
//
//	storm [-n N | -time D] [-fuzzer] [-target REGEXP] [-j N] [-list] [package ...]
//
// Targets are executed as package internal/storm does it: many times in one process,
// without a look at their coverage, on mutants of their seeds, of those below
// testdata/fuzz and of what the fuzzer has kept in its cache. With -fuzzer the fuzzer of
// package testing executes them, which adds to that cache. The exit status is 1 when an
// execution fails, or when a target was not made by storm.New and can only be executed
// by the fuzzer.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.count, "n", 0, "execute each target so many `times`")
	flag.DurationVar(&o.span, "time", 5*time.Second, "execute each target for so long, if -n is not given")
	flag.BoolVar(&o.fuzzer, "fuzzer", false, "have the fuzzer of package testing execute them")
	flag.IntVar(&o.jobs, "j", runtime.NumCPU(), "targets to execute at a time; the fuzzer takes one")
	pattern := flag.String("target", "", "execute only the targets whose name matches `regexp`")
	list := flag.Bool("list", false, "only name the targets")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = []string{"./..."}
	}
	if err := run(packages, *pattern, *list, o); err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
}

func run(packages []string, pattern string, list bool, o options) error {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	targets, err := find(packages, wanted)
	if err != nil {
		return err
	}
	if list {
		for _, t := range targets {
			fmt.Printf("%s %s\n", t.pkg.path, t.name)
		}
		return nil
	}
	failed := 0
	fmt.Println("| target | executions | a second |\n| --- | --: | --: |")
	for r := range o.execute(targets) {
		fmt.Println(r)
		if r.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d targets failed", failed, len(targets))
	}
	return nil
}
