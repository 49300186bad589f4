package popbeforetest_test

import (
	"testing"

	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/auth/popbefore/popbeforetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	popbeforetest.TestStore(t, func(*testing.T) popbefore.Store { return new(popbefore.Memory) })
}

// The tests of a Store of one's own.
func ExampleTestStore() {
	_ = func(t *testing.T) {
		popbeforetest.TestStore(t, func(*testing.T) popbefore.Store { return new(popbefore.Memory) })
	}
}
