// Command soak has honest clients work while many others sit still, some drip, and some
// send junk, first at an SMTP server and then at a POP3 server of this module:
//
//	go run ./cmd/soak -for 30s -idle 10000 -drip 1000 -honest 100
//
// Each of the crowds is in a process of its own, as the server is. The honest begin
// their sessions at a fixed rate that leaves the processor idle most of the time, so
// that what they wait for is the server and not themselves. It prints one table: how
// long sessions take with nobody else there, among the crowd, and in a flood of junk;
// what a connection costs in memory; and what is left in the server when all have gone.
// It fails if an honest client was refused or cut off, if junk was not shed, if
// anything is left, or if a goal is missed. GODEBUG=gctrace=1 and the like reach the
// server. Run it on a machine that does nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/posthouse/posthouse/internal/bench/crowd"
	"github.com/posthouse/posthouse/internal/bench/peers"
)

func main() {
	crowd.Main()
	peers.Main()
	s := soak{temp: os.TempDir()}
	flag.DurationVar(&s.lasts, "for", 30*time.Second, "how long the honest are watched, each time")
	flag.IntVar(&s.idle, "idle", 10_000, "`connections` that say EHLO or log in, and nothing more")
	flag.IntVar(&s.drip, "drip", 1000, "`connections` that send an octet a second")
	flag.IntVar(&s.junk, "junk", 200, "`connections` that send junk")
	flag.IntVar(&s.honest, "honest", 100, "`clients` that work")
	flag.DurationVar(&s.every, "every", 2*time.Second, "how often each of those begins a session")
	only := flag.String("only", "smtp,pop3", "`protocols`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := s.run(ctx, strings.Split(*only, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak is what to do.
type soak struct {
	idle, drip, junk, honest int
	lasts, every             time.Duration
	temp                     string // where to make files
}

func (s *soak) run(ctx context.Context, protocols []string) error {
	fmt.Printf("%d idle, %d dripping, %d sending junk, %d honest clients with a session every %v each; %v each time\n\n",
		s.idle, s.drip, s.junk, s.honest, s.every, s.lasts)
	var all []error
	for _, protocol := range protocols {
		r := report{protocol: protocol, connections: s.idle + s.drip + s.junk}
		err := s.soak(ctx, &r)
		if err == nil {
			fmt.Print(r.String())
			err = r.judge()
		}
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", protocol, err))
		}
	}
	return errors.Join(all...)
}
