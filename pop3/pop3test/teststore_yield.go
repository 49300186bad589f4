package pop3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/posthouse/posthouse/pop3"
)

// yielders runs do with an open session if its maildrop can yield.
func (f Fixture) yielders(ctx context.Context, do func(first pop3.Yielder, list []pop3.Info) error) error {
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if y, ok := m.(pop3.Yielder); ok {
			return do(y, list)
		}
		return nil
	})
	return err
}

// checkYield has a client that is silent for a while, and nobody else who comes.
func checkYield(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	var kept []pop3.Info
	err := f.yielders(ctx, func(first pop3.Yielder, list []pop3.Info) error {
		if err := expectCount(list, len(letters())); err != nil {
			return err
		}
		kept = list[1:]
		for range 2 {
			first.Yield()
			if err := first.Resume(ctx); err != nil {
				return fmt.Errorf("Resume, when nobody else has opened the maildrop: %w", err)
			}
			got, err := read(ctx, first, list[4])
			if err == nil && !bytes.Equal(got, letters()[4]) {
				err = fmt.Errorf("message %q was %s, and reads %s after Resume", list[4].UID, brief(letters()[4]), brief(got))
			}
			if err != nil {
				return err
			}
		}
		if _, err := f.list(ctx); err != nil && !errors.Is(err, pop3.ErrInUse) {
			return fmt.Errorf("opened by another session after Resume: %w", err)
		}
		return first.Commit(ctx, list[:1])
	})
	if err != nil || kept == nil {
		return err
	}
	if err := f.expect(ctx, kept, "after a session that yielded, resumed and deleted the first message"); err != nil {
		return err
	}
	if err := f.yielders(ctx, func(first pop3.Yielder, _ []pop3.Info) error {
		first.Yield() // and Close, without Resume
		return nil
	}); err != nil {
		return err
	}
	return f.expect(ctx, kept, "after a session that yielded and was closed")
}

// checkTakeOver has a client that is silent, and another session that comes.
func checkTakeOver(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	var kept []pop3.Info
	err := f.yielders(ctx, func(first pop3.Yielder, list []pop3.Info) error {
		if err := expectCount(list, len(letters())); err != nil {
			return err
		}
		kept = list[2:]
		first.Yield()
		_, err := f.session(ctx, f.User, func(second pop3.Maildrop, same []pop3.Info) error {
			if !slices.Equal(list, same) {
				return fmt.Errorf("the session that took over lists %v, the one before it %v", same, list)
			}
			if err := first.Resume(ctx); !errors.Is(err, pop3.ErrInUse) {
				return fmt.Errorf("Resume, while another session has the maildrop: %v, and not pop3.ErrInUse", err)
			}
			return second.Commit(ctx, list[:2])
		})
		if err != nil {
			return fmt.Errorf("a session that opens a maildrop that was yielded: %w", err)
		}
		if err := first.Resume(ctx); !errors.Is(err, pop3.ErrInUse) {
			return fmt.Errorf("Resume, after another session has had the maildrop: %v, and not pop3.ErrInUse", err)
		}
		return nil
	})
	if err != nil || kept == nil {
		return err
	}
	return f.expect(ctx, kept, "after a session that took over and deleted the first two messages")
}

// checkLateClose closes a session that has lost its maildrop to another.
func checkLateClose(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[:3]...); err != nil {
		return err
	}
	m, err := f.Store.Open(ctx, f.User)
	if err != nil {
		return fmt.Errorf("Open: %w", err)
	}
	first, ok := m.(pop3.Yielder)
	if !ok {
		return m.Close()
	}
	if _, err := first.List(ctx); err != nil {
		return fmt.Errorf("List: %w", err)
	}
	first.Yield()
	if _, err := f.session(ctx, f.User, func(second pop3.Maildrop, list []pop3.Info) error {
		if err := first.Close(); err != nil {
			return fmt.Errorf("Close of the session that lost the maildrop: %w", err)
		}
		if _, err := f.list(ctx); !errors.Is(err, pop3.ErrInUse) {
			return fmt.Errorf("a third session opens the maildrop of the second: %v, and not pop3.ErrInUse", err)
		}
		_, err := read(ctx, second, list[0])
		return err
	}); err != nil {
		return err
	}
	_, err = f.list(ctx)
	return err
}

// checkUTF8 has headers and bodies beyond ASCII.
func checkUTF8(ctx context.Context, f Fixture) error {
	want := []bool{false, true, false, true, false}
	if err := f.deliver(
		[]byte("Subject: plain\r\n\r\nplain\r\n"),
		[]byte("From: a@example.org\r\nSubject: gr\xc3\xbc\xc3\x9fe\r\n\r\nplain\r\n"),
		[]byte("Subject: plain\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n"),
		[]byte("Subject: folded\r\n \xc3\xbc\r\n"),
		[]byte("\r\n\xc3\xbc: no header\r\n"),
	); err != nil {
		return err
	}
	list, err := f.list(ctx)
	if err == nil {
		err = expectCount(list, len(want))
	}
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(i pop3.Info) bool { return i.UTF8 }) {
		return nil // a store that does not tell
	}
	for i, info := range list {
		if info.UTF8 != want[i] {
			return fmt.Errorf("message %d has Info.UTF8 %v", i+1, info.UTF8)
		}
	}
	return nil
}
