package pop3

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Stat is the reply to STAT.
type Stat struct {
	Count  int   // messages that are not marked for deletion
	Octets int64 // their sizes together; -1 if the server did not say, or said a negative number
}

// Listing is what LIST says of one message (RFC 1939 section 5).
type Listing struct {
	Num  int   // message number
	Size int64 // octets as RETR delivers them, dots un-stuffed
}

// UIDListing is what UIDL says of one message (RFC 1939 section 7).
type UIDListing struct {
	Num int

	// UID is the server's name for the message in all sessions. It should
	// have 1 to 70 octets; a longer one is given whole. Servers have been seen
	// to give one to several messages.
	UID string
}

var (
	errTwice  = errors.New("message listed twice")
	errBeyond = errors.New("message number beyond MaxMessages")
	errOther  = errors.New("another message than was asked for")
)

// Stat returns the number and the total size of the messages.
func (c *Client) Stat(ctx context.Context) (Stat, error) {
	st, err := c.run(ctx, pop3wire.STAT, pop3wire.Bare{Verb: pop3wire.STAT})
	if err != nil {
		return Stat{}, err
	}
	count, octets, err := pop3wire.ParseStat([]byte(st.Text))
	if err != nil {
		return Stat{}, c.fail(badLine("STAT", err, []byte(st.Text)))
	}
	if count > c.cfg.MaxMessages {
		return Stat{}, c.fail(badLine("STAT", errBeyond, []byte(st.Text)))
	}
	return Stat{Count: count, Octets: octets}, nil
}

// List returns the sizes of all messages that are not marked for deletion, in
// the server's order. Fetch remembers them.
func (c *Client) List(ctx context.Context) ([]Listing, error) {
	var r listReader
	err := c.listing(ctx, pop3wire.LIST, pop3wire.List{}, c.takeListing(&r))
	if err != nil {
		return nil, err
	}
	c.remember(&r)
	return r.list, nil
}

// listReader takes the lines of a reply to LIST.
type listReader struct {
	list []Listing
	seen numberSet
}

func (c *Client) takeListing(r *listReader) func(line []byte) error {
	return func(line []byte) error {
		n, size, err := pop3wire.ParseListLine(line)
		if err == nil {
			err = r.seen.add(n, c.cfg.MaxMessages)
		}
		r.list = append(r.list, Listing{n, size})
		return err
	}
}

// remember keeps the sizes of a whole reply to LIST. What a server lists takes
// room by the line, not by the numbers that it says.
func (c *Client) remember(r *listReader) {
	c.listed = slices.Clone(r.list)
	slices.SortFunc(c.listed, func(a, b Listing) int { return a.Num - b.Num })
}

// size is the size of message n, as List has said; 0 if it has not.
func (c *Client) size(n int) int64 {
	i, found := slices.BinarySearchFunc(c.listed, n, func(l Listing, n int) int { return l.Num - n })
	if !found {
		return 0
	}
	return c.listed[i].Size
}

// ListOne returns the size of message n.
func (c *Client) ListOne(ctx context.Context, n int) (size int64, err error) {
	if n < 1 {
		return 0, badNumber(pop3wire.LIST, n)
	}
	st, err := c.run(ctx, pop3wire.LIST, pop3wire.List{N: n})
	if err != nil {
		return 0, err
	}
	return c.parseListing(n, st.Text)
}

// parseListing reads the reply to LIST n.
func (c *Client) parseListing(n int, text string) (size int64, err error) {
	got, size, err := pop3wire.ParseListLine([]byte(text))
	if err == nil && got != n {
		err = errOther
	}
	if err != nil {
		return 0, c.fail(badLine("LIST", err, []byte(text)))
	}
	return size, nil
}

// UIDL returns the unique-ids of all messages that are not marked for deletion,
// in the server's order. A server without the command refuses with an [*Error].
func (c *Client) UIDL(ctx context.Context) ([]UIDListing, error) {
	var r uidReader
	err := c.listing(ctx, pop3wire.UIDL, pop3wire.Uidl{}, c.takeUID(&r))
	if err != nil {
		return nil, err
	}
	return r.list, nil
}

// uidReader takes the lines of a reply to UIDL.
type uidReader struct {
	list []UIDListing
	seen numberSet
}

func (c *Client) takeUID(r *uidReader) func(line []byte) error {
	return func(line []byte) error {
		n, uid, err := pop3wire.ParseUIDLLine(line)
		if err == nil {
			err = r.seen.add(n, c.cfg.MaxMessages)
		}
		r.list = append(r.list, UIDListing{n, string(uid)})
		return err
	}
}

// UIDLOne returns the unique-id of message n.
func (c *Client) UIDLOne(ctx context.Context, n int) (uid string, err error) {
	if n < 1 {
		return "", badNumber(pop3wire.UIDL, n)
	}
	st, err := c.run(ctx, pop3wire.UIDL, pop3wire.Uidl{N: n})
	if err != nil {
		return "", err
	}
	return c.parseUID(n, st.Text)
}

// parseUID reads the reply to UIDL n.
func (c *Client) parseUID(n int, text string) (uid string, err error) {
	got, id, err := pop3wire.ParseUIDLLine([]byte(text))
	if err == nil && got != n {
		err = errOther
	}
	if err != nil {
		return "", c.fail(badLine("UIDL", err, []byte(text)))
	}
	return string(id), nil
}

// listing runs LIST or UIDL for all messages.
func (c *Client) listing(ctx context.Context, v pop3wire.Verb, cmd pop3wire.Command, take func(line []byte) error) error {
	release, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	if _, err := c.exchange(v, cmd); err != nil {
		return err
	}
	return c.readLines(v.String(), c.cfg.MaxMessages, take)
}

func badNumber(v pop3wire.Verb, n int) error {
	return fmt.Errorf("pop3: %s: bad message number %d", v, n)
}

// numberSet holds the message numbers that a listing has named, a bit each.
type numberSet []uint64

// add refuses a number for the second time, and one beyond limit.
func (s *numberSet) add(n, limit int) error {
	if n > limit {
		return errBeyond
	}
	word, bit := n/64, uint64(1)<<(n%64)
	if word >= len(*s) {
		*s = append(*s, make([]uint64, word+1-len(*s))...)
	}
	if (*s)[word]&bit != 0 {
		return errTwice
	}
	(*s)[word] |= bit
	return nil
}
