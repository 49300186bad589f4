// Command soak has honest clients send mail while many others sit still, and some
// drip: they send a command an octet at a time and never end it.
//
//	go run ./cmd/soak -for 1m -idle 2000 -drip 200 -honest 20
//
// It prints how the honest fared and what the server used, and fails if one of
// them was refused or cut off, or waited for too long.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
)

// maxWait is how long an honest client may wait for the replies to a message.
const maxWait = 10 * time.Second

type soak struct {
	idle, drip, honest int
	lasts              time.Duration

	mu    sync.Mutex
	waits []time.Duration // of all messages of the honest
}

func main() {
	peers.Main()
	var s soak
	flag.DurationVar(&s.lasts, "for", time.Minute, "how long it lasts")
	flag.IntVar(&s.idle, "idle", 2000, "connections that say EHLO and nothing more")
	flag.IntVar(&s.drip, "drip", 200, "connections that send an octet a second")
	flag.IntVar(&s.honest, "honest", 20, "connections that send mail")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func (s *soak) run(ctx context.Context) error {
	server, err := peers.StartSMTPServer(ctx, peers.Posthouse, false)
	if err != nil {
		return err
	}
	defer server.Stop()
	before, err := server.Resident()
	if err != nil {
		return err
	}
	var still []*load.SMTP
	for range s.idle + s.drip {
		c, err := load.DialSMTP(server.Addr, false)
		if err != nil {
			return err
		}
		defer c.Close()
		still = append(still, c)
	}
	resting, err := server.Resident()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.lasts)
	defer cancel()
	failures := make(chan error, s.honest)
	for range s.honest {
		go func() { failures <- s.send(ctx, server.Addr) }()
	}
	drip(ctx, still[s.idle:])
	var all []error
	for range s.honest {
		all = append(all, <-failures)
	}
	after, err := server.Resident()
	if err != nil {
		return err
	}
	cpu, err := server.CPU()
	if err != nil {
		return err
	}
	fmt.Printf("memory: %d KB, with all connected %d KB, at the end %d KB; processor time %v\n",
		before>>10, resting>>10, after>>10, cpu.Round(time.Millisecond))
	return errors.Join(append(all, s.judge())...)
}

// send sends messages, small ones and large ones, until ctx ends.
func (s *soak) send(ctx context.Context, addr string) error {
	c, err := load.DialSMTP(addr, false)
	if err != nil {
		return err
	}
	defer c.Close()
	works := [][]load.Group{
		load.Data(load.Message(1000, false)),
		load.Data(load.Message(100_000, true)),
		load.Chunked(load.Message(100_000, false)),
	}
	var waits []time.Duration
	for i := 0; ctx.Err() == nil; i++ {
		start := time.Now()
		if err := c.Send(works[i%len(works)]...); err != nil {
			return fmt.Errorf("message %d of an honest client: %w", i, err)
		}
		waits = append(waits, time.Since(start))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waits = append(s.waits, waits...)
	return nil
}

// drip sends an octet a second on each connection until ctx ends. A server that
// cuts one off is right.
func drip(ctx context.Context, conns []*load.SMTP) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	octets := []byte("MAIL FROM:<")
	for {
		for _, c := range conns {
			_, _ = c.Write(octets[:1]) // it may have been cut off
		}
		octets = append(octets[1:], 'x')
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *soak) judge() error {
	if len(s.waits) == 0 {
		return errors.New("no message was sent")
	}
	slices.Sort(s.waits)
	n := len(s.waits)
	worst := s.waits[n-1]
	fmt.Printf("honest clients: %d messages, %.0f a second; replies after %v in the middle, %v for 99 of 100, %v at worst\n",
		n, float64(n)/s.lasts.Seconds(), s.waits[n/2], s.waits[n*99/100], worst)
	if worst > maxWait {
		return fmt.Errorf("an honest client waited for %v", worst)
	}
	return nil
}
