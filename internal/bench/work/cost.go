package work

import (
	"time"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// CostOf measures a server while work keeps it busy: the processor time, in
// units, for each of n things.
func CostOf(s *peers.Server, n float64, unit time.Duration, work func() error) (race.Cost, error) {
	allocsBefore, err := s.Allocations()
	if err != nil {
		return race.Cost{}, err
	}
	before, err := s.CPU()
	if err != nil {
		return race.Cost{}, err
	}
	start := time.Now()
	if err := work(); err != nil {
		return race.Cost{}, err
	}
	wall := time.Since(start)
	after, err := s.CPU()
	if err != nil {
		return race.Cost{}, err
	}
	allocs, err := s.Allocations()
	return race.Cost{
		Value: float64(after-before) / float64(unit) / n,
		Wall:  wall,
		Alloc: float64(allocs-allocsBefore) / n,
	}, err
}

// Together runs n works at a time, and returns what went wrong first.
func Together(n int, work func(i int) error) error {
	failures := make(chan error, n)
	for i := range n {
		go func() { failures <- work(i) }()
	}
	var first error
	for range n {
		if err := <-failures; first == nil {
			first = err
		}
	}
	return first
}
