package main

import (
	"context"
	"time"

	"github.com/posthouse/posthouse/internal/bench/delay"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// pop3Clients compares clients that fetch 1,000 messages, near and 20 ms away;
// from Dovecot, if it is there.
func pop3Clients(ctx context.Context, c *course) error {
	return withMail(ctx, []peers.Mailbox{peers.Many}, func(servers []string, running map[string]*peers.Server) error {
		addr := running[servers[len(servers)-1]].Addr
		far, err := delay.Listen(addr, oneWay, "")
		if err != nil {
			return err
		}
		defer far.Close()
		fetch := func(addr string, cost func(peers.Cost) race.Cost) (all []race.Entrant, err error) {
			for _, name := range peers.POP3Clients() {
				client, err := peers.StartPOP3Client(ctx, name)
				if err != nil {
					return nil, err
				}
				context.AfterFunc(ctx, func() { client.Stop() })
				all = append(all, race.Entrant{Name: name, Run: func() (race.Cost, error) {
					spent, err := client.Do(ctx, peers.Job{Addr: addr, Messages: peers.Many.Messages})
					return cost(spent), err
				}})
			}
			return all, nil
		}
		near, err := fetch(addr, func(spent peers.Cost) race.Cost {
			return race.Cost{Value: float64(spent.CPU) / float64(time.Millisecond), Wall: spent.Wall}
		})
		if err != nil {
			return err
		}
		if err := c.run(&race.Race{Work: "fetch 1,000 x 10 KB", Unit: "ms CPU", Each: "messages", N: peers.Many.Messages, Base: peers.Mpop, Entrants: near}); err != nil {
			return err
		}
		away, err := fetch(far.Addr(), func(spent peers.Cost) race.Cost { return race.Cost{Value: spent.Wall.Seconds()} })
		if err != nil {
			return err
		}
		return c.run(&race.Race{
			Work: "fetch 1,000 x 10 KB at 20 ms", Unit: "s", Base: peers.Mpop, AtMost: 0.6, Absolute: true, Entrants: away,
		})
	})
}
