package serve

import (
	"context"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"
)

// Session is one connection that is served.
type Session struct {
	Conn net.Conn
	ID   string // short, of letters, digits and a hyphen; no two sessions of a process have the same

	loop   *Loop
	place  place                   // in the loop's roster
	addr   netip.Prefix            // what it is counted by; invalid if by nothing
	cancel context.CancelCauseFunc // of its context
	heir   bool                    // its context may end by what it was made from
	why    Reason                  // not zero if it is refused

	mu    sync.Mutex
	wake  func()      // not nil while idle
	abort func(error) // what Bind was given
}

// End cancels the session's context with a cause.
func (s *Session) End(cause error) {
	s.cancel(cause)
	s.mu.Lock()
	abort := s.abort
	s.mu.Unlock()
	if abort != nil {
		abort(cause)
	}
}

// Bind has abort called with the cause when ctx ends, which is the session's
// context; at once if it has ended. It must not block, and may be called more than
// once. A context.AfterFunc for each of many idle sessions would take several
// hundred octets more.
func (s *Session) Bind(ctx context.Context, abort func(cause error)) {
	s.mu.Lock()
	s.abort = abort
	s.mu.Unlock()
	if ctx.Err() != nil {
		abort(context.Cause(ctx))
	}
}

// Idle says that the session waits for its peer with nothing under way. If it
// returns false, it is to say goodbye and go. If it returns true, the session
// may wait until it calls Busy; meanwhile wake may be called, once or more,
// which must end the wait, quickly and without blocking. wake is not
// called any more when Busy has returned. Idle does not allocate; a method value
// that is made anew for each call does.
func (s *Session) Idle(wake func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loop.draining.Load() {
		return false
	}
	s.wake = wake
	return true
}

// Busy says that the session has something to do again.
func (s *Session) Busy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = nil
}

// Draining says whether the server shuts down, so that the session should come
// to its end.
func (s *Session) Draining() bool { return s.loop.draining.Load() }

// sendAway wakes an idle session. The loop is draining by now: a session that
// is busy here finds out by Idle.
func (s *Session) sendAway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		s.wake()
	}
}

// run is the goroutine of the session.
func (s *Session) run(ctx context.Context) {
	defer s.loop.remove(s)
	defer s.cancel(nil)
	if s.heir {
		defer context.AfterFunc(ctx, func() { s.End(context.Cause(ctx)) })()
	}
	defer s.Busy()                        // whatever it was: there is nobody to wake
	defer func() { _ = s.Conn.Close() }() // most often it is closed already
	defer func() {
		if reason := recover(); reason != nil {
			s.loop.log().Error("panic in session",
				"conn", s.ID, "peer", s.Conn.RemoteAddr(), "panic", reason, "stack", string(debug.Stack()))
		}
	}()
	if s.why == 0 {
		s.loop.Handle(ctx, s)
		return
	}
	if err := s.Conn.SetDeadline(time.Now().Add(refuseTimeout)); err == nil {
		s.loop.Refuse(s.Conn, s.why)
	}
}
