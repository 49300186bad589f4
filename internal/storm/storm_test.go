package storm

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMutator: mutants reach what a seed has not, and leave the corpus as it is.
func TestMutator(t *testing.T) {
	t.Parallel()
	seed := []any{[]byte("MAIL FROM:<a@b>"), "x", uint8(1), uint16(1), 1, int64(1), true}
	m := mutator{rand: rand.New(rand.NewPCG(1, 2)), corpus: [][]any{kept(seed)}}
	var longer, bare, flipped, negative bool
	for range 10_000 {
		args := m.next()
		b := args[0].([]byte)
		require.LessOrEqual(t, len(b), longest)
		longer = longer || len(b) > 40
		bare = bare || string(b) == "MAIL FROM:<a@b>\r\n"
		flipped = flipped || !args[6].(bool)
		negative = negative || args[4].(int) < 0
		clear(b) // a check may do that
	}
	require.Equal(t, []bool{true, true, true, true}, []bool{longer, bare, flipped, negative})
	require.Equal(t, [][]any{seed}, m.corpus)
}

func TestParse(t *testing.T) {
	t.Parallel()
	args, ok := parse("go test fuzz v1\n[]byte(\"a(b)\\xff\")\nstring(\"x\")\nbyte('\\a')\nuint16(7)\nint(-1)\nint64(5)\nbool(true)\nbyte('\\x80')\nbyte('\\'')\n")
	require.True(t, ok)
	require.Equal(t, []any{[]byte("a(b)\xff"), "x", uint8(7), uint16(7), -1, int64(5), true, uint8(0x80), uint8('\'')}, args)
	again, ok := parse(format(args))
	require.True(t, ok)
	require.Equal(t, args, again)
	require.True(t, fits(args, again))
	require.False(t, fits(args, args[1:]))
	require.False(t, fits([]any{uint8(1)}, []any{uint16(1)}))
	for _, bad := range []string{"", "go test fuzz v1\n", "go test fuzz v2\nint(1)\n", "go test fuzz v1\nint(x)\n", "go test fuzz v1\nrune(1)\n", "go test fuzz v1\nbyte('a)\n"} {
		_, ok := parse(bad)
		require.False(t, ok, bad)
	}
}

// FuzzNothing is a target of each kind of argument.
func FuzzNothing(f *testing.F) {
	s := New(f)
	s.Add([]byte("a"), uint16(1), uint8(2), true)
	s.Fuzz(func(*testing.T, []byte, uint16, uint8, bool) {})
}
