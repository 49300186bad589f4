package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/posthouse/posthouse/pop3"
)

// session is one go at the maildrop, or a second one when the first broke.
type session struct {
	*options
	deliver func(context.Context, io.Reader) error
	here    map[string]fetched // by unique-id; "" is of those that have none
}

// run fetches what is not here yet, and deletes what is, if that is wanted.
func (s *session) run(ctx context.Context, cfg *pop3.ClientConfig) error {
	c, err := dial(ctx, s.addr, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	entries, err := c.Index(ctx)
	if err != nil {
		return err
	}
	known, nums, here := s.sort(entries)
	bar := newBar(entries)
	for m, failed := range c.Fetch(ctx, nums) {
		octets := counter{r: bar.reader(m)}
		if failed == nil {
			failed = s.deliver(ctx, &octets)
		}
		if failed != nil {
			// The others are fetched all the same, and those that are here deleted:
			// else one bad message would bring all of them again in each run.
			err = errors.Join(err, fmt.Errorf("message %d: %w", m.Num, failed))
			continue
		}
		here = append(here, m.Num)
		s.here[known[m.Num].UID] = fetched{known[m.Num].Size, octets.n == known[m.Num].Size}
		bar.message()
	}
	bar.done()
	if s.remove && len(here) > 0 {
		err = errors.Join(err, c.Dele(ctx, here...))
	}
	return errors.Join(err, c.Quit(ctx))
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// dial connects. Our own session before may have the maildrop still: the server has
// yet to find out that it was lost.
func dial(ctx context.Context, addr string, cfg *pop3.ClientConfig) (c *pop3.Client, err error) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		c, err = pop3.Dial(ctx, addr, cfg)
		if cfg.Window != 1 || !errors.Is(err, pop3.ErrInUse) || wait > 10*time.Second {
			return c, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
