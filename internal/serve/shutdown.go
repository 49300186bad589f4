package serve

import (
	"context"
	"errors"
	"net"
)

// Shutdown stops accepting, sends away the sessions that are idle, and waits for
// the others. If ctx ends before, it calls Close and returns ctx.Err at once.
// Else it returns the errors of closing the listeners.
func (l *Loop) Shutdown(ctx context.Context) error {
	sessions, err := l.drain()
	for _, s := range sessions {
		s.sendAway()
	}
	select {
	case <-l.empty:
		return err
	case <-ctx.Done():
	}
	select {
	case <-l.empty: // both at once
		return err
	default:
		_ = l.Close() // the listeners are closed already
		return ctx.Err()
	}
}

// Close closes the listeners and cuts all sessions, without waiting for their
// ends. It returns the errors of closing the listeners.
func (l *Loop) Close() error {
	sessions, err := l.drain()
	for _, s := range sessions {
		s.End(l.closed())
		cut(s.Conn)
	}
	return err
}

// drain sees to it that there are no new sessions, and returns those that are.
func (l *Loop) drain() ([]*Session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.prepare()
	if !l.draining.Swap(true) {
		close(l.stop)
		if l.sessions.len == 0 {
			close(l.empty)
		}
	}
	var errs []error
	for ln := range l.listeners {
		if err := (*ln).Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
		delete(l.listeners, ln)
	}
	return l.sessions.all(), errors.Join(errs...)
}

// cut closes nc without the goodbye of TLS, which can take seconds.
func cut(nc net.Conn) {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	_ = nc.Close() // there is nobody to tell
}
