package maildir

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// maxScans bounds how often List reads a Maildir that does not hold still.
const maxScans = 5

// List gives the messages in the order of their delivery: by the time in the name, then
// by name.
//
// A file that is renamed while its folder is read may be missed by the reading. So a
// reading counts only when nothing was renamed during it, or when it has everything of
// the one before and each file was still there when its size was asked for; and when
// the Maildir does not hold still, all that was seen is listed, of which some may be
// gone.
func (d *Dir) List(ctx context.Context) ([]Entry, error) {
	began := d.now()
	before, errBefore := d.fs.stamp(dirCur)
	scanned, err := d.scan(ctx)
	if err != nil {
		return nil, err
	}
	after, errAfter := d.fs.stamp(dirCur)
	if errBefore == nil && errAfter == nil && before == after && before.settled(began) {
		return uniqueKeys(scanned), nil
	}
	all := scanned
	for range maxScans - 1 {
		again, err := d.scan(ctx)
		if err != nil {
			return nil, err
		}
		if still(again) && holds(again, scanned) {
			return uniqueKeys(again), nil
		}
		scanned = again
		all = oneEach(append(all, again...))
	}
	return uniqueKeys(all), nil
}

// scan reads new, then cur, so that a message that moves between them is seen at least
// once.
func (d *Dir) scan(ctx context.Context) ([]Entry, error) {
	limit := d.MaxEntries
	if limit <= 0 {
		limit = DefaultMaxEntries
	}
	var entries []Entry
	for _, dir := range []string{dirNew, dirCur} {
		err := d.fs.list(dir, func(name string, size int64) error {
			if name[0] == '.' {
				return nil
			}
			if len(entries) >= limit {
				return ErrTooManyEntries
			}
			entries = append(entries, parseEntry(name, dir == dirNew, size))
			return context.Cause(ctx)
		})
		if err != nil {
			return nil, fmt.Errorf("maildir: %w", err)
		}
	}
	return oneEach(entries), nil
}

// oneEach sorts entries and keeps one of each message: the one that was seen last.
func oneEach(entries []Entry) []Entry {
	// The time alone decides nearly always, and is small to move.
	type place struct {
		micros int64
		index  int
	}
	order := make([]place, len(entries))
	for i, e := range entries {
		order[i] = place{e.Delivered.UnixMicro(), i}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.micros != b.micros {
			return cmp.Compare(a.micros, b.micros)
		}
		return cmp.Or(compareEntries(entries[a.index], entries[b.index]), cmp.Compare(a.index, b.index))
	})
	kept := make([]Entry, 0, len(entries))
	for _, p := range order {
		e := entries[p.index]
		if n := len(kept); n > 0 && compareEntries(kept[n-1], e) == 0 {
			if e.Size < 0 {
				e.Size, e.CRLFSize = kept[n-1].Size, kept[n-1].CRLFSize
			}
			e.Twin = e.Twin || kept[n-1].Twin || e.path() != kept[n-1].path()
			kept[n-1] = e
			continue
		}
		kept = append(kept, e)
	}
	return kept
}

// still says whether no file vanished between the reading of its name and of its size.
func still(scanned []Entry) bool {
	return !slices.ContainsFunc(scanned, func(e Entry) bool { return e.vanished })
}

// holds says whether all messages of part are in whole. Both are sorted.
func holds(whole, part []Entry) bool {
	for _, e := range part {
		i, found := slices.BinarySearchFunc(whole, e, compareEntries)
		if !found {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}

// uniqueKeys gives longer keys to messages that share one: to all of them, so that no
// message gets, when another is gone, the key that the other had.
func uniqueKeys(entries []Entry) []Entry {
	for from, to := 0, 0; from < len(entries); from = to {
		for to = from + 1; to < len(entries) && entries[to].Key == entries[from].Key; to++ {
		}
		if to-from == 1 {
			continue
		}
		for i := from; i < to; i++ {
			entries[i].Key = entries[i].base()
		}
	}
	return entries
}
