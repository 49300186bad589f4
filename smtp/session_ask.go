package smtp

import (
	"context"
	"sync"
	"time"
)

// longestPatience is as good as for ever, and can be added to.
const longestPatience = 100 * 365 * 24 * time.Hour

// patience is how long the program may take to answer. One call serves many answers, and
// is replaced when its time was once used up.
type patience struct{ call *call }

// call is a context that ends when the program takes too long, and its clock.
//
// Setting a timer costs more than most answers take. So it is left where it stands as long
// as it strikes too early, and is then set to what is left.
type call struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	began  time.Time

	mu    sync.Mutex
	timer *time.Timer
	set   time.Duration // when the timer strikes, counted from began; zero: it does not
	until time.Duration // when the answer is due; zero: none is
	spent bool          // it was not there in time
}

func newCall(parent context.Context) *call {
	c := &call{began: time.Now()}
	c.ctx, c.cancel = context.WithCancelCause(parent)
	return c
}

// begin returns the context of an answer that may take so long.
func (p *patience) begin(parent context.Context, most time.Duration) context.Context {
	if p.call != nil && p.call.resume(most) {
		return p.call.ctx
	}
	p.call = newCall(parent)
	p.call.resume(most)
	return p.call.ctx
}

// resume gives an answer that was paused so much time anew.
func (p *patience) resume(most time.Duration) { p.call.resume(most) }

// pause stops the clock, or ends what begin began.
func (p *patience) pause() {
	p.call.mu.Lock()
	defer p.call.mu.Unlock()
	p.call.until = 0
}

// end stops the timer for good.
func (p *patience) end() {
	if p.call == nil {
		return
	}
	p.call.mu.Lock()
	defer p.call.mu.Unlock()
	p.call.spent = true
	p.call.timer.Stop()
}

// resume starts the clock. It reports false if it has run out already.
func (c *call) resume(most time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.spent {
		return false
	}
	c.until = time.Since(c.began) + min(most, longestPatience)
	if c.set == 0 || c.until < c.set {
		c.start(most)
	}
	return true
}

// start sets the timer. The caller holds mu.
func (c *call) start(left time.Duration) {
	c.set = c.until
	if c.timer == nil {
		c.timer = time.AfterFunc(left, c.strike)
		return
	}
	c.timer.Reset(left)
}

// strike is called when the timer has run out.
func (c *call) strike() {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := c.until - time.Since(c.began)
	switch {
	case c.spent:
	case c.until == 0:
		c.set = 0
	case left > 0:
		c.start(left)
	default:
		c.spent = true
		c.cancel(context.DeadlineExceeded)
	}
}

// ask returns the context for a hook, or whatever else decides on a command; answered
// has to follow. Its time is not the handler's, which waits for its body meanwhile when a
// command comes between two chunks.
func (s *session) ask() context.Context { return s.asking.begin(s.ctx, s.srv.hookTimeout()) }

// answered ends what ask began.
func (s *session) answered() { s.asking.pause() }
