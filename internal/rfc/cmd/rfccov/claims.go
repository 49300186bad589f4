package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/posthouse/posthouse/internal/rfc"
)

// claim is a passing test that says it checks a statement.
type claim struct{ pkg, test string }

// event is one line of `go test -json`.
type event struct {
	Action, Package, Test, Key, Value string
}

// collect runs the tests of the packages and returns the claims of those that
// passed, by statement.
func collect(packages []string) (map[string][]claim, error) {
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
		case e.Action == "fail" && e.Test != "":
			fmt.Printf("FAIL %s %s\n", e.Package, e.Test)
		}
	}
	if err := errors.Join(lines.Err(), cmd.Wait()); err != nil {
		return nil, fmt.Errorf("go test: %w", err)
	}
	byID := map[string][]claim{}
	for c, ids := range claimed {
		if !passed[c] {
			continue
		}
		for _, id := range ids {
			byID[id] = append(byID[id], c)
		}
	}
	return byID, nil
}
