package main

import (
	"context"
	"fmt"
	"net"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
	"github.com/posthouse/posthouse/internal/bench/work"
)

const (
	idleConns = 5000

	// idleDovecot is how many sessions Dovecot has: each is a process.
	idleDovecot = 100
)

// idle compares the resident memory of connections that have been greeted, or
// have logged in, and wait.
func idle(ctx context.Context, c *course) error {
	smtp := func(name string, secure bool) race.Entrant {
		return race.Entrant{Name: name, Run: func() (race.Cost, error) {
			s, err := peers.StartSMTPServer(ctx, name, secure)
			if err != nil {
				return race.Cost{}, err
			}
			defer s.Stop()
			return work.Memory(s, idleConns, func(int) (net.Conn, error) { return load.DialSMTP(s.Addr, secure) })
		}}
	}
	pop := func(name string, conns int) race.Entrant {
		return race.Entrant{Name: name, Run: func() (race.Cost, error) { return idlePOP3(ctx, name, conns) }}
	}
	races := []*race.Race{
		{Work: "idle SMTP", AtMost: 8, Entrants: []race.Entrant{smtp(peers.Posthouse, false), smtp(peers.GoSMTP, false)}},
		{Work: "idle SMTP, TLS 1.3", AtMost: 30, Entrants: []race.Entrant{smtp(peers.Posthouse, true), smtp(peers.GoSMTP, true)}},
		{Work: "idle POP3", AtMost: 8, Entrants: []race.Entrant{pop(peers.Posthouse, idleConns)}},
	}
	if peers.HasDovecot() {
		races[2].Entrants = append(races[2].Entrants, pop(peers.Dovecot, idleDovecot))
	}
	for i, r := range races {
		r.Unit, r.Absolute, r.Cold, r.Base = "KB/connection", true, true, races[i].Entrants[len(races[i].Entrants)-1].Name
		if err := c.run(r); err != nil {
			return err
		}
	}
	return nil
}

// idlePOP3 measures sessions with an empty maildrop, each of its own user.
func idlePOP3(ctx context.Context, name string, conns int) (race.Cost, error) {
	root, remove, err := tempDir()
	if err != nil {
		return race.Cost{}, err
	}
	defer remove()
	s, err := peers.StartPOP3Server(ctx, name, root)
	if err != nil {
		return race.Cost{}, err
	}
	defer s.Stop()
	return work.Memory(s, conns, func(i int) (net.Conn, error) {
		p, err := load.DialPOP3(s.Addr)
		if err != nil {
			return nil, err
		}
		return p, p.Login(fmt.Sprint("idle", i), peers.Password)
	})
}
