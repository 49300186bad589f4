package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/rfc"
)

// verdict is what became of one mutant: killed when err is nil.
type verdict struct {
	mutant rfc.Mutant
	by     claim
	err    error
	alone  bool          // it had a build of its own
	took   time.Duration // that long ran its tests, and its build if it had one of its own
	cpu    time.Duration // of which the processors worked
}

func (v verdict) String() string {
	if v.err != nil {
		return fmt.Sprintf("FAIL %s: %v", v.mutant.Name, v.err)
	}
	return fmt.Sprintf("proven %s by %s", v.mutant.Name, v.by.test)
}

// runner runs the named tests of a package with a mutant in place.
type runner func(pkg string, tests []string) (*outcome, error)

// outcome is what became of the tests of one run.
type outcome struct {
	failed map[string]bool // false is passed or skipped
	open   []string        // top-level tests that did not end; they count as failed
	total  int             // top-level tests that ran
	cpu    time.Duration   // of the processes that ran them
}

// proveAll applies each mutant and hands each verdict on as it falls. As many as
// possible are proven with one build of their test packages; those that are not,
// for whatever reason, are built one by one, and that verdict counts.
func (s *suite) proveAll(mutants []rfc.Mutant, jobs int) <-chan verdict {
	out := make(chan verdict)
	go func() {
		defer close(out)
		rest := mutants
		if len(mutants) > fewMutants {
			rest = s.proveTogether(mutants, jobs, out)
		}
		each(rest, jobs, func(m rfc.Mutant) {
			v := s.proveAlone(m)
			v.alone = true
			out <- v
		})
	}()
	return out
}

// fewMutants is how many are proven as fast one by one.
const fewMutants = 3

// each calls f for each mutant, in several goroutines.
func each(mutants []rfc.Mutant, jobs int, f func(rfc.Mutant)) {
	next := make(chan rfc.Mutant)
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Go(func() {
			for m := range next {
				f(m)
			}
		})
	}
	for _, m := range mutants {
		next <- m
	}
	close(next)
	wg.Wait()
}

// proveAlone builds m's packages with m alone.
func (s *suite) proveAlone(m rfc.Mutant) verdict {
	if len(s.claims[m.ID]) == 0 {
		return verdict{mutant: m, err: errors.New("no passing test claims the statement")}
	}
	overlay, cleanup, err := overlay(m)
	if err != nil {
		return verdict{mutant: m, err: err}
	}
	defer cleanup()
	return s.prove(m, func(pkg string, tests []string) (*outcome, error) {
		b, err := newBinary(pkg, filepath.Join(filepath.Dir(overlay), "mutant.test"))
		if err != nil {
			return nil, err
		}
		if said, err := b.build(overlay); err != nil {
			return nil, fmt.Errorf("does not compile: %s", said)
		}
		return b.run(0, tests)
	})
}

// prove runs, with m in place, the claiming tests and those of their packages that
// take no time, until a claiming test fails. That most of the others still pass shows
// that m breaks a statement and not the package.
func (s *suite) prove(m rfc.Mutant, run runner) (v verdict) {
	v.mutant, v.err = m, errors.New("survives: no claiming test fails")
	begun := time.Now()
	defer func() { v.took = time.Since(begun) }()
	claims := s.claims[m.ID]
	for _, pkg := range packagesOf(claims) {
		o, err := run(pkg, s.testsFor(pkg, claims))
		if err != nil {
			v.err = err
			return v
		}
		v.cpu += o.cpu
		i := slices.IndexFunc(claims, func(c claim) bool { return c.pkg == pkg && o.failed[c.test] })
		if i < 0 {
			continue
		}
		v.by, v.err = claims[i], nil
		tops := topLevel(o.failed)
		if 2*tops > o.total {
			tops -= s.innocent(pkg, claims, o, run)
		}
		if 2*tops > o.total {
			v.err = fmt.Errorf("breaks %d of %d tests of %s: it does not show this statement", tops, o.total, pkg)
		}
		return v
	}
	return v
}

// innocent returns how many of the tests that a run left open pass when those that claim
// the statement do not run beside them: a test that panics takes with it what runs at
// the same time, which on a busy machine may be all.
func (s *suite) innocent(pkg string, claims []claim, o *outcome, run runner) int {
	rest := slices.DeleteFunc(slices.Clone(o.open), func(test string) bool {
		return slices.ContainsFunc(claims, func(c claim) bool {
			top, _, _ := strings.Cut(c.test, "/")
			return c.pkg == pkg && top == test
		})
	})
	if len(rest) == 0 {
		return 0
	}
	again, err := run(pkg, rest)
	if err != nil {
		return 0
	}
	return again.total - topLevel(again.failed)
}

func packagesOf(claims []claim) (pkgs []string) {
	for _, c := range claims {
		if !slices.Contains(pkgs, c.pkg) {
			pkgs = append(pkgs, c.pkg)
		}
	}
	return pkgs
}

// testsFor returns the top-level tests of a package to be run for the claims.
func (s *suite) testsFor(pkg string, claims []claim) []string {
	tests := slices.Clone(s.quick[pkg])
	for _, c := range claims {
		if top, _, _ := strings.Cut(c.test, "/"); c.pkg == pkg && !slices.Contains(tests, top) {
			tests = append(tests, top)
		}
	}
	return tests
}

// overlay writes the mutated file and the overlay that puts it in place.
func overlay(m rfc.Mutant) (name string, cleanup func(), err error) {
	source, err := os.ReadFile(m.File)
	if err != nil {
		return "", nil, err
	}
	mutated, err := m.Apply(string(source))
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "rfccov")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { os.RemoveAll(dir) }
	abs, err1 := filepath.Abs(m.File)
	file := filepath.Join(dir, filepath.Base(m.File))
	err2 := os.WriteFile(file, []byte(mutated), 0o600)
	plan, err3 := json.Marshal(map[string]map[string]string{"Replace": {abs: file}})
	name = filepath.Join(dir, "overlay.json")
	if err := errors.Join(err1, err2, err3, os.WriteFile(name, plan, 0o600)); err != nil {
		cleanup()
		return "", nil, err
	}
	return name, cleanup, nil
}

func pattern(tests []string) string { return "^(" + strings.Join(tests, "|") + ")$" }

// readOutcome reads the events of one run. A mutant that hangs or panics ends the
// whole run: then the tests still open count as failed.
func readOutcome(events []byte) (*outcome, error) {
	o := &outcome{failed: map[string]bool{}}
	state := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(events))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Test != "" && (e.Action == "run" || e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			state[e.Test] = e.Action
		}
	}
	for test, action := range state {
		o.failed[test] = action == "fail" || action == "run"
		if !strings.Contains(test, "/") {
			o.total++
			if action == "run" {
				o.open = append(o.open, test)
			}
		}
	}
	if o.total == 0 {
		return nil, errors.New("no test ran with it")
	}
	return o, lines.Err()
}

func topLevel(failed map[string]bool) int {
	n := 0
	for test, bad := range failed {
		if bad && !strings.Contains(test, "/") {
			n++
		}
	}
	return n
}
