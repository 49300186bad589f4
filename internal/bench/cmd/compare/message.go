package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/posthouse/posthouse/internal/bench/parsing"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// collections are where messages of all kinds lie beside the repository, if they do.
const collections = "../../../shared/data/mime"

// parsedMB is about how much each parser has to read in a round; enmime an eighth of
// it, for it takes its time.
const (
	parsedMB = 32
	eighth   = 8
)

// messages compares parsers on sets of messages, and our structure alone with the whole
// parse of go-message, which has no less to offer.
func messages(ctx context.Context, c *course) error {
	sets, err := parsing.Sets(collections)
	if err != nil {
		return err
	}
	dir, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer remove()
	parsers := map[string]peers.Client{}
	names := peers.MessageParsers()
	for _, name := range append(names, parsing.Structure) {
		p, err := peers.StartParser(ctx, name, dir)
		if err != nil {
			return err
		}
		defer p.Stop()
		parsers[name] = p
	}
	for _, set := range sets {
		if len(set.Messages) == 0 {
			fmt.Printf("| parse %s | none: no %s | | | | | | |\n", set.Name, collections)
			continue
		}
		folder := filepath.Join(dir, set.Name)
		if err := write(folder, set); err != nil {
			return err
		}
		times := 1 + parsedMB*mb/set.Octets()
		size := float64(times) * float64(set.Octets()) / 1e6
		entrants := func(names ...string) (all []race.Entrant) {
			for _, name := range names {
				times, part := times, 1.0
				if name == parsing.Enmime {
					times = 1 + times/eighth
					part = float64(times) * float64(set.Octets()) / 1e6 / size
				}
				all = append(all, race.Entrant{Name: name, Run: func() (race.Cost, error) {
					spent, err := parsers[name].Do(ctx, peers.Job{Folder: folder, Messages: times})
					return race.Cost{
						Value: float64(spent.CPU) / float64(time.Millisecond) / size / part,
						Wall:  time.Duration(float64(spent.Wall) / part),
						Alloc: float64(spent.Allocations) / float64(times*len(set.Messages)),
					}, err
				}})
			}
			return all
		}
		for _, r := range []*race.Race{
			{Work: fmt.Sprintf("parse %s: %d messages", set.Name, len(set.Messages)), AtMost: ratio(set.Full), Entrants: entrants(names...)},
			{Work: "structure of " + set.Name, AtMost: ratio(set.Structure), Entrants: entrants(parsing.Structure, parsing.GoMessage)},
		} {
			r.Unit, r.Each, r.N, r.Base = "ms CPU/MB", "MB", int(size), parsing.GoMessage
			if err := c.run(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// ratio is the goal of what should be so many times as fast; 0 is none.
func ratio(times float64) float64 {
	if times == 0 {
		return 0
	}
	return 1 / times
}

// write writes each message of a set to a file.
func write(folder string, set parsing.Set) error {
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	for i, m := range set.Messages {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i)), m, 0o644); err != nil {
			return err
		}
	}
	return nil
}
