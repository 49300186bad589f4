package pop3test

import (
	"context"
	"fmt"
	"slices"

	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

func checkUIDs(ctx context.Context, f Fixture) error {
	text := letters()[0]
	if err := f.deliver(text, text, text, letters()[1]); err != nil {
		return err
	}
	list, err := f.list(ctx)
	if err == nil {
		err = expectCount(list, 4)
	}
	if err != nil {
		return err
	}
	return validUIDs(list)
}

func validUIDs(list []pop3.Info) error {
	seen := map[string]int{}
	for i, info := range list {
		if !pop3wire.ValidUID(info.UID) {
			return fmt.Errorf("message %d has the unique-id %q", i+1, info.UID)
		}
		if first := seen[info.UID]; first != 0 {
			return fmt.Errorf("messages %d and %d both have the unique-id %q", first, i+1, info.UID)
		}
		seen[info.UID] = i + 1
	}
	return nil
}

func checkStable(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	first, err := f.list(ctx)
	if err == nil {
		err = expectCount(first, len(letters()))
	}
	if err != nil {
		return err
	}
	if err := f.expect(ctx, first, "in the session after one that ended without Commit"); err != nil {
		return err
	}
	if _, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if _, err := read(ctx, m, list[1]); err != nil {
			return err
		}
		return m.Commit(ctx, nil)
	}); err != nil {
		return err
	}
	if err := f.expect(ctx, first, "in the session after one that read a message and committed"); err != nil {
		return err
	}
	if err := f.deliver(letters()[0]); err != nil {
		return err
	}
	now, err := f.list(ctx)
	if err != nil {
		return err
	}
	old := slices.DeleteFunc(slices.Clone(now), func(i pop3.Info) bool { return !slices.Contains(first, i) })
	if !slices.Equal(old, first) {
		return fmt.Errorf("before mail arrived the list was %v, after it %v: the older messages have changed", first, now)
	}
	return nil
}

// expect opens a session and compares its list.
func (f Fixture) expect(ctx context.Context, want []pop3.Info, when string) error {
	got, err := f.list(ctx)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("%s the list is %v and should be %v", when, got, want)
	}
	return err
}

func checkNoReuse(ctx context.Context, f Fixture) error {
	given := map[string]bool{}
	for range 4 {
		if err := f.deliver(letters()[0], letters()[0]); err != nil {
			return err
		}
		_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
			for _, info := range list {
				if given[info.UID] {
					return fmt.Errorf("a new message was given the unique-id %q, which a deleted one had", info.UID)
				}
				given[info.UID] = true
			}
			return m.Commit(ctx, list)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func checkMany(ctx context.Context, f Fixture) error {
	const count = 1000
	for i := range count {
		if err := f.deliver(fmt.Appendf(nil, "Subject: message %d\r\n\r\n%d\r\n", i, i)); err != nil {
			return err
		}
	}
	var kept []pop3.Info
	list, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		var deleted []pop3.Info
		for i, info := range list {
			if i%3 == 0 {
				deleted = append(deleted, info)
			} else {
				kept = append(kept, info)
			}
		}
		return m.Commit(ctx, deleted)
	})
	if err != nil {
		return err
	}
	if err := expectCount(list, count); err != nil {
		return err
	}
	if err := validUIDs(list); err != nil {
		return err
	}
	if err := f.expect(ctx, kept, "after every third message was deleted"); err != nil {
		return err
	}
	return f.checkSizes(ctx)
}
