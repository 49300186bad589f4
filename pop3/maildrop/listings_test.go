package maildrop

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/pop3"
)

// TestListingsAreBounded: what is remembered of all maildrops together does not grow
// beyond maxListed messages, nor beyond a tenth of that in maildrops, be they empty.
func TestListingsAreBounded(t *testing.T) {
	t.Parallel()
	var c listings
	sum := func() (n int) {
		for _, l := range c.byFolder.All() {
			n += len(l.infos)
		}
		return n
	}
	of := func(n int) *listing { return &listing{infos: make([]pop3.Info, n)} }
	for i, n := range []int{maxListed / 2, maxListed / 2, 1, maxListed, 3, maxListed - 2} {
		name := strconv.Itoa(i)
		c.put(name, of(n))
		require.NotNil(t, c.last(name), "the last is kept")
		require.LessOrEqual(t, sum(), maxListed)
		require.Equal(t, sum(), c.messages)
	}
	c.put("5", of(maxListed+1))
	require.Nil(t, c.last("5"), "what was before is not true any more")
	require.Equal(t, sum(), c.messages)
	for i := range maxListed/10 + 10 {
		c.put(strconv.Itoa(i), of(0))
	}
	require.LessOrEqual(t, c.byFolder.Len(), maxListed/10)
}
