package pop3

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func infos(sizes ...int64) []Info {
	var list []Info
	for i, size := range sizes {
		list = append(list, Info{UID: fmt.Sprintf("uid%d", i+1), Size: size})
	}
	return list
}

func TestSnapshotCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		list []Info
		want string
	}{
		{"empty", nil, ""},
		{"good", infos(1, 0, 3), ""},
		{"uid of 70", []Info{{UID: strings.Repeat("x", 70)}}, ""},
		{"uid of 71", []Info{{UID: strings.Repeat("x", 71)}}, "has the unique-id"},
		{"no uid", []Info{{UID: "a"}, {UID: ""}}, "message 2 has the unique-id \"\""},
		{"uid with a blank", []Info{{UID: "a b"}}, "has the unique-id"},
		{"uid with a line end", []Info{{UID: "a\r\n"}}, `has the unique-id "a\r\n"`},
		{"uid beyond ASCII", []Info{{UID: "\u00fc"}}, "has the unique-id"},
		{"same uid", []Info{{UID: "a"}, {UID: "b"}, {UID: "a"}}, "messages 1 and 3 have the same unique-id \"a\""},
		{"negative size", infos(1, -1), "message 2 has the size -1"},
		{"sum overflows", infos(math.MaxInt64, 1), "larger than"},
	} {
		var d snapshot
		err := d.check(tt.list, 100)
		if tt.want == "" {
			require.NoError(t, err, tt.name)
			continue
		}
		require.ErrorContains(t, err, tt.want, tt.name)
	}
}

func TestSnapshotShowsTheFirstMessagesOfTooMany(t *testing.T) {
	t.Parallel()
	var d snapshot
	require.NoError(t, d.check(infos(1, 2, 4, 8), 3))
	require.Len(t, d.list, 3)
	require.Equal(t, 3, d.left)
	require.EqualValues(t, 7, d.octets)
	require.False(t, d.has(4))
}

// The marks agree with a set kept the plain way.
func TestSnapshotMarks(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{1, 63, 64, 65, 200} {
		sizes := make([]int64, count)
		for i := range sizes {
			sizes[i] = rnd.Int64N(100)
		}
		var d snapshot
		require.NoError(t, d.check(infos(sizes...), count))
		for range 3 {
			marked := map[int]bool{}
			require.True(t, d.clean())
			for range count / 2 {
				if n := rnd.IntN(count) + 1; !marked[n] {
					require.False(t, d.marked(n))
					d.mark(n)
					marked[n] = true
				}
			}
			var octets int64
			var want, wantLeft []int
			for n := 1; n <= count; n++ {
				require.Equal(t, marked[n], d.marked(n))
				if marked[n] {
					want = append(want, n)
				} else {
					wantLeft = append(wantLeft, n)
					octets += sizes[n-1]
				}
			}
			require.Equal(t, want, slices.Collect(d.deleted))
			require.Equal(t, wantLeft, slices.Collect(d.remaining))
			require.Equal(t, len(wantLeft), d.left)
			require.Equal(t, octets, d.octets)
			d.unmarkAll()
		}
	}
}

func TestSnapshotEndsOfRange(t *testing.T) {
	t.Parallel()
	var d snapshot
	require.NoError(t, d.check(infos(1, 2), 2))
	for n, want := range map[int]bool{-1: false, 0: false, 1: true, 2: true, 3: false, math.MaxInt: false, math.MinInt: false} {
		require.Equal(t, want, d.has(n), n)
	}
}

// A maildrop of a million messages: what the session adds to the store's list is
// paid once for the check, and a bit a message for the marks.
func TestSnapshotOfAMillion(t *testing.T) {
	const count = 1_000_000
	list := make([]Info, count)
	for i := range list {
		list[i] = Info{UID: fmt.Sprintf("%08x.%d", i, i%7), Size: 1}
	}
	var d snapshot
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, d.check(list, count))
	runtime.ReadMemStats(&after)
	require.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(12*count))
	d.mark(count)
	require.LessOrEqual(t, 8*cap(d.marks), count/8+64)

	list[count-1].UID = list[17].UID
	require.ErrorContains(t, (&snapshot{}).check(list, count), "messages 18 and 1000000 have the same unique-id")
}

func BenchmarkSnapshotCheck(b *testing.B) {
	list := make([]Info, 1_000_000)
	for i := range list {
		list[i] = Info{UID: fmt.Sprintf("%08x.%d", i, i%7), Size: 1}
	}
	b.ReportAllocs()
	for b.Loop() {
		var d snapshot
		if err := d.check(list, len(list)); err != nil {
			b.Fatal(err)
		}
	}
}
