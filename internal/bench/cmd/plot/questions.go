package main

import (
	"context"
	"net"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
	"github.com/posthouse/posthouse/internal/bench/work"
)

const (
	kb = 1 << 10

	// octetsAtOnce and messagesAtOnce bound what one measurement sends.
	octetsAtOnce   = 64 << 20
	messagesAtOnce = 4000
)

var questions = []question{
	{
		file: "smtp-size.svg", title: "SMTP server: a message by its size, DATA, one session",
		x: "octets of the message", y: "µs of processor time a message",
		at: []int{kb, 4 * kb, 16 * kb, 64 * kb, 256 * kb, 1024 * kb, 4096 * kb, 16384 * kb}, sink: true,
		cost: func(ctx context.Context, name string, size int) (race.Cost, error) {
			message := load.Message(size, false)
			return send(ctx, name, work.SMTP{
				Sessions: 1, Messages: max(1, min(octetsAtOnce/size, messagesAtOnce)), Groups: load.Data(message),
			})
		},
	},
	{
		file: "smtp-sessions.svg", title: "SMTP server: a message of 1 KB by the sessions that send, DATA",
		x: "sessions that send", y: "µs of processor time a message",
		at: []int{1, 4, 16, 64, 256, 1024}, sink: true,
		cost: func(ctx context.Context, name string, sessions int) (race.Cost, error) {
			return send(ctx, name, work.SMTP{
				Sessions: sessions, Messages: max(1, messagesAtOnce/sessions), Groups: load.Data(load.Message(kb, false)),
			})
		},
	},
	{
		file: "smtp-idle.svg", title: "SMTP server: memory by the connections that wait",
		x: "connections that wait", y: "KB of memory a connection",
		at: []int{100, 300, 1000, 3000, 10_000},
		cost: func(ctx context.Context, name string, conns int) (race.Cost, error) {
			return withServer(ctx, name, func(s *peers.Server) (race.Cost, error) {
				return work.Memory(s, conns, func(int) (net.Conn, error) { return load.DialSMTP(s.Addr, false) })
			})
		},
	},
}

func send(ctx context.Context, name string, w work.SMTP) (race.Cost, error) {
	return withServer(ctx, name, func(s *peers.Server) (race.Cost, error) { return w.Cost(s, false) })
}

// withServer measures a server that has done nothing else.
func withServer(ctx context.Context, name string, measure func(*peers.Server) (race.Cost, error)) (race.Cost, error) {
	s, err := peers.StartSMTPServer(ctx, name, false)
	if err != nil {
		return race.Cost{}, err
	}
	defer s.Stop()
	return measure(s)
}
