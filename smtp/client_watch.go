package smtp

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// grace is how long a failed write waits for a reply that explains it.
const grace = time.Second

// errEarly ends the writing of a body after an answer that came too early.
var errEarly = errors.New("smtp: answer amid the data")

// watch reads the answer to the data while the data is sent. Between the end
// of the data and an answer one is first, and only that counts: a message whose
// answer was first is never ended.
type watch struct {
	state atomic.Uint32 // one of the below
	done  chan struct{} // closed when there is an answer, or never will be
	err   error         // of reading; to be read when done is closed
}

const (
	watchWaiting  uint32 = iota
	watchEnding          // the end of the data may be sent
	watchAnswered        // the end of the data must not be sent
)

// newWatch begins to read. An early answer calls cancel with errEarly.
func (c *Client) newWatch(cancel context.CancelCauseFunc) *watch {
	w := &watch{done: make(chan struct{})}
	go func() {
		defer close(w.done)
		w.err = c.readReply(forever)
		if w.state.CompareAndSwap(watchWaiting, watchAnswered) {
			cancel(errEarly)
		}
	}()
	return w
}

// end asks whether the end of the data may be sent, if that is wanted, or there
// has been no answer yet, if it is not.
func (w *watch) end(wanted bool) bool {
	if wanted {
		return w.state.CompareAndSwap(watchWaiting, watchEnding)
	}
	return w.state.Load() == watchWaiting
}
