package pop3

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// clock is what happens to a session by itself: it ends when it has taken too long; what
// the Store or a verifier is asked ends when that takes too long, or when the session
// ends; and the maildrop is yielded when the client is silent for too long.
//
// One timer serves all, since an idle session is to hold little. A command does not set
// it anew, for that costs more than most answers take: when it strikes too early it
// is set to what is left. All times are counted from session.began.
type clock struct {
	timer *time.Timer

	mu      sync.Mutex              // for what the timer's goroutine uses
	set     time.Duration           // when the timer strikes
	answer  time.Duration           // when the answer is due
	end     context.CancelCauseFunc // of what is asked; nil while nothing is
	silence time.Duration           // when the client will have been silent for too long; zero: nobody waits for it
	yielded bool                    // in this wait
	stopped bool

	panicked string // what Yield panicked with: that goes on in the session
}

func (s *session) startClock() {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set = s.server.sessionTimeout()
	c.timer = time.AfterFunc(c.set, s.strike)
}

func (s *session) stopClock() {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	c.timer.Stop()
}

// within returns the context for one question to the Store or to a verifier. The function
// ends it, and comes before the next one.
//
// A context made from the session's would leave a map and a channel with that one, which
// an idle session would hold for as long as it lasts.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	asked, end := context.WithCancelCause(context.WithoutCancel(ctx))
	s.ask(end)
	if ctx.Err() != nil { // before cut could know of it
		end(context.Cause(ctx))
	}
	return asked, func() {
		s.answered()
		end(nil)
	}
}

// ask has end called when the answer to a question takes too long, or the session ends.
func (s *session) ask(end context.CancelCauseFunc) {
	c, most := &s.clock, s.server.timeout()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end, c.answer = end, time.Since(s.began)+most
	c.advance(c.answer, most)
}

// answered reports whether the answer came in time.
func (s *session) answered() bool {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	inTime := c.end != nil
	c.end = nil
	return inTime
}

// await begins a wait for the client, in which the maildrop is yielded after so long.
func (s *session) await(most time.Duration) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silence = time.Since(s.began) + most
	c.advance(c.silence, most)
}

// arrived ends a wait, and reports whether the maildrop was yielded in it. Nothing is,
// once it has returned.
func (s *session) arrived() (yielded bool) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panicked != "" {
		panic(c.panicked)
	}
	yielded = c.yielded
	c.silence, c.yielded = 0, false
	return yielded
}

// advance sees to it that the timer strikes at due, which is so far from now. The
// caller holds mu.
func (c *clock) advance(due, left time.Duration) {
	if due < c.set {
		c.set = due
		c.timer.Reset(left)
	}
}

// strike is what the timer does.
func (s *session) strike() {
	if s.minute() {
		s.track.End(errSessionTimeout)
	}
}

// minute does what is due, and sets the timer to what is next. It may come too late for
// one wait, and is then too early for the next. It reports whether the session has taken
// too long.
func (s *session) minute() (tooLong bool) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := time.Since(s.began), s.server.sessionTimeout()
	if c.stopped || now >= next {
		return !c.stopped
	}
	switch {
	case c.end == nil:
	case now < c.answer:
		next = min(next, c.answer)
	default:
		c.end(context.DeadlineExceeded)
		c.end = nil
	}
	switch {
	case c.silence == 0, c.yielded:
	case now < c.silence:
		next = min(next, c.silence)
	default:
		s.yield()
	}
	c.set = next
	c.timer.Reset(next - now)
	return false
}

// yield lets the Store give the maildrop away. The caller holds the clock's mu.
func (s *session) yield() {
	c := &s.clock
	c.yielded = true
	defer func() {
		if v := recover(); v != nil {
			c.panicked = fmt.Sprintf("%v\n%s", v, debug.Stack())
		}
	}()
	s.drop.maildrop.(Yielder).Yield()
}

// cut ends whatever the session waits for. It is called when the session's context has
// ended.
func (s *session) cut(cause error) {
	s.clock.mu.Lock()
	if end := s.clock.end; end != nil {
		end(cause)
	}
	s.clock.mu.Unlock()
	s.conn.Abort(cause)
}
