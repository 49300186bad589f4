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
		var drop yielder
		s := &session{server: new(Server), began: time.Now(), drop: snapshot{maildrop: &drop}}
		s.startClock()
		defer s.stopClock()
		s.await(time.Hour)
		time.Sleep(59 * time.Minute)
		require.False(t, s.arrived())
		s.strike()
		s.await(time.Hour)
		s.strike()
		require.Zero(t, drop.yields.Load())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.EqualValues(t, 1, drop.yields.Load())
		s.strike()
		require.True(t, s.arrived())
		require.EqualValues(t, 1, drop.yields.Load())
	})
}

// A wait that is shorter than the one before it sets the timer back, and a session that
// is over leaves no timer behind, also when it strikes just then.
func TestClockStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var drop yielder
		s := &session{server: new(Server), began: time.Now(), drop: snapshot{maildrop: &drop}}
		s.startClock()
		s.await(time.Hour)
		require.False(t, s.arrived())
		s.await(time.Minute)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.EqualValues(t, 1, drop.yields.Load())
		s.stopClock()
		s.strike()
		require.False(t, s.clock.timer.Stop(), "it runs")
	})
}
