package pop3

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

type yielder struct {
	Yielder
	yields atomic.Int32
}

func (y *yielder) Yield() { y.yields.Add(1) }

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
		require.Zero(t, drop.yields.Load())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.EqualValues(t, 1, drop.yields.Load())
		l.yield()
		require.True(t, l.arrive())
		require.EqualValues(t, 1, drop.yields.Load())
	})
}
