package pop3

import (
	"context"
	"errors"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Dele marks messages for deletion, which Quit then carries out. With a server
// that allows PIPELINING many commands are on their way at a time. What the
// server refused are the [*MessageError] values joined in the error, each of which
// wraps an [*Error]; the others are marked. Any other error says either that nothing
// was sent, as [Client] describes, or that the connection is gone, and that nothing
// will be deleted.
func (c *Client) Dele(ctx context.Context, nums ...int) error {
	nums = slices.Clone(nums)
	f, err := c.newNumberFlight(ctx, nums, order{
		verbs: []pop3wire.Verb{pop3wire.DELE},
		append: func(dst []byte, i int) []byte {
			dst, _ = pop3wire.Dele{N: nums[i]}.Append(dst)
			return dst
		},
	})
	if err != nil {
		return err
	}
	defer f.land()
	var refused []error
	for f.more() {
		i, _, err := f.next()
		if e, ok := err.(*Error); ok {
			refused = append(refused, &MessageError{nums[i], e})
		} else if err != nil {
			return err
		}
		f.answered()
	}
	return errors.Join(refused...)
}

// Rset takes back all marks for deletion.
func (c *Client) Rset(ctx context.Context) error {
	_, err := c.run(ctx, pop3wire.RSET, pop3wire.Bare{Verb: pop3wire.RSET})
	return err
}

// Noop does nothing, and so finds out whether the server is there; it keeps the
// session from being ended for idleness.
func (c *Client) Noop(ctx context.Context) error {
	_, err := c.run(ctx, pop3wire.NOOP, pop3wire.Bare{Verb: pop3wire.NOOP})
	return err
}
