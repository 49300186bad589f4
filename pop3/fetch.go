package pop3

import (
	"context"
	"iter"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Message is one of those that [Client.Fetch] brings.
type Message struct {
	Num  int // message number
	Body     // valid until the loop goes on
}

// Fetch retrieves messages one after the other. With a server that allows
// PIPELINING as many are asked for ahead as ClientConfig.Window and WindowBytes
// allow, so that the time does not grow by a round trip a message; call List
// before, so that their sizes are known.
//
//	for m, err := range c.Fetch(ctx, nums) {
//		if err != nil {
//			log.Printf("message %d: %v", m.Num, err)
//			continue
//		}
//		if _, err := io.Copy(file, m); err != nil { ... }
//	}
//
// The Message is never nil, and says by its Num what an error is about. An
// [*Error] is about that message alone; after any other the loop ends. What the
// loop does not read of a body is thrown away as by Body.Close.
//
// No other command can be given in the loop: it returns [ErrFetching]. Collect
// what is to be deleted, and call Dele after the loop.
//
// A loop that is left early leaves messages on their way. They are read and
// thrown away if they have no more than ClientConfig.MaxDrain octets; else the
// connection is given up. ctx governs the whole loop.
func (c *Client) Fetch(ctx context.Context, nums []int) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if len(nums) == 0 {
			return
		}
		f, err := c.newFlight(ctx, pop3wire.RETR, nums)
		if err != nil {
			yield(&Message{Num: nums[0], Body: Body{c: c, err: err}}, err)
			return
		}
		defer f.land()
		for _, n := range nums {
			m := &Message{Num: n, Body: Body{c: c}}
			_, err := f.next()
			m.err = err
			if err == nil {
				c.beginBody(&m.Body)
			}
			more := yield(m, err)
			if _, refused := err.(*Error); err != nil && !refused {
				return
			}
			if !more {
				return
			}
			_ = m.Close() // if it broke the connection, the next reply says so
			f.answered()
		}
	}
}

// size is the size of message n, as List has said; 0 if it has not.
func (c *Client) size(n int) int64 {
	if n <= len(c.sizes) {
		return c.sizes[n-1]
	}
	return 0
}

// flight is a number of commands of one kind that are sent ahead of their
// replies. The commands are written by a goroutine of its own, because a server
// may stop reading them while it waits for its replies to be read: RFC 2449
// section 6.6 warns of that.
type flight struct {
	c       *Client
	release func()
	verb    pop3wire.Verb
	nums    []int
	window  int

	sent  int   // nums[:sent] have been given to the writer
	done  int   // nums[:done] have been answered to the end
	began bool  // the reply to nums[done] has been read as far as its status line
	owed  int64 // what the replies to nums[done:sent] weigh
	runs  chan [2]int
	ended chan struct{} // closed when the writer has returned
}

// newFlight begins a flight of the commands for nums. All are checked before
// anything is sent. The caller must call land.
func (c *Client) newFlight(ctx context.Context, v pop3wire.Verb, nums []int) (*flight, error) {
	for _, n := range nums {
		if n < 1 {
			return nil, badNumber(v, n)
		}
	}
	release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	f := &flight{c: c, release: release, verb: v, nums: slices.Clone(nums), window: 1}
	// RFC 2449 section 6.6: only a server that says so takes commands ahead.
	if c.caps.Has("PIPELINING") {
		f.window = min(c.cfg.Window, max(len(nums), 1))
	}
	f.runs = make(chan [2]int, f.window) // a run is one unanswered command or more: never full
	f.ended = make(chan struct{})
	c.fetching = true
	go f.write()
	return f, nil
}

// next waits for the status line of the next reply, and sends more commands
// before it does.
func (f *flight) next() (pop3wire.Status, error) {
	f.ask()
	if err := f.c.usable(); err != nil {
		return pop3wire.Status{}, err
	}
	st, err := f.c.readStatus(f.verb.String())
	f.began = true
	return st, err
}

// answered notes that the reply that next began has been read to its end.
func (f *flight) answered() {
	f.owed -= f.weigh(f.nums[f.done])
	f.done++
	f.began = false
}

// ask sends what the window has room for. It waits until the window is half
// empty, so that commands leave in groups.
func (f *flight) ask() {
	ahead := f.sent - f.done
	if ahead > 0 && (ahead > f.window/2 || f.owed > f.c.cfg.WindowBytes/2) {
		return
	}
	from := f.sent
	for f.sent < len(f.nums) && f.sent-f.done < f.window {
		n := f.nums[f.sent]
		w := f.weigh(n)
		if f.sent > f.done && f.owed+w > f.c.cfg.WindowBytes {
			break
		}
		f.owed += w
		f.sent++
		f.c.trace(f.command(n))
	}
	if f.sent > from {
		f.runs <- [2]int{from, f.sent}
	}
}

// weigh returns what the reply for message n counts in the window.
func (f *flight) weigh(n int) int64 {
	if f.verb == pop3wire.DELE {
		return 0
	}
	if size := f.c.size(n); size > 0 {
		return min(size, f.c.cfg.WindowBytes) // a sum that cannot overflow
	}
	return unknownSize
}

func (f *flight) command(n int) pop3wire.Command {
	if f.verb == pop3wire.DELE {
		return pop3wire.Dele{N: n}
	}
	return pop3wire.Retr{N: n}
}

// write is the goroutine that sends the commands, each run in one write.
func (f *flight) write() {
	defer close(f.ended)
	var group []byte
	for run := range f.runs {
		group = group[:0]
		for _, n := range f.nums[run[0]:run[1]] {
			group, _ = f.command(n).Append(group) // newFlight has checked n
		}
		_ = f.c.write(f.verb, group) // the reader finds out
	}
}

// land ends the flight. What is still on its way is thrown away if it is not
// too much; else the connection is given up.
func (f *flight) land() {
	c := f.c
	if f.done < f.sent && c.usable() == nil {
		f.drain(c.cfg.MaxDrain)
	}
	close(f.runs)
	<-f.ended
	c.fetching = false
	f.release()
}

// drain reads up to limit octets of the replies that are owed, and gives up the
// connection if there are more: at once, if that is known.
func (f *flight) drain(limit int64) {
	c := f.c
	defer c.hurry()()
	if f.verb == pop3wire.RETR && f.exceeds(limit) {
		_ = c.fail(errUnread)
	}
	for f.done < f.sent && c.usable() == nil {
		if !f.began {
			f.began = true
			if _, err := c.readStatus(f.verb.String()); err == nil && f.verb == pop3wire.RETR {
				c.beginBody(&Body{c: c})
			}
		}
		if c.body != nil {
			raw := c.dots.Raw()
			_ = c.body.leave(limit)
			limit -= c.dots.Raw() - raw
		}
		f.done++
		f.began = false
	}
	if c.body != nil {
		c.body.end(errUnread)
	}
}

// exceeds reports whether more than limit octets are known to be on their way.
func (f *flight) exceeds(limit int64) bool {
	if f.c.body != nil {
		limit += min(f.c.dots.Size(), f.c.size(f.nums[f.done]))
	}
	for _, n := range f.nums[f.done:f.sent] {
		if limit -= f.c.size(n); limit < 0 {
			return true
		}
	}
	return false
}
