package pop3

import (
	"context"
	"iter"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Entry is what LIST and UIDL together say of one message.
type Entry struct {
	Num  int
	Size int64 // as in Listing; -1 if only UIDL names the message

	// UID is as in UIDListing. It is empty if only LIST names the message, and
	// in all entries if the server does not have UIDL.
	UID string
}

// Index returns the sizes and the unique-ids of all messages that are not marked
// for deletion, in the order of LIST: it is [Client.List] and [Client.UIDL], in
// one round trip if the server allows PIPELINING. UIDL is not in every server: a
// refusal of it is no error. Fetch remembers the sizes.
func (c *Client) Index(ctx context.Context) ([]Entry, error) {
	var (
		sizes listReader
		uids  uidReader
	)
	readers := []func(line []byte) error{c.takeListing(&sizes), c.takeUID(&uids)}
	f, err := c.newFlight(ctx, order{
		verbs: []pop3wire.Verb{pop3wire.LIST, pop3wire.UIDL},
		count: 2,
		append: func(dst []byte, i int) []byte {
			if i == 0 {
				dst, _ = pop3wire.List{}.Append(dst)
			} else {
				dst, _ = pop3wire.Uidl{}.Append(dst)
			}
			return dst
		},
	})
	if err != nil {
		return nil, err
	}
	defer f.land()
	var refused error
	for f.more() {
		i, _, err := f.next()
		if err == nil {
			err = f.suspect(c.readLines(f.verb(i).String(), c.cfg.MaxMessages, readers[i]))
		}
		if _, ok := err.(*Error); err != nil && !ok {
			return nil, err
		}
		if i == 0 {
			refused = err
		}
		f.answered()
	}
	if refused != nil {
		return nil, refused
	}
	c.remember(&sizes)
	return join(sizes.list, uids.list), nil
}

// join brings together what was said of the same message. Servers list both in
// the same order, as a rule.
func join(sizes []Listing, uids []UIDListing) []Entry {
	entries := make([]Entry, 0, max(len(sizes), len(uids)))
	var place map[int]int // of the message in entries, if the orders differ
	for _, l := range sizes {
		entries = append(entries, Entry{Num: l.Num, Size: l.Size})
	}
	for i, u := range uids {
		if place == nil && (i >= len(sizes) || sizes[i].Num != u.Num) {
			place = make(map[int]int, len(sizes))
			for at, l := range sizes {
				place[l.Num] = at
			}
		}
		at, found := i, true
		if place != nil {
			at, found = place[u.Num]
		}
		if found {
			entries[at].UID = u.UID
		} else {
			entries = append(entries, Entry{u.Num, -1, u.UID})
		}
	}
	return entries
}

// ListEach asks for the sizes of these messages alone, as [Client.ListOne] does,
// but many at a time if the server allows PIPELINING. The Listing says by its Num
// what an error is about; otherwise the loop is that of [Client.Fetch].
func (c *Client) ListEach(ctx context.Context, nums []int) iter.Seq2[Listing, error] {
	return each(c, ctx, nums, pop3wire.LIST, func(n int) pop3wire.Command { return pop3wire.List{N: n} },
		func(n int, text string, err error) (Listing, error) {
			l := Listing{Num: n}
			if err == nil {
				l.Size, err = c.parseListing(n, text)
			}
			return l, err
		})
}

// UIDLEach asks for the unique-ids of these messages alone, as [Client.UIDLOne]
// does, but many at a time if the server allows PIPELINING. The UIDListing says by
// its Num what an error is about; otherwise the loop is that of [Client.Fetch].
func (c *Client) UIDLEach(ctx context.Context, nums []int) iter.Seq2[UIDListing, error] {
	return each(c, ctx, nums, pop3wire.UIDL, func(n int) pop3wire.Command { return pop3wire.Uidl{N: n} },
		func(n int, text string, err error) (UIDListing, error) {
			l := UIDListing{Num: n}
			if err == nil {
				l.UID, err = c.parseUID(n, text)
			}
			return l, err
		})
}

// each runs a flight whose replies are a line each.
func each[T any](
	c *Client, ctx context.Context, nums []int, v pop3wire.Verb,
	command func(n int) pop3wire.Command, parse func(n int, text string, err error) (T, error),
) iter.Seq2[T, error] {
	nums = slices.Clone(nums)
	return func(yield func(T, error) bool) {
		if len(nums) == 0 {
			return
		}
		f, err := c.newNumberFlight(ctx, nums, order{
			verbs: []pop3wire.Verb{v},
			append: func(dst []byte, i int) []byte {
				dst, _ = command(nums[i]).Append(dst)
				return dst
			},
		})
		if err != nil {
			yield(parse(nums[0], "", err))
			return
		}
		defer f.land()
		for f.more() {
			i, st, err := f.next()
			answered := err == nil
			one, err := parse(nums[i], st.Text, err)
			if answered {
				err = f.suspect(err)
			}
			f.answered()
			_, refused := err.(*Error)
			if !yield(one, err) || err != nil && !refused {
				return
			}
		}
	}
}
