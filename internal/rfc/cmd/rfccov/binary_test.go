package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessorTime(t *testing.T) {
	t.Parallel()
	got, ok := parseStat("17 (a) b (c)) S 1 17 17 0 -1 4194560 107 0 0 0 250 31 0 0 20 0 5 0 99")
	require.True(t, ok)
	require.Equal(t, 2810*time.Millisecond, got)
	for _, bad := range []string{"", "17 (a) S 1", "17 (a) S 1 17 17 0 -1 4194560 107 0 0 0 x 31 0"} {
		_, ok = parseStat(bad)
		require.False(t, ok, bad)
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		_, ok = processorTime(os.Getpid())
		require.True(t, ok)
	}
}
