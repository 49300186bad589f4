package main

import (
	"context"
	"time"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// smtpLoad is what a server has to take.
type smtpLoad struct {
	work     string
	sessions int
	messages int          // of each session
	groups   []load.Group // a message
	deep     bool         // the groups end in an envelope
	chunked  bool
	atMost   float64 // of the processor time of go-smtp
}

const (
	kb = 1 << 10
	mb = 1 << 20
)

func smtpLoads() []smtpLoad {
	small, middle, large := load.Message(kb, false), load.Message(50*kb, false), load.Message(10*mb, false)
	dotted := load.Message(10*mb, true)
	return []smtpLoad{
		{work: "DATA 1 KB, pipelined, 20 sessions", sessions: 20, messages: 1500, groups: load.Data(small), atMost: 0.45},
		{work: "DATA 1 KB, pipelined, 1 session", sessions: 1, messages: 15_000, groups: load.Data(small)},
		{work: "DATA 1 KB with next envelope, 1 session", sessions: 1, messages: 20_000, groups: load.Deep(small), deep: true},
		{work: "DATA 50 KB, pipelined, 20 sessions", sessions: 20, messages: 150, groups: load.Data(middle), atMost: 0.10},
		{work: "DATA 10 MB, 1 session", sessions: 1, messages: 12, groups: load.Data(large), atMost: 0.08},
		{work: "DATA 10 MB, dotted, 1 session", sessions: 1, messages: 12, groups: load.Data(dotted), atMost: 0.10},
		{work: "BDAT 1 KB, 20 sessions", sessions: 20, messages: 1500, groups: load.Chunked(small), chunked: true},
		{work: "BDAT 10 MB, 1 session", sessions: 1, messages: 50, groups: load.Chunked(large), chunked: true, atMost: 0.6},
	}
}

// smtpServers compares servers that discard what they take, in cleartext and by
// TLS 1.3.
func smtpServers(ctx context.Context, c *course) error {
	plain := []string{peers.Posthouse, peers.GoSMTP}
	if peers.HasSMTPSink() {
		plain = append(plain, peers.SMTPSink)
	}
	if err := raceServers(ctx, c, plain, false); err != nil {
		return err
	}
	return raceServers(ctx, c, []string{peers.Posthouse, peers.GoSMTP}, true)
}

func raceServers(ctx context.Context, c *course, names []string, secure bool) error {
	servers := map[string]*peers.Server{}
	for _, name := range names {
		s, err := peers.StartSMTPServer(ctx, name, secure)
		if err != nil {
			return err
		}
		defer s.Stop()
		servers[name] = s
	}
	for _, l := range smtpLoads() {
		r := &race.Race{
			Work: l.work, Unit: "µs CPU/message", Each: "messages", N: l.sessions * l.messages,
			Base: peers.GoSMTP, AtMost: l.atMost,
		}
		if secure {
			r.Work, r.AtMost = "TLS 1.3: "+l.work, 0
		}
		for _, name := range names {
			if l.chunked && name == peers.SMTPSink {
				continue // it has no CHUNKING
			}
			r.Entrants = append(r.Entrants, race.Entrant{Name: name, Run: func() (race.Cost, error) {
				return l.cost(servers[name], secure)
			}})
		}
		if err := c.run(r); err != nil {
			return err
		}
	}
	return nil
}

// cost connects the sessions, and measures what their messages cost.
func (l *smtpLoad) cost(s *peers.Server, secure bool) (race.Cost, error) {
	sessions := make([]*load.SMTP, l.sessions)
	for i := range sessions {
		session, err := load.DialSMTP(s.Addr, secure)
		if err != nil {
			return race.Cost{}, err
		}
		defer session.Close()
		if l.deep {
			if err := session.Send(load.Group{Octets: []byte(load.Envelope), Replies: 3}); err != nil {
				return race.Cost{}, err
			}
		}
		sessions[i] = session
	}
	return costOf(s, float64(l.sessions*l.messages), time.Microsecond, func() error {
		return together(l.sessions, func(i int) error {
			for range l.messages {
				if err := sessions[i].Send(l.groups...); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
