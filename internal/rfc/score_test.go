package rfc

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of the README and of doc.go")

// TestReadmeTable holds the README's table of what is proven to the ledger and the
// mutants. That each mutant is claimed and dies is for rfccov to show.
func TestReadmeTable(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../README.md", "<!-- conformance -->\n", "<!-- /conformance -->\n"
	ledger, err := Ledger()
	require.NoError(t, err)
	mutants, err := Mutants("mutants")
	require.NoError(t, err)
	broken := func(id string) bool { return slices.ContainsFunc(mutants, func(m Mutant) bool { return m.ID == id }) }
	scores, _ := Scores(ledger, broken, broken)
	documents, err := Documents()
	require.NoError(t, err)
	hold(t, file, begin, end, Markdown(scores, documents))
}

// hold holds what stands in a file between two marks to what it is made from.
func hold(t *testing.T, file, begin, end, made string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	stands, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(before+begin+made+end+after), 0o644))
		return
	}
	require.Equal(t, made, stands, "go test ./internal/rfc -update")
}

func TestScores(t *testing.T) {
	t.Parallel()
	ledger := []Statement{
		{ID: "rfc1-1-1", Level: "MUST"},
		{ID: "rfc1-1-2", Level: "MUST NOT", Status: NotApplicable, Reason: "x"},
		{ID: "rfc1-1-3", Level: "SHALL", Status: Deviates, Reason: "x"},
		{ID: "rfc1-1-4", Level: "REQUIRED"},
		{ID: "rfc1-1-5", Level: "SHOULD"},
		{ID: "rfc2-1-1", Level: "MUST"},
	}
	first := func(id string) bool { return id == "rfc1-1-1" }
	scores, untouched := Scores(ledger, first, first)
	require.Equal(t, []Score{{RFC: "1", Absolute: 4, NA: 1, Deviates: 1, Claimed: 1, Proven: 1}}, scores)
	require.Equal(t, 1, scores[0].Open())
	require.Equal(t, 1, untouched)
}
