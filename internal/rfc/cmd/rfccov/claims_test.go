package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "b"}, spread([]string{"b", "a"}, 2))
	require.Equal(t, []string{"a", "c", "e"}, spread([]string{"f", "e", "d", "c", "b", "a"}, 3))
	require.Empty(t, spread(nil, 3))
}
