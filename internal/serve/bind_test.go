package serve

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestBind: abort is called when the session's context ends, whoever ends it, and
// when it has ended before; not when the session merely returns.
func TestBind(t *testing.T) {
	t.Parallel()
	errEnd := errors.New("enough")
	for name, row := range map[string]struct {
		end  func(s *Session, l *Loop, base context.CancelCauseFunc)
		late bool // Bind comes after the end
		want error
	}{
		"End":                {func(s *Session, _ *Loop, _ context.CancelCauseFunc) { s.End(errEnd) }, false, errEnd},
		"End before":         {func(s *Session, _ *Loop, _ context.CancelCauseFunc) { s.End(errEnd) }, true, errEnd},
		"Close":              {func(_ *Session, l *Loop, _ context.CancelCauseFunc) { l.Close() }, false, ErrClosed},
		"base":               {func(_ *Session, _ *Loop, base context.CancelCauseFunc) { base(errEnd) }, false, errEnd},
		"base before":        {func(_ *Session, _ *Loop, base context.CancelCauseFunc) { base(errEnd) }, true, errEnd},
		"nobody, it returns": {func(*Session, *Loop, context.CancelCauseFunc) {}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				base, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				causes := make(chan error, 4)
				l := &Loop{BaseContext: func(net.Listener) context.Context { return base }}
				l.Handle = func(ctx context.Context, s *Session) {
					abort := func(cause error) { causes <- cause }
					if !row.late {
						s.Bind(ctx, abort)
					}
					row.end(s, l, cancel)
					time.Sleep(time.Second)
					if row.late {
						s.Bind(ctx, abort)
					}
				}
				near, far := net.Pipe()
				defer far.Close()
				l.prepare()
				l.admit(base, near)
				time.Sleep(time.Minute)
				synctest.Wait()
				close(causes)
				got := <-causes
				require.Equal(t, row.want, got)
				for again := range causes {
					require.Equal(t, got, again)
				}
			})
		})
	}
}
