package smtp

import (
	"errors"
	"net"
	"os"
	"time"
)

// maxDelayShift bounds how often the delay after wrong credentials doubles.
const maxDelayShift = 3

// errSessionTooLong ends the context of a session that has used up its time twice.
var errSessionTooLong = errors.New("smtp: session lasts too long")

// tooIdle counts a command that moves no message along.
func (s *session) tooIdle() bool {
	s.idle++
	return exceeds(s.idle, limit(s.srv.MaxIdleCommands, defaultIdleCommands))
}

// startLife limits the time of the session.
func (s *session) startLife() {
	s.life = time.AfterFunc(longestPatience, s.expire) // which needs it
	s.life.Reset(s.srv.sessionTimeout())
}

// expire ends the session when it would next wait for a command, and at once when as long
// again has passed.
func (s *session) expire() {
	if s.expired.Swap(true) {
		s.link.End(errSessionTooLong)
		return
	}
	s.life.Reset(s.srv.sessionTimeout())
	s.conn.Interrupt()
}

// endLife stops the timers of a session that is over.
func (s *session) endLife() {
	s.life.Stop()
	s.asking.end()
	s.handling.end()
}

// outlasts counts an error, and reports whether it is one too many.
func (s *session) outlasts() bool {
	s.errors++
	return exceeds(s.errors+1, limit(s.srv.MaxErrors, defaultErrors))
}

// tarpit holds the session up when half of the errors that it may make are made.
func (s *session) tarpit() {
	if most := limit(s.srv.MaxErrors, defaultErrors); most > 0 && 2*s.errors >= most {
		s.delay(0)
	}
}

// delay holds the session up, after sending the replies that wait. Each shift doubles it.
func (s *session) delay(shift int) {
	d := s.srv.ErrorDelay
	if d == 0 {
		d = defaultErrorDelay
	}
	if d < 0 || !s.flush() {
		return
	}
	timer := time.NewTimer(d << min(shift, maxDelayShift))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

// awaitsGreeting reports whether a client waits to be greeted. An error means that it
// is gone.
func awaitsGreeting(nc net.Conn, pause time.Duration) (bool, error) {
	if err := nc.SetReadDeadline(time.Now().Add(pause)); err != nil {
		return false, err
	}
	n, err := nc.Read(make([]byte, 1))
	switch {
	case n > 0:
		return false, nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return false, err
	}
	return true, nc.SetReadDeadline(time.Time{})
}
