package smtp

import (
	"container/list"
	"context"
	"math"
	"time"
)

// fairShare is how many messages a connection carries before it has to make
// room for a destination that has none.
const fairShare = 10

// lane is what a Transport knows of one destination. It is guarded by the
// transport's mu.
type lane struct {
	dest    destination
	conns   int           // slots in use, idle ones included
	idle    []*pooled     // the last used last
	aloft   []*pooled     // have messages in flight, and room for more
	queue   list.List     // of *ticket, the first come in front
	line    *list.List    // the transport's hungry or starving, if it wants a slot; else nil
	turn    *list.Element // in that
	next    time.Time     // when the rate allows another message after those that wait for it
	rcptMax int           // recipients in a transaction, as learned from a refusal; 0: unknown
}

// ticket is a place in the queue of a lane.
type ticket struct {
	granted chan grant // has room for one
	place   *list.Element
}

// grant is what a ticket is good for in the end.
type grant struct {
	p   *pooled
	err error // then there is no slot
}

// pooled is a slot: a connection, or the right to make one. It has an owner, who
// acquired it; or nobody owns it and it is idle, has messages in flight, or is
// taking leave.
type pooled struct {
	lane   *lane
	reused bool // it has been idle, or another's, before

	// Guarded by the transport's mu while others may look.
	owned  bool
	flying int                     // messages that were sent, and the answers to which are awaited
	client *Client                 // nil until it is dialled
	cancel context.CancelCauseFunc // ends the dialling; nil otherwise
	since  time.Time               // idle since
	place  *list.Element           // in the transport's idle

	// The owner's.
	mails   int                 // transactions begun
	served  int                 // messages since the slot was granted anew
	domains map[string]struct{} // of recipients named so far; nil if nobody counts them
}

// acquire waits for a slot of dest until ctx ends. The slot must be released.
func (t *Transport) acquire(ctx context.Context, dest destination) (*pooled, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	t.mu.Lock()
	if t.state == transportClosed {
		t.mu.Unlock()
		return nil, ErrTransportClosed
	}
	l := t.lane(dest)
	if p := t.take(l); p != nil {
		t.mu.Unlock()
		return p, nil
	}
	w := t.enqueue(l)
	t.mu.Unlock()
	select {
	case g := <-w.granted:
		return g.p, g.err
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case g := <-w.granted: // too late: somebody else may have it
		if g.err == nil {
			t.disown(g.p)
		}
	default:
		l.queue.Remove(w.place)
		t.feed(l)
	}
	return nil, context.Cause(ctx)
}

// lane returns the lane of a destination, which is made if need be. The caller
// holds mu, as everywhere below unless it is said otherwise.
func (t *Transport) lane(dest destination) *lane {
	if l := t.lanes.Get(dest); l != nil {
		return l
	}
	t.forget(2) // more than come
	l := &lane{dest: dest}
	t.lanes.Set(dest, l)
	return l
}

// forget looks at some lanes and drops those that are deserted, whatever was learned
// of their servers.
func (t *Transport) forget(some int) {
	for dest, l := range t.lanes.All() {
		if l.deserted() {
			t.lanes.Delete(dest)
		}
		if some--; some == 0 {
			return
		}
	}
}

// deserted reports whether nobody uses l, waits in it, or counts on its rate.
func (l *lane) deserted() bool {
	return l.conns == 0 && l.queue.Len() == 0 && !l.next.After(time.Now())
}

// take returns a slot of l if one is to be had at once.
func (t *Transport) take(l *lane) *pooled {
	if n := len(l.idle); n > 0 {
		p := l.idle[n-1]
		t.unidle(p)
		t.reuse(p)
		return p
	}
	if l.queue.Len() > 0 {
		return nil
	}
	if t.mayGrow(l) && !exceeds(len(t.conns)+1, t.maxConns()) {
		return t.grow(l)
	}
	return t.board(l)
}

// reuse gives a connection another owner.
func (t *Transport) reuse(p *pooled) {
	p.owned, p.reused = true, true
	t.stats.Reused++
}

// mayGrow reports whether l may have another slot if there is one.
func (t *Transport) mayGrow(l *lane) bool { return !exceeds(l.conns+1, t.maxConnsPerDest()) }

// grow makes a slot.
func (t *Transport) grow(l *lane) *pooled {
	p := &pooled{lane: l, owned: true}
	l.conns++
	if t.conns == nil {
		t.conns = map[*pooled]struct{}{}
	}
	t.conns[p] = struct{}{}
	return p
}

// enqueue gives a place in the queue of l, and has an idle connection to
// elsewhere make room if that is what is missing.
func (t *Transport) enqueue(l *lane) *ticket {
	w := &ticket{granted: make(chan grant, 1)}
	w.place = l.queue.PushBack(w)
	t.feed(l)
	if l.line != nil && t.leaving < l.queue.Len() {
		if oldest := t.idle.Front(); oldest != nil {
			t.retire(oldest.Value.(*pooled))
		}
	}
	return w
}

// feed gives l its turn for the next slot that is to be had, if it could use one:
// among those that have none, or behind all of them. It is called after every
// change of the queue or the slots of l, which it drops when there is nothing to
// remember of it.
func (t *Transport) feed(l *lane) {
	if l.rcptMax == 0 && l.deserted() {
		t.lanes.Delete(l.dest)
	}
	var list *list.List
	switch {
	case l.queue.Len() == 0 || !t.mayGrow(l):
	case l.conns == 0:
		list = &t.starving
	default:
		list = &t.hungry
	}
	if list == l.line {
		return
	}
	if l.line != nil {
		l.line.Remove(l.turn)
	}
	l.line, l.turn = list, nil
	if list != nil {
		l.turn = list.PushBack(l)
	}
}

// next returns the lane whose turn it is for a slot; nil if none wants one.
func (t *Transport) next() *lane {
	for _, list := range []*list.List{&t.starving, &t.hungry} {
		if first := list.Front(); first != nil {
			return first.Value.(*lane)
		}
	}
	return nil
}

// serve gives p to the first in the queue of its lane, and reports whether there
// is one.
func (l *lane) serve(p *pooled) bool {
	first := l.queue.Front()
	if first == nil {
		return false
	}
	l.queue.Remove(first)
	first.Value.(*ticket).granted <- grant{p: p}
	return true
}

// refuse tells all in the queue that there is nothing for them.
func (l *lane) refuse(err error) {
	for first := l.queue.Front(); first != nil; first = l.queue.Front() {
		l.queue.Remove(first)
		first.Value.(*ticket).granted <- grant{err: err}
	}
}

// release gives back what acquire returned. The caller does not hold mu.
func (t *Transport) release(p *pooled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.disown(p)
}

// put decides what becomes of a slot that is not in use any more.
func (t *Transport) put(p *pooled) {
	l := p.lane
	switch {
	case t.state == transportClosed:
		t.retire(p)
	case p.client == nil && l.queue.Len() > 0:
		p.owned = true
		l.serve(p) // the right to dial
	case p.client == nil || p.client.broken.get() != nil:
		t.drop(p)
	case t.worn(p), t.owed(p):
		t.retire(p)
	case l.queue.Len() > 0:
		t.reuse(p)
		l.serve(p)
	case t.state == transportDraining || t.IdleTimeout < 0 || t.next() != nil:
		t.retire(p)
	default:
		t.rest(p)
	}
	t.feed(l)
}

// exhausted is the number of transactions of a connection that can have no more.
const exhausted = math.MaxInt / 2

// worn reports whether a connection has carried as much as it may.
func (t *Transport) worn(p *pooled) bool {
	if p.mails >= exhausted {
		return true
	}
	most := limit(t.MaxMessages, defaultPerConn)
	if own := p.client.extensions.Limits().MailMax; own > 0 && (most < 0 || own < most) {
		most = own
	}
	return exceeds(p.mails+1, most)
}

// owed reports whether a slot is due to a destination that waits and has none.
func (t *Transport) owed(p *pooled) bool { return p.served >= fairShare && t.starving.Len() > 0 }

// learn remembers how many recipients a server took before it told of too many,
// and learned returns that; 0 is unknown. The caller does not hold mu.
func (t *Transport) learn(dest destination, recipients int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lane(dest).rcptMax = recipients // which may be dropped by now
}

func (t *Transport) learned(l *lane) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return l.rcptMax
}
