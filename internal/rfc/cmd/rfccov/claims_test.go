package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "b"}, spread([]string{"b", "a"}, 2))
	require.Equal(t, []string{"a", "c", "e"}, spread([]string{"f", "e", "d", "c", "b", "a"}, 3))
	require.Empty(t, spread(nil, 3))
}

// TestProveWhatPanics: a claiming test that panics leaves the others open. Whether they
// fail too is seen when they run without it.
func TestProveWhatPanics(t *testing.T) {
	t.Parallel()
	events := func(result string, tests ...string) (b []byte) {
		for _, test := range tests {
			b = fmt.Appendf(b, "{\"Action\":%q,\"Test\":%q}\n", result, test)
		}
		return b
	}
	others := []string{"TestA", "TestB", "TestC"}
	s := &suite{
		claims: map[string][]claim{"id": {{pkg: "p", test: "TestClaim/row"}}},
		quick:  map[string][]string{"p": others},
	}
	for result, narrow := range map[string]bool{"pass": true, "fail": false, "run": false} {
		runs := 0
		v := s.prove(rfc.Mutant{ID: "id"}, func(_ string, tests []string) (*outcome, error) {
			if runs++; runs == 1 {
				return readOutcome(append(events("run", tests...), events("run", "TestClaim/row")...))
			}
			require.ElementsMatch(t, others, tests)
			return readOutcome(events(result, tests...))
		})
		require.Equal(t, 2, runs)
		require.Equal(t, narrow, v.err == nil, "%s: %v", result, v.err)
	}
}
