package work

import (
	"net"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// Conns is how many connections Memory makes to measure n.
func Conns(n int) int { return n/10 + n }

// Memory measures what each of n connections adds to a server's memory, in KB. Some are
// there before: what the first ones bring about once, such as the tables of the runtime
// and the pages of the program, is no cost of those that follow.
func Memory(s *peers.Server, n int, dial func(i int) (net.Conn, error)) (race.Cost, error) {
	before := int64(0)
	for i := range Conns(n) {
		if i == Conns(n)-n {
			var err error
			if before, err = s.Resident(); err != nil {
				return race.Cost{}, err
			}
		}
		nc, err := dial(i)
		if err != nil {
			return race.Cost{}, err
		}
		defer nc.Close()
	}
	after, err := s.Resident()
	return race.Cost{Value: float64(after-before) / (1 << 10) / float64(n)}, err
}
