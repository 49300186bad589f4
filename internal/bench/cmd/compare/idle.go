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

	// idleMessage is the size of a message in a maildrop that is not empty.
	idleMessage = 1000
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
	pop := func(name string, conns, messages int) race.Entrant {
		return race.Entrant{Name: name, Run: func() (race.Cost, error) { return idlePOP3(ctx, name, conns, messages) }}
	}
	races := []*race.Race{
		{Work: "idle SMTP", AtMost: 8, Entrants: []race.Entrant{smtp(peers.Posthouse, false), smtp(peers.GoSMTP, false)}},
		{Work: "idle SMTP, TLS 1.3", AtMost: 30, Entrants: []race.Entrant{smtp(peers.Posthouse, true), smtp(peers.GoSMTP, true)}},
	}
	for _, messages := range []int{-1, 0, 10} {
		work := "idle POP3"
		if messages >= 0 {
			work = fmt.Sprintf("idle POP3, Maildir of %d", messages)
		}
		r := &race.Race{Work: work, AtMost: 8, Entrants: []race.Entrant{pop(peers.Posthouse, idleConns, messages)}}
		if peers.HasDovecot() {
			r.Entrants = append(r.Entrants, pop(peers.Dovecot, idleDovecot, messages))
		}
		races = append(races, r)
	}
	for i, r := range races {
		r.Unit, r.Absolute, r.Cold, r.Base = "KB/connection", true, true, races[i].Entrants[len(races[i].Entrants)-1].Name
		if err := c.run(r); err != nil {
			return err
		}
	}
	return nil
}

// idlePOP3 measures sessions each of its own user, who has a Maildir of so many messages;
// none at all if they are less than zero.
func idlePOP3(ctx context.Context, name string, conns, messages int) (race.Cost, error) {
	root, remove, err := tempDir()
	if err != nil {
		return race.Cost{}, err
	}
	defer remove()
	for i := range work.Conns(conns) {
		box := peers.Mailbox{User: fmt.Sprint("idle", i), Messages: messages, Size: idleMessage}
		if messages < 0 {
			break
		}
		if err := box.Make(root); err != nil {
			return race.Cost{}, err
		}
	}
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
