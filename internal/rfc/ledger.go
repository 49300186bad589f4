package rfc

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed ledger.tsv
var ledgerTSV string

// Status says why a statement is out of the reckoning.
type Status string

const (
	Open          Status = ""         // to be proven
	NotApplicable Status = "na"       // not a library's matter, or an extension not offered
	Deviates      Status = "deviates" // not followed, for the reason given
)

// Statement is one row of the ledger.
type Statement struct {
	ID     string // rfcNNNN-SECTION-ORDINAL
	Level  string // MUST, SHOULD NOT, decl, ...
	Role   string // client, server, composer, parser, relay, verifier, both, none
	Status Status
	Reason string
}

// RFC returns the part of the ID that names the document: "rfc5321".
func (s Statement) RFC() string {
	doc, _, _ := strings.Cut(s.ID, "-")
	return doc
}

// Absolute reports whether the statement leaves no choice.
func (s Statement) Absolute() bool {
	switch s.Level {
	case "MUST", "MUST NOT", "SHALL", "REQUIRED", "decl":
		return true
	}
	return false
}

var parsed = sync.OnceValues(func() ([]Statement, error) { return parseLedger(ledgerTSV) })

// Ledger returns all statements in the ledger's order. The slice is shared: do
// not change it.
func Ledger() ([]Statement, error) { return parsed() }

func parseLedger(text string) ([]Statement, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "id\tlevel\trole\tstatus\treason" {
		return nil, fmt.Errorf("rfc: the ledger's first line is %q", lines[0])
	}
	seen := make(map[string]bool, len(lines))
	out := make([]Statement, 0, len(lines)-1)
	for i, line := range lines[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("rfc: ledger line %d has %d columns, not 5", i+2, len(f))
		}
		s := Statement{ID: f[0], Level: f[1], Role: f[2], Status: Status(f[3]), Reason: f[4]}
		if seen[s.ID] {
			return nil, fmt.Errorf("rfc: ledger line %d: %s stands twice", i+2, s.ID)
		}
		seen[s.ID] = true
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("rfc: ledger line %d: %w", i+2, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func (s Statement) check() error {
	if doc, section, ok := strings.Cut(s.ID, "-"); !ok || !strings.HasPrefix(doc, "rfc") || section == "" {
		return fmt.Errorf("%q is not an id", s.ID)
	}
	switch s.Status {
	case Open:
		return nil
	case NotApplicable, Deviates:
		if s.Reason == "" {
			return fmt.Errorf("%s is %s without a reason", s.ID, s.Status)
		}
		return nil
	}
	return fmt.Errorf("%s has the unknown status %q", s.ID, s.Status)
}
