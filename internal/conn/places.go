package conn

import "time"

// Places are for the handshakes of servers that are worked on at a time: who has to wait
// for one, waits for as long as the handshake may take. A handshake has a place while it
// computes, and none while it waits for its client; so clients that begin and say nothing
// more, however many, keep nobody from TLS. Nil is any number of places.
type Places chan struct{}

// takePlace takes a place, if the link is in a handshake for which there are some.
func (l *link) takePlace() error {
	if !l.placing || l.placed {
		return nil
	}
	select {
	case l.places <- struct{}{}:
		l.placed = true
		return nil
	default:
	}
	timer := time.NewTimer(time.Until(l.deadline()))
	defer timer.Stop()
	select {
	case l.places <- struct{}{}:
		l.placed = true
		return nil
	case <-timer.C:
		return errNoPlace
	}
}

// leavePlace gives the place back, if there is one.
func (l *link) leavePlace() {
	if l.placed {
		l.placed = false
		<-l.places
	}
}

// deadline is that of the handshake.
func (l *link) deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handshake
}
