package peers

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/posthouse/posthouse/internal/bench/proc"
)

// Job is what a client has to do.
type Job struct {
	Addr     string
	Folder   string // of messages to parse
	Messages int    // to send or to fetch; how often to parse each
	Size     int    // octets of each message to send
	Sessions int    // connections at a time
}

// Cost is what a job cost the client's process.
type Cost struct {
	CPU, Wall   time.Duration
	Allocations int64 // zero if it cannot say
}

// Client does jobs.
type Client interface {
	Do(ctx context.Context, job Job) (Cost, error)
	Stop() error
}

// child is a client that waits for jobs in a process of its own: a job is a line
// of JSON, and so is the answer.
type child struct{ *proc.Process }

// answer is what a child says when a job is done.
type answer struct {
	Allocations int64
	Error       string
}

func startClient(ctx context.Context, role ...string) (Client, error) {
	p, err := start(ctx, role...)
	if err != nil {
		return nil, err
	}
	return child{p}, nil
}

// Do implements Client.
func (c child) Do(_ context.Context, job Job) (Cost, error) {
	line, err := json.Marshal(job)
	if err != nil {
		return Cost{}, err
	}
	before, err := c.CPU()
	if err != nil {
		return Cost{}, err
	}
	start := time.Now()
	line2, err := c.Ask(string(line))
	wall := time.Since(start)
	if err != nil {
		return Cost{}, err
	}
	after, err := c.CPU()
	if err != nil {
		return Cost{}, err
	}
	var a answer
	if err := json.Unmarshal([]byte(line2), &a); err != nil {
		return Cost{}, err
	}
	if a.Error != "" {
		return Cost{}, fmt.Errorf("%s", a.Error)
	}
	return Cost{CPU: after - before, Wall: wall, Allocations: a.Allocations}, nil
}

// playClient does jobs until its standard input ends.
func playClient(do func(Job) error) error {
	if do == nil {
		return fmt.Errorf("no such client")
	}
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var job Job
		if err := json.Unmarshal(in.Bytes(), &job); err != nil {
			return err
		}
		before := allocations()
		var a answer
		if err := do(job); err != nil {
			a.Error = err.Error()
		}
		a.Allocations = int64(allocations() - before)
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}

// tool is a client that is a program, run anew for each job.
type tool struct {
	name string
	args func(Job) []string
}

// Do implements Client.
func (t tool) Do(ctx context.Context, job Job) (Cost, error) {
	cpu, wall, err := proc.Run(ctx, t.name, t.args(job)...)
	return Cost{CPU: cpu, Wall: wall}, err
}

// Stop implements Client.
func (tool) Stop() error { return nil }
