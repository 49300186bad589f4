package testnet

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { Main(m) }

// TestLeftBehind: a goroutine that waits in code of ours is found, as long as it is there.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	begun, release, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		forgotten(begun, release)
		close(over)
	}()
	found := func() []string {
		return slices.DeleteFunc(leftBehind(0), func(stack string) bool { return !strings.Contains(stack, "testnet.forgotten(") })
	}
	<-begun
	require.Len(t, found(), 1)
	close(release)
	<-over
	require.Empty(t, found())
}

func forgotten(begun chan<- struct{}, release <-chan struct{}) {
	close(begun)
	<-release
}
