package main

import (
	"context"
	"slices"
	"time"

	"github.com/posthouse/posthouse/internal/bench/delay"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// oneWay makes a round trip of 20 ms.
const oneWay = 10 * time.Millisecond

// smtpClients compares clients that send to our server.
func smtpClients(ctx context.Context, c *course) error {
	s, err := peers.StartSMTPServer(ctx, peers.Posthouse, false)
	if err != nil {
		return err
	}
	defer s.Stop()
	names := peers.SMTPClients()
	clients := map[string]peers.Client{}
	for _, name := range names {
		client, err := peers.StartSMTPClient(ctx, name)
		if err != nil {
			return err
		}
		defer client.Stop()
		clients[name] = client
	}
	entrants := func(job peers.Job, cost func(peers.Cost) race.Cost) (all []race.Entrant) {
		for _, name := range names {
			all = append(all, race.Entrant{Name: name, Run: func() (race.Cost, error) {
				spent, err := clients[name].Do(ctx, job)
				return cost(spent), err
			}})
		}
		return all
	}
	for _, work := range []struct {
		name                     string
		messages, size, sessions int
		atMost                   float64
	}{
		{"send 1 KB, 1 session", 5000, kb, 1, 0.45},
		{"send 1 KB, 20 sessions", 10_000, kb, 20, 0},
		{"send 50 KB, 1 session", 1000, 50 * kb, 1, 0.12},
		{"send 10 MB, 1 session", 10, 10 * mb, 1, 0.06},
	} {
		job := peers.Job{Addr: s.Addr, Messages: work.messages, Size: work.size, Sessions: work.sessions}
		err := c.run(&race.Race{
			Work: work.name, Unit: "µs CPU/message", Each: "messages", N: work.messages, Base: peers.NetSMTP, AtMost: work.atMost,
			Entrants: entrants(job, func(spent peers.Cost) race.Cost {
				n := float64(work.messages)
				return race.Cost{
					Value: float64(spent.CPU) / float64(time.Microsecond) / n,
					Wall:  spent.Wall, Alloc: float64(spent.Allocations) / n,
				}
			}),
		})
		if err != nil {
			return err
		}
	}
	return farAway(c, s, func(addr string, n int) []race.Entrant {
		job := peers.Job{Addr: addr, Messages: n, Size: kb, Sessions: 1}
		return entrants(job, func(spent peers.Cost) race.Cost { return race.Cost{Value: spent.Wall.Seconds()} })
	})
}

// farAway has the clients send to a server that is 20 ms away, with CHUNKING and
// without.
func farAway(c *course, s *peers.Server, entrants func(addr string, n int) []race.Entrant) error {
	const messages = 100
	for _, work := range []struct {
		name, hide string
		atMost     float64
	}{
		{"100 messages of 1 KB at 20 ms, CHUNKING", "", 0.3},
		{"100 messages of 1 KB at 20 ms, no CHUNKING", "CHUNKING", 2.4},
	} {
		p, err := delay.Listen(s.Addr, oneWay, work.hide)
		if err != nil {
			return err
		}
		all := entrants(p.Addr(), messages)
		if work.hide != "" { // the others do not use it
			all = slices.DeleteFunc(all, func(e race.Entrant) bool { return e.Name != peers.Posthouse })
		}
		err = c.run(&race.Race{
			Work: work.name, Unit: "s", Base: peers.NetSMTP, AtMost: work.atMost, Absolute: true, Cold: true, Once: true, Entrants: all,
		})
		if err != nil {
			return err
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	return nil
}
