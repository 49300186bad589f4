package smtp

import (
	"context"
	"time"
)

// patience is how long the program may take to answer: one context and one timer that
// serve many calls, and are replaced when the time was once used up.
type patience struct {
	ctx   context.Context
	timer *time.Timer
	spent bool // the context has ended, or is about to
}

// begin returns the context of a call that may take so long.
func (p *patience) begin(parent context.Context, most time.Duration) context.Context {
	if p.ctx != nil && !p.spent {
		p.timer.Reset(most)
		return p.ctx
	}
	ctx, cancel := context.WithCancelCause(parent)
	*p = patience{ctx: ctx, timer: time.AfterFunc(most, func() { cancel(context.DeadlineExceeded) })}
	return ctx
}

// pause stops the clock, and ends a call.
func (p *patience) pause() {
	if !p.timer.Stop() {
		p.spent = true
	}
}

// resume gives a call that was paused so much time anew.
func (p *patience) resume(most time.Duration) {
	if !p.spent {
		p.timer.Reset(most)
	}
}

// ask returns the context for a hook, or whatever else decides on a command; answered
// has to follow.
func (s *session) ask() context.Context { return s.patience.begin(s.ctx, s.srv.hookTimeout()) }

// answered ends what ask began.
func (s *session) answered() { s.patience.pause() }
