package pop3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/posthouse/posthouse/pop3"
)

func checkEmpty(ctx context.Context, f Fixture) error {
	list, err := f.list(ctx)
	if err == nil && len(list) != 0 {
		err = fmt.Errorf("a maildrop into which nothing was delivered lists %d messages", len(list))
	}
	return err
}

func checkContent(ctx context.Context, f Fixture) error {
	want := letters()
	if err := f.deliver(want...); err != nil {
		return err
	}
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, len(want)); err != nil {
			return err
		}
		for i, info := range list {
			got, err := read(ctx, m, info)
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want[i]) {
				return fmt.Errorf("message %d of the list, %q, reads %s; the one delivered as the %dth is %s", i+1, info.UID, brief(got), i+1, brief(want[i]))
			}
		}
		return nil
	})
	return err
}

// expectCount compares the length of a list with the number of deliveries.
func expectCount(list []pop3.Info, delivered int) error {
	if len(list) != delivered {
		return fmt.Errorf("%d messages were delivered, and %d are listed", delivered, len(list))
	}
	return nil
}

func checkSize(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()...); err != nil {
		return err
	}
	return f.checkSizes(ctx)
}

func (f Fixture) checkSizes(ctx context.Context) error {
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		for _, info := range list {
			got, err := read(ctx, m, info)
			if err != nil {
				return err
			}
			if int64(len(got)) != info.Size {
				return fmt.Errorf("message %q has size %d in the list, and reads as %d octets", info.UID, info.Size, len(got))
			}
		}
		return nil
	})
	return err
}

func checkFinalCRLF(ctx context.Context, f Fixture) error {
	const text = "Subject: cut\r\n\r\nno end of line"
	if err := f.deliver([]byte(text)); err != nil {
		return err
	}
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, 1); err != nil {
			return err
		}
		got, err := read(ctx, m, list[0])
		if err == nil && string(got) != text+"\r\n" {
			err = fmt.Errorf("%s was delivered, and reads as %s", brief([]byte(text)), brief(got))
		}
		return err
	})
	if err != nil {
		return err
	}
	return f.checkSizes(ctx)
}

func checkReadAgain(ctx context.Context, f Fixture) error {
	want := [][]byte{letters()[0], letters()[4]}
	if err := f.deliver(want...); err != nil {
		return err
	}
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, list []pop3.Info) error {
		if err := expectCount(list, len(want)); err != nil {
			return err
		}
		for _, i := range []int{1, 0, 0, 1} {
			if err := readPart(ctx, m, list[i]); err != nil {
				return err
			}
			got, err := read(ctx, m, list[i])
			if err == nil && !bytes.Equal(got, want[i]) {
				err = fmt.Errorf("message %q was delivered as %s, and reads %s after having been read in part", list[i].UID, brief(want[i]), brief(got))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// readPart reads the first octets of a message and closes it, as a server does
// whose client has gone, or asked for the TOP.
func readPart(ctx context.Context, m pop3.Maildrop, info pop3.Info) error {
	r, err := m.Message(ctx, info)
	if err != nil {
		return fmt.Errorf("Message %q: %w", info.UID, err)
	}
	if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
		return errors.Join(fmt.Errorf("reading 5 octets of message %q: %w", info.UID, err), r.Close())
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("closing message %q before its end: %w", info.UID, err)
	}
	return nil
}

func checkUnlisted(ctx context.Context, f Fixture) error {
	if err := f.deliver(letters()[0]); err != nil {
		return err
	}
	_, err := f.session(ctx, f.User, func(m pop3.Maildrop, _ []pop3.Info) error {
		for _, uid := range []string{"no-such-message", "", "../x", "/etc/passwd", "."} {
			if r, err := m.Message(ctx, pop3.Info{UID: uid, Size: 10}); err == nil {
				r.Close()
				return fmt.Errorf("Message opens %q, which was not listed", uid)
			}
		}
		return nil
	})
	return err
}

// brief shows a message in an error.
func brief(b []byte) string {
	if len(b) > 60 {
		return fmt.Sprintf("%q... (%d octets)", b[:60], len(b))
	}
	return fmt.Sprintf("%q", b)
}
