package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"

	"github.com/posthouse/posthouse/internal/rfc"
)

// proveTogether proves with one build of each package what can be, and returns the
// mutants that have no verdict yet.
func (s *suite) proveTogether(mutants []rfc.Mutant, jobs int, out chan<- verdict) (rest []rfc.Mutant) {
	dir, err := os.MkdirTemp("", "rfccov")
	if err != nil {
		return mutants
	}
	defer os.RemoveAll(dir)
	plan := &schema{dir: dir, files: map[string]*patched{}, mutants: map[int]rfc.Mutant{}}
	numbers := map[string]int{}
	var claims []claim
	for i, m := range mutants {
		numbers[m.Name] = i + 1
		if len(s.claims[m.ID]) > 0 && plan.add(i+1, m) {
			claims = append(claims, s.claims[m.ID]...)
		}
	}
	built := map[string]*binary{}
	for _, pkg := range packagesOf(claims) {
		b, err := plan.build(pkg, len(built))
		if err == nil {
			b.baseline, err = b.run(0, s.testsFor(pkg, claims))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "rfccov:", err) // what only this package claims is built one by one
			b = &binary{baseline: &outcome{}}
		}
		built[pkg] = b
	}
	var lock sync.Mutex
	each(mutants, jobs, func(m rfc.Mutant) {
		if _, ok := plan.mutants[numbers[m.Name]]; ok && s.soundIn(built, m) {
			v := s.prove(m, func(pkg string, tests []string) (*outcome, error) { return built[pkg].run(numbers[m.Name], tests) })
			if v.err == nil {
				out <- v
				return
			}
		}
		lock.Lock()
		defer lock.Unlock()
		rest = append(rest, m)
	})
	return rest
}

// soundIn reports whether all tests that claim m's statement pass in the builds while
// no mutant is chosen.
func (s *suite) soundIn(built map[string]*binary, m rfc.Mutant) bool {
	for _, c := range s.claims[m.ID] {
		if failed, ran := built[c.pkg].baseline.failed[c.test]; failed || !ran {
			return false
		}
	}
	return true
}

// build builds the tests of a package. Mutants that do not compile leave the schema.
func (s *schema) build(pkg string, n int) (*binary, error) {
	b, err := newBinary(pkg, filepath.Join(s.dir, strconv.Itoa(n)+".test"))
	if err != nil {
		return nil, err
	}
	for {
		overlay, owners, err := s.write()
		if err != nil {
			return nil, err
		}
		said, err := b.build(overlay)
		if err == nil {
			return b, nil
		}
		if !s.dropFailed(said, owners) {
			return nil, fmt.Errorf("the build of %s with all mutants failed: %s", pkg, said)
		}
	}
}

// compileError is what a compiler says of a line. It may name a function or value of a
// mutant's.
var compileError = regexp.MustCompile(`(?m)([^/\s]+\.go):(\d+):\d+: (?:.*_rfc(\d+)\b)?`)

// dropFailed takes out the mutants that a compiler complained of, and reports whether
// there was one. Of a value of another type, such as an array of another length, it
// complains where the value is chosen.
func (s *schema) dropFailed(said []byte, owners map[string]map[int]int) bool {
	found := false
	for _, m := range compileError.FindAllSubmatch(said, -1) {
		line, _ := strconv.Atoi(string(m[2]))
		n, ok := owners[filepath.Join(s.dir, string(m[1]))][line]
		if !ok {
			n, _ = strconv.Atoi(string(m[3])) // 0 is no mutant
		}
		found = s.drop(n) || found
	}
	return found
}
