package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/posthouse/posthouse/internal/rfc"
)

// touched keeps the mutants that the change since the revision touches: by the
// mutant itself, by the file that it breaks, or by the file of a claiming test.
func (s *suite) touched(mutants []rfc.Mutant, revision string) ([]rfc.Mutant, error) {
	files, err := changedFiles(revision)
	if err != nil {
		return nil, err
	}
	tests, err := testsIn(files)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(mutants, func(m rfc.Mutant) bool {
		if slices.Contains(files, m.File) || slices.Contains(files, path.Join(mutantsDir, m.Name+".mut")) {
			return false
		}
		return !slices.ContainsFunc(s.claims[m.ID], func(c claim) bool {
			c.test, _, _ = strings.Cut(c.test, "/")
			return tests[c]
		})
	}), nil
}

// changedFiles returns the files that differ from the revision, and those that
// git does not know yet.
func changedFiles(revision string) ([]string, error) {
	diff, err := exec.Command("git", "diff", "--name-only", "--diff-filter=d", revision, "--").Output()
	if err != nil {
		return nil, fmt.Errorf("git diff %s: %w", revision, err)
	}
	fresh, err := exec.Command("git", "ls-files", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	return strings.Fields(string(diff) + string(fresh)), nil
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w*)\(`)

// testsIn returns the tests that the files declare.
func testsIn(files []string) (map[claim]bool, error) {
	out, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	module := strings.TrimSpace(string(out))
	tests := map[claim]bool{}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return nil, err
		}
		for _, m := range testFunc.FindAllSubmatch(source, -1) {
			tests[claim{path.Join(module, path.Dir(name)), string(m[1])}] = true
		}
	}
	return tests, nil
}
