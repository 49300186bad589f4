package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/internal/rfc"
)

// claim is a passing test that says it checks a statement.
type claim struct{ pkg, test string }

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Key, Value string
	Elapsed                           float64 // seconds
}

// suite is what one run of the tests showed.
type suite struct {
	claims map[string][]claim  // of the tests that passed, by statement
	quick  map[string][]string // by package, some top-level tests that pass in little time
}

// What is quick, in seconds, and how many such tests of a package are enough to show
// that a mutant does not break it as a whole.
const (
	quickTest  = 0.1
	neighbours = 20
)

// collect runs the tests of the packages.
func collect(packages []string) (*suite, error) {
	args := append([]string{"test", "-json"}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	claimed := map[claim][]string{}
	passed := map[claim]bool{}
	took := map[claim]float64{} // by top-level tests, with the subtests that go on when they have returned
	seen := &suite{map[string][]claim{}, map[string][]string{}}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // build output
		}
		c := claim{e.Package, e.Test}
		switch {
		case e.Action == "attr" && e.Key == rfc.AttrKey:
			claimed[c] = append(claimed[c], e.Value)
		case e.Action == "pass" && e.Test != "":
			passed[c] = true
			top, _, inner := strings.Cut(e.Test, "/")
			took[claim{e.Package, top}] += e.Elapsed
			if !inner && took[c] <= quickTest {
				seen.quick[e.Package] = append(seen.quick[e.Package], e.Test)
			}
		case e.Action == "fail" && e.Test != "":
			fmt.Printf("FAIL %s %s\n", e.Package, e.Test)
		}
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return nil, fmt.Errorf("go test: %w", err)
	}
	for pkg, tests := range seen.quick {
		seen.quick[pkg] = spread(tests, neighbours)
	}
	for c, ids := range claimed {
		if !passed[c] {
			continue
		}
		for _, id := range ids {
			seen.claims[id] = append(seen.claims[id], c)
		}
	}
	return seen, nil
}

// spread returns at most n of the tests, taken evenly from among their names, which begin
// with what they are about. In the order in which tests end, a busy machine would choose.
func spread(tests []string, n int) []string {
	slices.Sort(tests)
	if len(tests) <= n {
		return tests
	}
	chosen := make([]string, n)
	for i := range chosen {
		chosen[i] = tests[i*len(tests)/n]
	}
	return chosen
}

// concerns reports whether a test that ran claims m's statement, or belongs to
// the package that m breaks.
func (s *suite) concerns(m rfc.Mutant) bool {
	if len(s.claims[m.ID]) > 0 {
		return true
	}
	for pkg := range s.quick {
		if strings.HasSuffix(pkg, "/"+path.Dir(m.File)) {
			return true
		}
	}
	return false
}
