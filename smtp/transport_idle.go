package smtp

import (
	"context"
	"time"
)

// What becomes of a connection when its slot has nothing to do. The caller holds mu
// unless it is said otherwise.

// rest keeps a connection for later.
func (t *Transport) rest(p *pooled) {
	p.client.forgetBuffers()
	p.served = 0
	p.since = time.Now()
	p.place = t.idle.PushBack(p)
	p.lane.idle = append(p.lane.idle, p)
	if t.sweeper == nil {
		t.sweeper = time.AfterFunc(t.idleTimeout(), t.sweep)
	} else if t.idle.Len() == 1 {
		t.sweeper.Reset(t.idleTimeout())
	}
}

// sweep takes leave on connections that have been idle for long enough. The
// caller does not hold mu.
func (t *Transport) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for oldest := t.idle.Front(); oldest != nil; oldest = t.idle.Front() {
		p := oldest.Value.(*pooled)
		if left := t.idleTimeout() - time.Since(p.since); left > 0 {
			t.sweeper.Reset(left)
			return
		}
		t.stats.Expired++
		t.retire(p)
	}
}

// unidle makes an idle connection one that is in use.
func (t *Transport) unidle(p *pooled) {
	t.idle.Remove(p.place)
	p.place = nil
	idle := p.lane.idle
	for i := range idle {
		if idle[i] == p {
			copy(idle[i:], idle[i+1:])
			idle[len(idle)-1] = nil
			p.lane.idle = idle[:len(idle)-1]
			return
		}
	}
}

// retireIdle takes leave on all idle connections.
func (t *Transport) retireIdle() {
	for oldest := t.idle.Front(); oldest != nil; oldest = t.idle.Front() {
		t.retire(oldest.Value.(*pooled))
	}
}

// retire takes leave of the server, and then gives the slot up. Until then the
// server counts the connection.
func (t *Transport) retire(p *pooled) {
	if p.place != nil {
		t.unidle(p)
	}
	if p.client == nil {
		t.drop(p)
		return
	}
	t.leaving++
	quit := func() {
		ctx, cancel := context.WithTimeout(context.Background(), quitTimeout)
		defer cancel()
		_ = p.client.Quit(ctx) // it is closed then, whatever the server says
	}
	if t.state == transportClosed {
		quit = func() { _ = p.client.Close() }
	}
	t.chore(quit, func() {
		t.leaving--
		t.drop(p)
	})
}

// chore does something that may have to wait, and then does more with mu held.
func (t *Transport) chore(do, then func()) {
	t.chores++
	go func() {
		do()
		t.mu.Lock()
		defer t.mu.Unlock()
		then()
		t.chores--
		t.checkDrained()
	}()
}

// drop gives up a slot whose connection is closed or never was, and its place to
// the next in turn.
func (t *Transport) drop(p *pooled) {
	delete(t.conns, p)
	p.lane.conns--
	t.feed(p.lane)
	for !exceeds(len(t.conns)+1, t.maxConns()) {
		l := t.next()
		if l == nil {
			break
		}
		l.serve(t.grow(l))
		l.line.Remove(l.turn)
		l.line, l.turn = nil, nil
		t.feed(l) // behind the others
	}
	t.checkDrained()
}
