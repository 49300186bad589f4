package pop3

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type yielder struct {
	Yielder
	yields int
}

func (y *yielder) Yield() { y.yields++ }

// A timer that struck just when the client spoke may come late: in the next wait,
// which has only begun.
func TestLateTimer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			l    lease
			drop yielder
		)
		l.await(&drop, time.Hour)
		time.Sleep(59 * time.Minute)
		require.False(t, l.arrive())
		l.yield()
		l.await(&drop, time.Hour)
		l.yield()
		require.Zero(t, drop.yields)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 1, drop.yields)
		l.yield()
		require.True(t, l.arrive())
		require.Equal(t, 1, drop.yields)
	})
}
