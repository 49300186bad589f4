package pop3

import (
	"context"
	"sync"
)

// term bounds what the Store or a verifier is asked: by time, and by the end of the
// session. A context made from the session's would do the same, but leave a map and a
// channel with that one, which an idle session would hold for as long as it lasts.
type term struct {
	mu     sync.Mutex
	cancel context.CancelFunc // nil while nothing is asked
}

func (t *term) set(cancel context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cancel = cancel
}

// within returns the context for one question to the Store or to a verifier. The function
// ends it, and comes before the next one.
func (s *session) within(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.server.timeout())
	s.term.set(cancel)
	if ctx.Err() != nil { // before cut could know of it
		cancel()
	}
	return limited, func() {
		s.term.set(nil)
		cancel()
	}
}

// cut ends whatever the session waits for. It is called when the session's context has
// ended.
func (s *session) cut(cause error) {
	s.term.mu.Lock()
	if cancel := s.term.cancel; cancel != nil {
		cancel()
	}
	s.term.mu.Unlock()
	s.conn.Abort(cause)
}
