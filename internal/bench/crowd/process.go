package crowd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/posthouse/posthouse/internal/bench/proc"
)

// roleEnv tells a child process that it is of a crowd.
const roleEnv = "BENCH_CROWD"

// Order is what a process of the crowd is told to do.
type Order struct {
	Do       string // "still", "drip", "junk" or "honest"; "leave"
	Protocol string // "smtp" or "pop3"
	Addr     string
	N        int           // connections, or clients
	LoggedIn int           // of those that sit still: how many log in first, by POP3
	First    int           // number of the first user of those
	For      time.Duration // honest and junk
	Every    time.Duration // honest: how often each begins a session
	User     string        // POP3: the honest log in as this and the number of the client
	Password string
	Size     int // POP3: octets on the wire of the message that the honest fetch
}

// Answer is what it says when that is done.
type Answer struct {
	Error string
	N     int   // sessions of the honest; connections of the others
	Shed  int   // junk: how many were closed with 421, or -ERR by POP3
	Cut   int   // drip: how often the server hung up, and another came
	Waits Waits // honest
}

// Process is a process of the crowd.
type Process struct{ *proc.Process }

// Main makes a process that was started as one of the crowd that, and then does not
// return. In any other process it does nothing.
func Main() {
	if os.Getenv(roleEnv) == "" {
		return
	}
	if err := obey(); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Start starts a process of the crowd.
func Start(ctx context.Context) (Process, error) {
	self, err := os.Executable()
	if err != nil {
		return Process{}, err
	}
	p, err := proc.Start(ctx, []string{roleEnv + "=1"}, self)
	return Process{p}, err
}

// Do gives an order and waits for the answer.
func (p Process) Do(order Order) (Answer, error) {
	line, err := json.Marshal(order)
	if err != nil {
		return Answer{}, err
	}
	said, err := p.Ask(string(line))
	if err != nil {
		return Answer{}, err
	}
	var a Answer
	if err := json.Unmarshal([]byte(said), &a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// obey does what it is told until its standard input ends.
func obey() error {
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	var room room
	for in.Scan() {
		var order Order
		if err := json.Unmarshal(in.Bytes(), &order); err != nil {
			return err
		}
		answer, err := room.do(order)
		if err != nil {
			answer.Error = err.Error()
		}
		if err := out.Encode(answer); err != nil {
			return err
		}
	}
	return in.Err()
}

func (r *room) do(o Order) (Answer, error) {
	switch o.Do {
	case "still":
		return r.fill(o)
	case "drip":
		return r.drip(o)
	case "leave":
		return r.leave(), nil
	case "junk":
		return flood(o)
	case "honest":
		return honest(o)
	}
	return Answer{}, fmt.Errorf("what is %q?", o.Do)
}
