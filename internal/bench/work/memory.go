package work

import (
	"net"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// Memory measures what each of n connections adds to a server's memory, in KB.
func Memory(s *peers.Server, n int, dial func(i int) (net.Conn, error)) (race.Cost, error) {
	before, err := s.Resident()
	if err != nil {
		return race.Cost{}, err
	}
	for i := range n {
		nc, err := dial(i)
		if err != nil {
			return race.Cost{}, err
		}
		defer nc.Close()
	}
	after, err := s.Resident()
	return race.Cost{Value: float64(after-before) / (1 << 10) / float64(n)}, err
}
