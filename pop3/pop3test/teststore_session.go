package pop3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/posthouse/posthouse/pop3"
)

func checkCommit(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	marks := [][]int{{0}, {1, 3}, {2, 4}} // places in the list of each session
	for _, mark := range marks {
		var kept []pop3.Info
		_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
			if len(list) < 5 {
				return fmt.Errorf("only %d messages are listed", len(list))
			}
			var deleted []pop3.Info
			for _, i := range mark {
				deleted = append(deleted, list[i])
			}
			kept = slices.DeleteFunc(slices.Clone(list), func(i pop3.Info) bool { return slices.Contains(deleted, i) })
			return m.Commit(ctx, deleted)
		})
		if err != nil {
			return err
		}
		if err := f.expect(ctx, kept, fmt.Sprintf("after messages at %v of the list were deleted", mark)); err != nil {
			return err
		}
	}
	return f.checkSizes(ctx)
}

func checkCommitAll(ctx context.Context, f Fixture) error {
	for range 2 {
		if err := f.deliver(letters()...); err != nil {
			return err
		}
		_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
			if err := expectCount(list, len(letters())); err != nil {
				return err
			}
			return m.Commit(ctx, list)
		})
		if err != nil {
			return err
		}
		if err := f.expect(ctx, nil, "after all messages were deleted"); err != nil {
			return err
		}
	}
	return nil
}

func checkCommitNothing(ctx context.Context, f Fixture) error {
	return f.checkUndisturbed(ctx, func(m pop3.Maildrop, _ []pop3.Info) error { return m.Commit(ctx, nil) })
}

func checkGone(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[:3]...); err != nil {
		return err
	}
	old, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, 3); err != nil {
			return err
		}
		return m.Commit(ctx, list[:2])
	})
	if err != nil {
		return err
	}
	_, err = f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if !slices.Equal(list, old[2:]) {
			return fmt.Errorf("the list is %v and should be %v", list, old[2:])
		}
		for _, info := range old[:2] {
			if r, err := m.Message(ctx, info); err == nil {
				r.Close()
				return fmt.Errorf("message %q was deleted in the session before, and can be read", info.UID)
			}
		}
		return nil
	})
	return err
}

func checkCloseOnly(ctx context.Context, f Fixture) error {
	return f.checkUndisturbed(ctx, func(m pop3.Maildrop, list []pop3.Info) error {
		_, err := read(ctx, m, list[0])
		return err
	})
}

// checkUndisturbed runs a session that deletes nothing.
func (f Fixture) checkUndisturbed(ctx context.Context, do func(pop3.Maildrop, []pop3.Info) error) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	before, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, len(letters())); err != nil {
			return err
		}
		return do(m, list)
	})
	if err != nil {
		return err
	}
	return f.expect(ctx, before, "after a session that deleted nothing")
}

func checkNewMail(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[:3]...); err != nil {
		return err
	}
	old, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, 3); err != nil {
			return err
		}
		if err := f.deliver(letters()[0], letters()[4]); err != nil {
			return err
		}
		for i, info := range list {
			got, err := read(ctx, m, info)
			if err == nil && !bytes.Equal(got, letters()[i]) {
				err = fmt.Errorf("message %q was %s, and reads %s since mail arrived", info.UID, brief(letters()[i]), brief(got))
			}
			if err != nil {
				return err
			}
		}
		return m.Commit(ctx, list)
	})
	if err != nil {
		return err
	}
	now, err := f.list(ctx)
	if err != nil {
		return err
	}
	if len(now) != 2 || slices.ContainsFunc(now, func(i pop3.Info) bool { return slices.Contains(old, i) }) {
		return fmt.Errorf("the session listed and deleted %v while 2 messages arrived; the next one lists %v", old, now)
	}
	return nil
}

func checkOpenTwice(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[:4]...); err != nil {
		return err
	}
	var kept []pop3.Info
	_, err := f.session(ctx, f.User, func(first pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, 4); err != nil {
			return err
		}
		kept = list[2:]
		_, err := f.session(ctx, f.User, func(second pop3.Maildrop, same []pop3.Info) error {
			if !slices.Equal(list, same) {
				return fmt.Errorf("two sessions list %v and %v", list, same)
			}
			return second.Commit(ctx, list[:1])
		})
		if err != nil && !errors.Is(err, pop3.ErrInUse) {
			return fmt.Errorf("while another session is open: %w", err)
		}
		if _, err := read(ctx, first, list[3]); err != nil {
			return fmt.Errorf("after another session came and went: %w", err)
		}
		// The first of these may have been deleted by the other session: that
		// makes no difference to what is to be left.
		return first.Commit(ctx, list[:2])
	})
	if err != nil {
		return err
	}
	return f.expect(ctx, kept, "after the first two messages were deleted")
}

func checkWhole(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, len(letters())); err != nil {
			return err
		}
		_, inUse := f.session(ctx, f.User, func(second pop3.Maildrop, _ []pop3.Info) error {
			return second.Commit(ctx, list[:4])
		})
		if inUse != nil && !errors.Is(inUse, pop3.ErrInUse) {
			return inUse
		}
		for i, info := range list {
			got, err := read(ctx, m, info)
			switch {
			case err != nil && inUse == nil && i < 4:
				// Gone, and said so.
			case err != nil:
				return err
			case !bytes.Equal(got, letters()[i]):
				return fmt.Errorf("message %q was %s, and reads %s since another session ended", info.UID, brief(letters()[i]), brief(got))
			}
		}
		return nil
	})
	return err
}

func checkOpenAgain(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[0]); err != nil {
		return err
	}
	for range 3 { // closed without a word spoken
		m, err := f.Store.Open(ctx, f.User)
		if err != nil {
			return fmt.Errorf("Open after Close: %w", err)
		}
		if err := m.Close(); err != nil {
			return fmt.Errorf("Close: %w", err)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if m, err := f.Store.Open(over, f.User); err == nil {
		if err := m.Close(); err != nil {
			return fmt.Errorf("Close: %w", err)
		}
	}
	if _, err := f.list(ctx); err != nil {
		return fmt.Errorf("after an Open whose context had ended: %w", err)
	}
	return nil
}

func checkRace(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
				if err := expectCount(list, len(letters())); err != nil {
					return err
				}
				if _, err := read(ctx, m, list[i]); err != nil {
					return err
				}
				return m.Commit(ctx, nil)
			})
			if !errors.Is(err, pop3.ErrInUse) {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func checkUsers(ctx context.Context, f Fixture) error {
	if f.Other == nil {
		return nil
	}
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	mine, err := f.session(ctx, f.User, func(_ pop3.Maildrop, list []pop3.Info) error {
		_, err := f.session(ctx, f.Other, func(m pop3.Maildrop, other []pop3.Info) error {
			if len(other) != 0 {
				return fmt.Errorf("the maildrop of %q was given no mail, and lists %v", f.Other.Name, other)
			}
			for _, info := range list {
				if r, err := m.Message(ctx, info); err == nil {
					r.Close()
					return fmt.Errorf("%q can read the mail of %q", f.Other.Name, f.User.Name)
				}
			}
			// An error is as good as silence, as long as nothing is deleted.
			_ = m.Commit(ctx, list)
			return nil
		})
		if err != nil {
			return fmt.Errorf("the session of another user: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return f.expect(ctx, mine, "after another user's session")
}

func checkReopen(ctx context.Context, f Fixture) error {
	if f.Reopen == nil {
		return nil
	}
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	var kept []pop3.Info
	if _, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, len(letters())); err != nil {
			return err
		}
		kept = list[3:]
		return m.Commit(ctx, list[:3])
	}); err != nil {
		return err
	}
	var err error
	if f.Store, err = f.Reopen(); err != nil {
		return fmt.Errorf("the store could not be opened anew: %w", err)
	}
	if err := f.expect(ctx, kept, "after the program was started anew"); err != nil {
		return err
	}
	return f.checkSizes(ctx)
}
