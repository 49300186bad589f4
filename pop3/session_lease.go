package pop3

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// lease is a session's hold on its maildrop. While the client is silent for too
// long it is open to others. The states:
//
//	held     the session runs, or has waited for less than Server.TakeOverAfter
//	yielded  it waits still: Store.Open may give the maildrop away
//	lost     Resume said so: the session ends, and its marks with it
//
// Only a command of the client leads from yielded to held again, before it is
// obeyed. So a session that commits has held the maildrop all the time, or nobody
// else has had it.
type lease struct {
	timer *time.Timer // nil until the first wait

	mu      sync.Mutex // for what the timer's goroutine uses
	drop    Yielder    // nil when nobody waits
	due     time.Time  // when the wait will have been too long
	yielded bool

	panicked string // what Yield panicked with: that goes on in the session
}

// await begins a wait for the client.
func (l *lease) await(drop Yielder, after time.Duration) {
	l.mu.Lock()
	l.drop, l.due = drop, time.Now().Add(after)
	l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(after, l.yield)
		return
	}
	l.timer.Reset(after)
}

// yield is what the timer does. It may come too late for one wait, and is then too
// early for the next.
func (l *lease) yield() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.drop != nil && !l.yielded && !time.Now().Before(l.due) {
		l.yielded = true
		defer func() {
			if v := recover(); v != nil {
				l.panicked = fmt.Sprintf("%v\n%s", v, debug.Stack())
			}
		}()
		l.drop.Yield()
	}
}

// arrive ends a wait, and reports whether the maildrop was yielded in it. Nothing
// is, once it has returned.
func (l *lease) arrive() (yielded bool) {
	l.timer.Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.panicked != "" {
		panic(l.panicked)
	}
	yielded = l.yielded
	l.yielded, l.drop = false, nil
	return yielded
}

// resume takes the maildrop back. If it cannot be had, that is the answer to
// whatever the client said.
func (s *session) resume(ctx context.Context) (lost reply, ok bool) {
	if !s.yielded {
		return reply{}, true
	}
	s.yielded = false
	limited, cancel := s.within(ctx)
	defer cancel()
	err := s.drop.maildrop.(Yielder).Resume(limited)
	if err == nil {
		return reply{}, true
	}
	lost = storeFailed(err, "maildrop cannot be had any more")
	if lost.err == nil && lost.code == CodeInUse {
		// RFC 2449 section 8.1.2 has [IN-USE] for those who log in.
		lost = reply{code: CodeSysTemp, text: "maildrop was taken over by another session"}
	}
	lost.next = hangUp
	return lost, false
}
