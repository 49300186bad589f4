package main

import (
	"time"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// costOf measures a server while work keeps it busy: the processor time, in
// units, for each of n things.
func costOf(s *peers.Server, n float64, unit time.Duration, work func() error) (race.Cost, error) {
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

// together runs n works at a time, and returns what went wrong first.
func together(n int, work func(i int) error) error {
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
