package rfc

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLedgerIsWellFormed(t *testing.T) {
	t.Parallel()
	ledger, err := Ledger()
	require.NoError(t, err)
	require.Greater(t, len(ledger), 1700)
}

func TestLedgerErrors(t *testing.T) {
	t.Parallel()
	const head = "id\tlevel\trole\tstatus\treason\n"
	for name, text := range map[string]string{
		"head":            "id\tlevel\n",
		"columns":         head + "rfc1-1-1\tMUST\tserver\n",
		"twice":           head + "rfc1-1-1\tMUST\tserver\t\t\nrfc1-1-1\tMUST\tserver\t\t\n",
		"no id":           head + "1-1-1\tMUST\tserver\t\t\n",
		"na, no reason":   head + "rfc1-1-1\tMUST\tserver\tna\t\n",
		"unknown status":  head + "rfc1-1-1\tMUST\tserver\tdone\tyes\n",
		"deviates, empty": head + "rfc1-1-1\tMUST\tserver\tdeviates\t\n",
	} {
		_, err := parseLedger(text)
		require.Error(t, err, name)
	}
}

// TestMutantsAreFresh finds mutants whose statement or whose old text is gone
// without running them.
func TestMutantsAreFresh(t *testing.T) {
	t.Parallel()
	ledger, err := Ledger()
	require.NoError(t, err)
	mutants, err := Mutants("mutants")
	require.NoError(t, err)
	for _, m := range mutants {
		require.True(t, slices.ContainsFunc(ledger, func(s Statement) bool { return s.ID == m.ID }), "mutant %s breaks an unknown statement", m.Name)
		source, err := os.ReadFile(filepath.Join("../..", m.File))
		require.NoError(t, err)
		_, err = m.Apply(string(source))
		require.NoError(t, err)
	}
}

func TestParseMutant(t *testing.T) {
	t.Parallel()
	m, err := ParseMutant("rfc1-2.3-4.client", "file: a/b.go\n<<<<\n\told\n====\n\tnew\n>>>>\n")
	require.NoError(t, err)
	require.Equal(t, Mutant{Name: "rfc1-2.3-4.client", ID: "rfc1-2.3-4", File: "a/b.go", Old: "\told", New: "\tnew"}, m)
	got, err := m.Apply("a\n\told\nb\n")
	require.NoError(t, err)
	require.Equal(t, "a\n\tnew\nb\n", got)
	_, err = m.Apply("\told\told")
	require.Error(t, err)

	empty, err := ParseMutant("rfc1-1-1", "file: f\n<<<<\nold\n====\n>>>>\n")
	require.NoError(t, err)
	require.Empty(t, empty.New)

	for _, bad := range []string{"", "file: f\n", "file: f\n<<<<\nx\n", "file: f\n<<<<\nx\n====\ny\n", "file: f\n<<<<\nx\n====\nx\n>>>>\n"} {
		_, err := ParseMutant("rfc1-1-1", bad)
		require.Error(t, err, "%q", bad)
	}
}
