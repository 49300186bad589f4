package testnet

import (
	"io"
	"os"
	"sync"
	"time"
)

// A pipe is one direction of a connection.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond // of mu; something below changed

	buf   []byte // written, not read
	limit int    // of len(buf)
	split int    // most octets one read gets; 0 means any number
	cut   int    // octets still let through before the cut; -1 means no cut

	eof    bool // nothing more will be written
	broken bool // the reader is gone: writes fail

	read, write deadline
}

func newPipe() *pipe {
	p := &pipe{limit: DefaultBuffer, cut: -1}
	p.changed.L = &p.mu
	return p
}

// change makes f's change known to all who wait.
func (p *pipe) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.changed.Broadcast()
}

// Read waits for octets, the end, or its deadline.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.broken:
			return 0, io.ErrClosedPipe
		case p.read.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(p.buf) > 0:
			if p.split > 0 && len(b) > p.split {
				b = b[:p.split]
			}
			n := copy(b, p.buf)
			p.buf = p.buf[n:]
			p.changed.Broadcast()
			return n, nil
		case p.eof:
			return 0, io.EOF
		}
		p.changed.Wait()
	}
}

// Write waits until all of b is buffered, and for nothing if b is empty. It
// reports whether it reached the cut; the octets up to there then are buffered.
func (p *pipe) Write(b []byte) (n int, cut bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.eof || p.broken:
			return n, false, io.ErrClosedPipe
		case p.write.passed:
			return n, false, os.ErrDeadlineExceeded
		case p.cut == 0:
			return n, true, nil
		case n == len(b):
			return n, false, nil
		}
		c := min(len(b)-n, p.limit-len(p.buf))
		if p.cut > 0 {
			c = min(c, p.cut)
			p.cut -= c
		}
		if c > 0 {
			p.buf = append(p.buf, b[n:n+c]...)
			n += c
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// A deadline makes the operations of one kind on one pipe fail.
type deadline struct {
	passed bool
	timer  *time.Timer
}

// set replaces the deadline d of p by t; the zero time means none.
func (p *pipe) set(d *deadline, t time.Time) {
	p.change(func() {
		if d.timer != nil {
			d.timer.Stop()
		}
		d.timer = nil
		d.passed = !t.IsZero() && !time.Now().Before(t)
		if t.IsZero() || d.passed {
			return
		}
		var timer *time.Timer
		timer = time.AfterFunc(time.Until(t), func() {
			p.change(func() { d.passed = d.passed || d.timer == timer })
		})
		d.timer = timer
	})
}
