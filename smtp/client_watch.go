package smtp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

const (
	// defaultMinRate is in octets per second.
	defaultMinRate = 100

	// grace is how long a failed write waits for a reply that explains it.
	grace = time.Second

	// forever is the timeout where a pace minds the time, and the longest there is.
	forever = 100 * 365 * 24 * time.Hour
)

var (
	// errEarly ends the writing of a body after an answer that came too early.
	errEarly = errors.New("smtp: answer amid the data")

	errStalled = fmt.Errorf("smtp: server takes too long: %w", os.ErrDeadlineExceeded)
)

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

// pace is a deadline for a peer that takes a body: it must not stand still for
// longer than the timeout, and what it is waited for must not exceed the timeout
// by more than what it has taken needs at the least rate. The time that reading
// the body takes does not count.
type pace struct {
	timer   *time.Timer
	timeout time.Duration
	rate    int64 // octets per second
	taken   int64 // octets
	waited  time.Duration
	from    time.Time // when the piece under way began
}

// newPace returns a pace that calls cancel when the time is over.
func newPace(cfg *ClientConfig, cancel context.CancelCauseFunc) *pace {
	p := &pace{timeout: cfg.timeout(), rate: defaultMinRate}
	if cfg.MinRate > 0 {
		p.rate = int64(cfg.MinRate)
	}
	p.timer = time.AfterFunc(forever, func() { cancel(errStalled) })
	return p
}

// begin begins to wait for the peer to take a piece.
func (p *pace) begin() {
	p.from = time.Now()
	earned := time.Duration(min(p.taken/p.rate, int64(forever/time.Second))) * time.Second
	p.timer.Reset(min(p.timeout, p.timeout+earned-p.waited))
}

// end says that n octets were taken.
func (p *pace) end(n int) {
	p.timer.Stop()
	p.taken += int64(n)
	p.waited += time.Since(p.from)
}

// wait lets no more than d pass from now on.
func (p *pace) wait(d time.Duration) { p.timer.Reset(d) }

func (p *pace) stop() { p.timer.Stop() }
