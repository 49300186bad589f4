package smtp

import (
	"context"
	"time"
)

// await waits until the rate allows one more message to dest. Those who wait
// have their turns in the order in which they came. The caller does not hold
// mu.
func (t *Transport) await(ctx context.Context, dest destination) error {
	if t.Rate <= 0 {
		return nil
	}
	apart := time.Duration(min(float64(time.Second)/t.Rate, float64(forever)))
	t.mu.Lock()
	l := t.lane(dest)
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	wait := l.next.Sub(now) - time.Duration(max(t.Burst, 1)-1)*apart
	l.next = l.next.Add(apart)
	mine, closed := l.next, t.closed
	t.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var err error
	select {
	case <-timer.C:
		return nil
	case <-closed:
		err = ErrTransportClosed
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.next.Equal(mine) { // nobody else counts on it
		l.next = l.next.Add(-apart)
	}
	return err
}
