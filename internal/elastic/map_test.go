package elastic

import (
	"maps"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMapIsAMap has the same done to a Map and to a map, which grow and shrink.
func TestMapIsAMap(t *testing.T) {
	t.Parallel()
	var m Map[int, int]
	want := map[int]int{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		for _, deleting := range []bool{false, true} {
			for range 3000 {
				k := random.IntN(2000)
				if deleting == (random.IntN(10) > 0) {
					m.Delete(k)
					delete(want, k)
				} else {
					m.Set(k, k*k)
					want[k] = k * k
				}
				if m.Len() != len(want) || m.Get(k) != want[k] {
					t.Fatal(k, m.Len(), len(want))
				}
			}
			require.Equal(t, want, maps.Collect(m.All()))
			require.LessOrEqual(t, m.most, max(small, wide*m.Len()))
		}
	}
}

func TestDeletionAmongAll(t *testing.T) {
	t.Parallel()
	var m Map[int, bool]
	for k := range 1000 {
		m.Set(k, k%100 == 0)
	}
	seen := 0
	for k, stays := range m.All() {
		if seen++; !stays {
			m.Delete(k)
		}
	}
	require.Equal(t, 1000, seen)
	require.Equal(t, 10, m.Len())
	for k := range m.All() {
		require.Zero(t, k%100)
		break
	}
	m.Delete(3)
	require.Zero(t, new(Map[int, int]).Get(1))
	new(Map[int, int]).Delete(1)
}

// TestMapGivesMemoryBack, of which a map of Go keeps all. What it holds meanwhile is some
// 10 MB.
func TestMapGivesMemoryBack(t *testing.T) {
	const entries = 200_000
	var m Map[int, [32]byte]
	before := heap()
	for k := range entries {
		m.Set(k, [32]byte{})
	}
	full := heap() - before
	for k := range entries - 1 {
		m.Delete(k)
	}
	left := heap() - before
	require.Greater(t, full, int64(entries*40))
	require.Less(t, left, full/20)
	require.Equal(t, 1, m.Len())
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
