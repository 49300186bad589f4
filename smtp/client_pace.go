package smtp

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	// defaultMinRate is in octets per second.
	defaultMinRate = 100

	// forever is the timeout where a pace minds the time, and the longest there is.
	forever = 100 * 365 * 24 * time.Hour
)

// errStalled ends a transfer whose pace has run out.
var errStalled = fmt.Errorf("smtp: server takes too long: %w", os.ErrDeadlineExceeded)

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
