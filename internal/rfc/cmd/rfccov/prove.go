package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/posthouse/posthouse/internal/rfc"
)

// verdict is what became of one mutant: killed when err is nil.
type verdict struct {
	mutant rfc.Mutant
	by     claim
	err    error
}

func (v verdict) String() string {
	if v.err != nil {
		return fmt.Sprintf("FAIL %s: %v", v.mutant.Name, v.err)
	}
	return fmt.Sprintf("proven %s by %s", v.mutant.Name, v.by.test)
}

// timeout bounds one test run with a mutant in place: a mutant may well hang.
const timeout = "30s"

// proveAll applies each mutant and hands each verdict on as it falls.
func (s *suite) proveAll(mutants []rfc.Mutant, jobs int) <-chan verdict {
	out := make(chan verdict)
	next := make(chan rfc.Mutant)
	var wg sync.WaitGroup
	for range max(jobs, 1) {
		wg.Go(func() {
			for m := range next {
				by, err := s.prove(m)
				out <- verdict{m, by, err}
			}
		})
	}
	go func() {
		for _, m := range mutants {
			next <- m
		}
		close(next)
		wg.Wait()
		close(out)
	}()
	return out
}

// prove runs, with m applied, the claiming tests and those of their packages
// that take no time, until a claiming test fails. That most of the others still
// pass shows that m breaks a statement and not the package.
func (s *suite) prove(m rfc.Mutant) (claim, error) {
	claims := s.claims[m.ID]
	if len(claims) == 0 {
		return claim{}, errors.New("no passing test claims the statement")
	}
	overlay, cleanup, err := overlay(m)
	if err != nil {
		return claim{}, err
	}
	defer cleanup()
	tests := map[string][]string{}
	var pkgs []string
	for _, c := range claims {
		if tests[c.pkg] == nil {
			pkgs = append(pkgs, c.pkg)
			tests[c.pkg] = slices.Clone(s.quick[c.pkg])
		}
		if top, _, _ := strings.Cut(c.test, "/"); !slices.Contains(tests[c.pkg], top) {
			tests[c.pkg] = append(tests[c.pkg], top)
		}
	}
	for _, pkg := range pkgs {
		failed, total, err := runMutated(overlay, pkg, tests[pkg])
		if err != nil {
			return claim{}, err
		}
		i := slices.IndexFunc(claims, func(c claim) bool { return c.pkg == pkg && failed[c.test] })
		if i < 0 {
			continue
		}
		if tops := topLevel(failed); 2*tops > total {
			return claim{}, fmt.Errorf("breaks %d of %d tests of %s: it does not show this statement", tops, total, pkg)
		}
		return claims[i], nil
	}
	return claim{}, errors.New("survives: no claiming test fails")
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

// runMutated runs the named tests of one package and returns those that failed,
// with the number of top-level tests that ran. A mutant that hangs or panics ends the whole
// run: then the tests still open count as failed.
func runMutated(overlay, pkg string, tests []string) (failed map[string]bool, total int, err error) {
	out, _ := exec.Command("go", "test", "-json", "-count=1", "-short", "-vet=off", "-ldflags=-w", "-timeout="+timeout,
		"-run=^("+strings.Join(tests, "|")+")$", "-overlay="+overlay, pkg).Output()
	failed = map[string]bool{}
	state := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue
		}
		if e.Action == "build-fail" {
			return nil, 0, errors.New("does not compile")
		}
		if e.Test != "" && (e.Action == "run" || e.Action == "pass" || e.Action == "fail" || e.Action == "skip") {
			state[e.Test] = e.Action
		}
	}
	for test, action := range state {
		failed[test] = action == "fail" || action == "run"
		if !strings.Contains(test, "/") {
			total++
		}
	}
	if total == 0 {
		return nil, 0, errors.New("no test ran with it")
	}
	return failed, total, lines.Err()
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
