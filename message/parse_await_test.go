package message

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAwaited opens and closes multiparts, with boundaries of which many are the same
// or the beginning of another, and looks for each boundary line as if one had to look
// at all of them.
func TestAwaited(t *testing.T) {
	t.Parallel()
	rand := rand.New(rand.NewPCG(1, 2))
	var a awaited
	var open []string // innermost last; the number of a part is its place
	innermost := func(boundary string) int32 {
		for i := len(open) - 1; i >= 0; i-- {
			if open[i] == boundary {
				return int32(i)
			}
		}
		return -1
	}
	for step := range 20_000 {
		boundary := fmt.Sprint(rand.IntN(200)) + []string{"", "", "--", "-"}[rand.IntN(4)]
		part := innermost(boundary)
		// The stack grows and shrinks again and again.
		if deeper := step/1000%2 == 0; len(open) == 0 || deeper && rand.IntN(4) > 0 {
			require.Equal(t, part < 0, a.push(int32(len(open)), []byte(boundary)), "%s after %q", boundary, open)
			open = append(open, boundary)
		} else if rand.IntN(2) == 0 {
			a.pop()
			open = open[:len(open)-1]
		}
		require.Equal(t, int32(len(open)-1), a.innermost())

		boundary = fmt.Sprint(rand.IntN(200))
		for _, line := range []string{boundary, boundary + "-", boundary + "--", boundary + "----"} {
			want, closing := innermost(line), false
			if want < 0 && len(line) > 2 && line[len(line)-2:] == "--" {
				want, closing = innermost(line[:len(line)-2]), true
			}
			got, gotClosing, ok := a.match([]byte("--" + line + " \r\n"))
			require.Equal(t, want >= 0, ok, "%s among %q", line, open)
			if ok {
				require.Equal(t, want, got, "%s among %q", line, open)
				require.Equal(t, closing, gotClosing, "%s among %q", line, open)
			}
		}
	}
}
