package rfc

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Mutant breaks one statement of the ledger by one replacement.
type Mutant struct {
	Name     string // file name without .mut: the id, or id.face
	ID       string // the statement that it breaks
	File     string // the file that it changes, by its path below the module's root
	Old, New string
}

// Mutants reads all mutants of dir in the order of their names.
func Mutants(dir string) ([]Mutant, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.mut"))
	if err != nil {
		return nil, err
	}
	sort.Strings(names)
	out := make([]Mutant, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m, err := ParseMutant(strings.TrimSuffix(filepath.Base(name), ".mut"), string(text))
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// ParseMutant reads one mutant in the form that the package comment shows. Its
// name is the id of the statement, with an optional face after the last dot:
// client, server, composer, parser.
func ParseMutant(name, text string) (Mutant, error) {
	m := Mutant{Name: name, ID: name}
	for _, face := range []string{".client", ".server", ".composer", ".parser"} {
		m.ID = strings.TrimSuffix(m.ID, face)
	}
	rest, ok := strings.CutPrefix(text, "file: ")
	if !ok {
		return m, fmt.Errorf("rfc: mutant %s does not begin with its file", name)
	}
	m.File, rest, _ = strings.Cut(rest, "\n")
	rest, ok = strings.CutPrefix(rest, "<<<<\n")
	if !ok {
		return m, fmt.Errorf("rfc: mutant %s lacks <<<<", name)
	}
	m.Old, rest, ok = strings.Cut(rest, "\n====\n")
	if !ok {
		return m, fmt.Errorf("rfc: mutant %s lacks ====", name)
	}
	m.New, rest, ok = strings.Cut("\n"+rest, "\n>>>>\n")
	if !ok || strings.TrimSpace(rest) != "" {
		return m, fmt.Errorf("rfc: mutant %s does not end with >>>>", name)
	}
	m.New = strings.TrimPrefix(m.New, "\n")
	if m.Old == m.New {
		return m, fmt.Errorf("rfc: mutant %s changes nothing", name)
	}
	return m, nil
}

// Apply returns the source with the mutation; an old text that does not occur
// exactly once is an error, since the mutant is then stale.
func (m Mutant) Apply(source string) (string, error) {
	if n := strings.Count(source, m.Old); n != 1 {
		return "", fmt.Errorf("rfc: mutant %s is stale: its old text occurs %d times in %s", m.Name, n, m.File)
	}
	return strings.Replace(source, m.Old, m.New, 1), nil
}
