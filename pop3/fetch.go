package pop3

import (
	"context"
	"iter"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// What the reply about a message of unknown size counts in a window.
const (
	unknownMessage = 64 << 10
	unknownHeader  = 8 << 10
)

// Message is one of those that [Client.Fetch] and [Client.FetchTop] bring.
type Message struct {
	Num  int // message number
	Body     // valid until the loop goes on
}

// Fetch retrieves messages one after the other. With a server that allows
// PIPELINING as many are asked for ahead as ClientConfig.Window and WindowBytes
// allow, so that the time does not grow by a round trip a message; call List or
// Index before, so that their sizes are known.
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
// [*Error] is about that message alone, and may come after messages that stand
// behind it in nums; after any other the loop ends. What the loop does not
// read of a body is thrown away as by Body.Close.
//
// No other command can be given in the loop: it returns [ErrFetching]. Collect
// what is to be deleted, and call Dele after the loop.
//
// A loop that is left early leaves messages on their way. They are read and
// thrown away if they have no more than ClientConfig.MaxDrain octets, which they
// have not unless one of them is large; else the connection is given up. ctx
// governs the whole loop.
func (c *Client) Fetch(ctx context.Context, nums []int) iter.Seq2[*Message, error] {
	nums = slices.Clone(nums)
	return c.fetch(ctx, nums, order{
		verbs: []pop3wire.Verb{pop3wire.RETR},
		append: func(dst []byte, i int) []byte {
			dst, _ = pop3wire.Retr{N: nums[i]}.Append(dst)
			return dst
		},
		size:  func(i int) int64 { return c.size(nums[i]) },
		guess: unknownMessage,
	})
}

// FetchTop is Fetch for the header of each message and the first lines of its
// body, as by Top. Less than 0 lines are none.
func (c *Client) FetchTop(ctx context.Context, nums []int, lines int) iter.Seq2[*Message, error] {
	nums = slices.Clone(nums)
	return c.fetch(ctx, nums, order{
		verbs: []pop3wire.Verb{pop3wire.TOP},
		append: func(dst []byte, i int) []byte {
			dst, _ = pop3wire.Top{N: nums[i], Lines: max(lines, 0)}.Append(dst)
			return dst
		},
		guess: unknownHeader + 80*min(max(int64(lines), 0), 1<<20),
	})
}

// fetch runs a flight whose replies are bodies.
func (c *Client) fetch(ctx context.Context, nums []int, o order) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if len(nums) == 0 {
			return
		}
		o.multi = true
		f, err := c.newNumberFlight(ctx, nums, o)
		if err != nil {
			yield(&Message{Num: nums[0], Body: Body{c: c, err: err}}, err)
			return
		}
		defer f.land()
		for f.more() {
			i, _, err := f.next()
			m := &Message{Num: nums[i], Body: Body{c: c, err: err}}
			if err == nil {
				c.beginBody(&m.Body)
				m.watch(f.known(i))
			}
			more := yield(m, err)
			if _, refused := err.(*Error); !more || err != nil && !refused {
				return
			}
			_ = m.Close() // if it broke the connection, the next reply says so
			f.answered()
		}
	}
}

// newNumberFlight is newFlight for commands about messages, whose numbers are
// checked before anything is sent.
func (c *Client) newNumberFlight(ctx context.Context, nums []int, o order) (*flight, error) {
	for _, n := range nums {
		if n < 1 {
			return nil, badNumber(o.verb(0), n)
		}
	}
	o.count = len(nums)
	return c.newFlight(ctx, o)
}
