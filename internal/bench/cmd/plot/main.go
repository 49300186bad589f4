// Command plot measures how the cost of servers grows, and draws it:
//
//	go run ./cmd/plot -dir plots -rounds 3
//
// It writes an SVG for each question: what a message costs by its size, what it costs by
// the number of sessions that send at the same time, and what memory idle connections
// take by their number. A cost is measured as cmd/compare does; a point is the median of
// its rounds, and the contestants take turns. Both axes are logarithmic: where a line
// rises by as much as it goes to the right, the cost is linear.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// question is one drawing.
type question struct {
	file, title string
	x, y        string
	at          []int
	sink        bool // smtp-sink can be asked as well
	cost        func(ctx context.Context, name string, x int) (race.Cost, error)
}

func main() {
	peers.Main()
	dir := flag.String("dir", "plots", "`folder` for the drawings")
	rounds := flag.Int("rounds", 3, "rounds of each measurement")
	quick := flag.Bool("quick", false, "leave the largest points out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, max(1, *rounds), *quick); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, rounds int, quick bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, q := range questions {
		if quick {
			q.at = q.at[:(len(q.at)+1)/2]
		}
		lines, err := q.ask(ctx, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", q.title, err)
		}
		if err := q.draw(lines, filepath.Join(dir, q.file)); err != nil {
			return err
		}
	}
	return nil
}

// point is the cost of one contestant at one place.
type point struct{ x, y float64 }

// ask measures all points, and prints them. The result is by contestant.
func (q *question) ask(ctx context.Context, rounds int) (lines map[string][]point, err error) {
	names := []string{peers.Posthouse, peers.GoSMTP}
	if q.sink && peers.HasSMTPSink() {
		names = append(names, peers.SMTPSink)
	}
	lines = map[string][]point{}
	fmt.Printf("\n%s\n\n| %s | contestant | %s |\n| --: | --- | --: |\n", q.title, q.x, q.y)
	for _, x := range q.at {
		r := &race.Race{Base: names[0]}
		for _, name := range names {
			r.Entrants = append(r.Entrants, race.Entrant{Name: name, Run: func() (race.Cost, error) { return q.cost(ctx, name, x) }})
		}
		for i, y := range r.Run(rounds).Medians() {
			if y > 0 { // else it has failed, or has no such thing
				lines[names[i]] = append(lines[names[i]], point{float64(x), y})
				fmt.Printf("| %d | %s | %.1f |\n", x, names[i], y)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}
