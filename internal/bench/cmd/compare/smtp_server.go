package main

import (
	"context"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
	"github.com/posthouse/posthouse/internal/bench/work"
)

// smtpLoad is what a server has to take.
type smtpLoad struct {
	name string
	work.SMTP
	chunked bool
	atMost  float64 // of the processor time of go-smtp
}

const (
	kb = 1 << 10
	mb = 1 << 20
)

func smtpLoads() []smtpLoad {
	small, middle, large := load.Message(kb, false), load.Message(50*kb, false), load.Message(10*mb, false)
	dotted := load.Message(10*mb, true)
	return []smtpLoad{
		{name: "DATA 1 KB, pipelined, 20 sessions", SMTP: work.SMTP{Sessions: 20, Messages: 1500, Groups: load.Data(small)}, atMost: 0.45},
		{name: "DATA 1 KB, pipelined, 1 session", SMTP: work.SMTP{Sessions: 1, Messages: 15_000, Groups: load.Data(small)}},
		{name: "DATA 1 KB with next envelope, 1 session", SMTP: work.SMTP{Sessions: 1, Messages: 20_000, Groups: load.Deep(small), Deep: true}},
		{name: "DATA 50 KB, pipelined, 20 sessions", SMTP: work.SMTP{Sessions: 20, Messages: 150, Groups: load.Data(middle)}, atMost: 0.10},
		{name: "DATA 10 MB, 1 session", SMTP: work.SMTP{Sessions: 1, Messages: 12, Groups: load.Data(large)}, atMost: 0.08},
		{name: "DATA 10 MB, dotted, 1 session", SMTP: work.SMTP{Sessions: 1, Messages: 12, Groups: load.Data(dotted)}, atMost: 0.10},
		{name: "BDAT 1 KB, 20 sessions", SMTP: work.SMTP{Sessions: 20, Messages: 1500, Groups: load.Chunked(small)}, chunked: true},
		{name: "BDAT 10 MB, 1 session", SMTP: work.SMTP{Sessions: 1, Messages: 50, Groups: load.Chunked(large)}, chunked: true, atMost: 0.6},
	}
}

// smtpServers compares servers that discard what they take, in cleartext and by
// TLS 1.3.
func smtpServers(ctx context.Context, c *course) error {
	plain := []string{peers.Posthouse, peers.GoSMTP, peers.Floor}
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
			Work: l.name, Unit: "µs CPU/message", Each: "messages", N: l.N(),
			Base: peers.GoSMTP, AtMost: l.atMost,
		}
		if secure {
			r.Work, r.AtMost = "TLS 1.3: "+l.name, 0
		}
		for _, name := range names {
			if name == peers.SMTPSink && l.chunked || name == peers.Floor && (l.chunked || l.Deep) {
				continue // it cannot do that
			}
			r.Entrants = append(r.Entrants, race.Entrant{Name: name, Run: func() (race.Cost, error) {
				return l.Cost(servers[name], secure)
			}})
		}
		if err := c.run(r); err != nil {
			return err
		}
	}
	return nil
}
