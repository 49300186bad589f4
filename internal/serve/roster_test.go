package serve

import (
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestRoster(t *testing.T) {
	t.Parallel()
	a, b, c := &Session{ID: "a"}, &Session{ID: "b"}, &Session{ID: "c"}
	for _, out := range [][]*Session{{a, b, c}, {c, b, a}, {b, a, c}, {b, c, a}} {
		var r roster
		for _, s := range []*Session{a, b, c} {
			r.add(s)
		}
		left := []*Session{c, b, a}
		require.Equal(t, left, r.all())
		for _, s := range out {
			r.remove(s)
			for i := range left {
				if left[i] == s {
					left = append(left[:i:i], left[i+1:]...)
					break
				}
			}
			require.Equal(t, left, r.all())
			require.Equal(t, len(left), r.len)
			require.Zero(t, s.place)
		}
	}
}

// TestCrowdLeavesNothing has many come, each from an address of its own, and go again
// but for one: what the loop knows is that one.
func TestCrowdLeavesNothing(t *testing.T) {
	t.Parallel()
	const crowd = 5000
	synctest.Test(t, func(t *testing.T) {
		s := start(&Loop{MaxConnsPerAddr: 2, Handle: work(0)})
		stays := s.dial(t, "198.51.100.1:1")
		conns := make([]net.Conn, crowd)
		for i := range conns {
			nc, err := s.ln.DialFrom(fmt.Sprintf("10.0.%d.%d:1", i/256, i%256))
			require.NoError(t, err)
			conns[i] = nc
			if i%100 == 0 {
				synctest.Wait() // only so many may wait to be accepted
			}
		}
		synctest.Wait()
		require.Equal(t, crowd+1, s.sessions.len)
		require.Equal(t, crowd+1, s.perAddr.Len())
		for _, nc := range conns {
			require.NoError(t, nc.Close())
		}
		synctest.Wait()
		require.Equal(t, 1, s.sessions.len)
		require.Equal(t, 1, s.perAddr.Len())
		require.NoError(t, stays.Close())
		synctest.Wait()
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-s.served, ErrClosed)
	})
}
