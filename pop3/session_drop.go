package pop3

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/bits"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// snapshot is an open maildrop as the client sees it: what the store listed, and
// which messages are marked as deleted. Beyond the store's list it costs one bit
// a message, once one is marked.
type snapshot struct {
	maildrop Maildrop
	list     []Info   // message n is list[n-1]
	marks    []uint64 // a bit for each message marked; nil until the first is
	left     int      // messages not marked
	octets   int64    // of those
}

// check takes over the store's list, of which it shows limit messages at most,
// the first ones. An error says how the store broke its contract.
func (d *snapshot) check(list []Info, limit int) error {
	list = list[:min(len(list), limit)]
	d.list = list
	for i := range list {
		m := &list[i]
		if !pop3wire.ValidUID(m.UID) {
			return fmt.Errorf("pop3: message %d has the unique-id %q", i+1, m.UID)
		}
		if m.Size < 0 {
			return fmt.Errorf("pop3: message %d has the size %d", i+1, m.Size)
		}
		if d.octets += m.Size; d.octets < 0 {
			return errors.New("pop3: maildrop is larger than 2^63 octets")
		}
	}
	d.left = len(list)
	if a, b := duplicate(list); a != b {
		return fmt.Errorf("pop3: messages %d and %d have the same unique-id %q", a+1, b+1, list[a].UID)
	}
	return nil
}

// duplicate returns the indices of two messages with the same unique-id, or
// twice the same index. It takes 5 to 11 octets a message for the while: a hash
// table of indices with open addressing, at most three quarters full.
func duplicate(list []Info) (int, int) {
	size := 1 << bits.Len(uint(len(list)+len(list)/3))
	table := make([]uint32, size) // index + 1, or 0 for free
	seed := maphash.MakeSeed()
	for i := range list {
		slot := int(maphash.String(seed, list[i].UID)) & (size - 1)
		for ; table[slot] != 0; slot = (slot + 1) & (size - 1) {
			if j := int(table[slot] - 1); list[j].UID == list[i].UID {
				return j, i
			}
		}
		table[slot] = uint32(i + 1)
	}
	return 0, 0
}

// has reports whether there is a message n.
func (d *snapshot) has(n int) bool { return 1 <= n && n <= len(d.list) }

// marked reports whether message n, which there is, is marked as deleted.
func (d *snapshot) marked(n int) bool {
	return d.marks != nil && d.marks[(n-1)/64]&(1<<((n-1)%64)) != 0
}

// mark marks message n, which there is and which is not marked.
func (d *snapshot) mark(n int) {
	if d.marks == nil {
		d.marks = make([]uint64, (len(d.list)+63)/64)
	}
	d.marks[(n-1)/64] |= 1 << ((n - 1) % 64)
	d.left--
	d.octets -= d.list[n-1].Size
}

// unmarkAll takes all marks away.
func (d *snapshot) unmarkAll() {
	for n := range d.deleted {
		d.octets += d.list[n-1].Size
	}
	clear(d.marks)
	d.left = len(d.list)
}

// clean reports whether nothing is marked.
func (d *snapshot) clean() bool { return d.left == len(d.list) }

// deleted yields the numbers of the messages marked, in order.
func (d *snapshot) deleted(yield func(int) bool) {
	for i, word := range d.marks {
		for ; word != 0; word &= word - 1 {
			if !yield(i*64 + bits.TrailingZeros64(word) + 1) {
				return
			}
		}
	}
}

// remaining yields the numbers of the messages not marked, in order.
func (d *snapshot) remaining(yield func(int) bool) {
	for n := 1; n <= len(d.list); n++ {
		if !d.marked(n) && !yield(n) {
			return
		}
	}
}
