package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
	"github.com/posthouse/posthouse/internal/bench/work"
)

// few is the maildrop of large messages.
var few = peers.Mailbox{User: "few", Messages: 20, Size: 10_000_000}

const logins = 100

// tempDir makes a folder that the server's users can reach.
func tempDir() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "bench")
	return dir, func() { os.RemoveAll(dir) }, err
}

// withMail starts our server and Dovecot, if it is there, on the same Maildirs.
func withMail(ctx context.Context, boxes []peers.Mailbox, use func(names []string, servers map[string]*peers.Server) error) error {
	root, remove, err := tempDir()
	if err != nil {
		return err
	}
	defer remove()
	for _, box := range boxes {
		if err := box.Make(root); err != nil {
			return err
		}
	}
	names := []string{peers.Posthouse}
	if peers.HasDovecot() {
		names = append(names, peers.Dovecot)
	}
	servers := map[string]*peers.Server{}
	for _, name := range names {
		s, err := peers.StartPOP3Server(ctx, name, root)
		if err != nil {
			return err
		}
		defer s.Stop()
		servers[name] = s
	}
	return use(names, servers)
}

// pop3Servers compares servers of the same Maildirs.
func pop3Servers(ctx context.Context, c *course) error {
	return withMail(ctx, []peers.Mailbox{peers.Many, few}, func(names []string, servers map[string]*peers.Server) error {
		entrants := func(run func(*peers.Server) (race.Cost, error)) (all []race.Entrant) {
			for _, name := range names {
				all = append(all, race.Entrant{Name: name, Run: func() (race.Cost, error) { return run(servers[name]) }})
			}
			return all
		}
		for _, w := range []struct {
			name   string
			box    peers.Mailbox
			ahead  int
			times  int
			atMost float64
		}{
			{"RETR 1,000 x 10 KB, pipelined", peers.Many, 50, 10, 0.4},
			{"RETR 1,000 x 10 KB, one by one", peers.Many, 1, 10, 0},
			{"RETR 20 x 10 MB, pipelined", few, few.Messages, 1, 0.25},
		} {
			err := c.run(&race.Race{
				Work: w.name, Unit: "ms CPU/MB", Each: "MB", N: w.times * w.box.Octets() / 1e6, Base: peers.Dovecot, AtMost: w.atMost,
				Entrants: entrants(func(s *peers.Server) (race.Cost, error) {
					return retrieve(s, w.box, w.ahead, w.times)
				}),
			})
			if err != nil {
				return err
			}
		}
		return c.run(&race.Race{
			Work: fmt.Sprintf("login, STAT, QUIT: %d messages", peers.Many.Messages), Unit: "µs CPU/login", Each: "logins", N: logins,
			Base: peers.Dovecot, AtMost: 0.1,
			Entrants: entrants(loginStatQuit),
		})
	})
}

// retrieve logs in, and measures the fetching of all messages, some times over.
func retrieve(s *peers.Server, box peers.Mailbox, ahead, times int) (race.Cost, error) {
	p, err := load.DialPOP3(s.Addr)
	if err != nil {
		return race.Cost{}, err
	}
	defer p.Close()
	if err := p.Login(box.User, peers.Password); err != nil {
		return race.Cost{}, err
	}
	wire := box.Wire()
	cost, err := work.CostOf(s, float64(times*box.Octets())/1e6, time.Millisecond, func() error {
		for range times {
			if err := p.Retrieve(box.Messages, ahead, wire); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = p.Quit() // so that the maildrop is free for the next session
	}
	return cost, err
}

func loginStatQuit(s *peers.Server) (race.Cost, error) {
	return work.CostOf(s, logins, time.Microsecond, func() error {
		for range logins {
			p, err := load.DialPOP3(s.Addr)
			if err != nil {
				return err
			}
			if err := p.Login(peers.Many.User, peers.Password); err != nil {
				return err
			}
			if err := p.Command("STAT"); err != nil {
				return err
			}
			if err := p.Quit(); err != nil {
				return err
			}
		}
		return nil
	})
}
