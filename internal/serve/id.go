package serve

import (
	"crypto/rand"
	"strconv"
	"strings"
)

// ids makes names for sessions: 30 random bits, which tell the loops of a
// process apart, and its runs; and a number.
type ids struct {
	prefix string
	last   uint64
}

func (i *ids) next() string {
	if i.prefix == "" {
		i.prefix = strings.ToLower(rand.Text()[:6])
	}
	i.last++
	return i.prefix + "-" + strconv.FormatUint(i.last, 36)
}
