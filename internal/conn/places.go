package conn

import "time"

// Places are for the handshakes of servers that are worked on at a time: who has to wait
// for one, waits for as long as the handshake may take. A handshake has a place while it
// computes, and none while it waits for its client; so clients that begin and say nothing
// more, however many, keep nobody from TLS. Nil is any number of places.
type Places chan struct{}

// turn is a handshake that needs places.
type turn struct {
	places Places
	has    bool          // it has one
	quit   chan struct{} // closed when the connection is broken
}

// beginTurn begins a handshake that needs places, if there are but so many.
func (l *link) beginTurn(places Places) {
	if places == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn = &turn{places: places, quit: make(chan struct{})}
	if l.broken != nil {
		close(l.turn.quit)
	}
}

// endTurn ends it.
func (l *link) endTurn() {
	l.leavePlace()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn = nil
}

// takePlace takes a place, if the link is in a handshake that needs one.
func (l *link) takePlace() error {
	t := l.turn
	if t == nil || t.has {
		return nil
	}
	select {
	case t.places <- struct{}{}:
		t.has = true
		return nil
	default:
	}
	timer := time.NewTimer(time.Until(l.deadline()))
	defer timer.Stop()
	select {
	case t.places <- struct{}{}:
		t.has = true
		return nil
	case <-t.quit:
		return l.brokenBy()
	case <-timer.C:
		return errNoPlace
	}
}

// leavePlace gives the place back, if there is one.
func (l *link) leavePlace() {
	if t := l.turn; t != nil && t.has {
		t.has = false
		<-t.places
	}
}

// deadline is that of the handshake.
func (l *link) deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handshake
}

func (l *link) brokenBy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}
