package serve

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestApart: it returns when the function has, and a panic goes on with its
// stack.
func TestApart(t *testing.T) {
	t.Parallel()
	done := false
	Apart(func() { done = true })
	require.True(t, done)
	defer func() {
		text, _ := recover().(string)
		require.Contains(t, text, "horse lame\n")
		require.Contains(t, text, "TestApart")
	}()
	Apart(func() { panic("horse lame") })
	t.Error("no panic")
}
