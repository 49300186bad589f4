package smtp

import "sync/atomic"

// ServerStats are what a [Server] has counted since it began, but for Conns, which is a
// number of this moment.
type ServerStats struct {
	Conns    int64 // sessions under way
	Sessions int64 // sessions begun, those under way included
	Refused  int64 // connections sent away because there were too many

	Commands   int64 // commands read
	Temporary  int64 // replies of 4yz
	Permanent  int64 // replies of 5yz
	Handshakes int64 // of TLS that were completed
	TLSFailed  int64 // that were not
	Logins     int64 // successful authentications
	LoginsBad  int64 // wrong credentials
	Timeouts   int64 // sessions that ended because the peer took too long
	Panics     int64 // in hooks and in the handler

	Accepted   int64 // messages accepted for one recipient at least
	Recipients int64 // recipients that messages were accepted for
	Octets     int64 // of the messages that were accepted
	NotTaken   int64 // messages that were refused, given up or cut off behind DATA or BDAT
}

// counter names what is counted.
type counter uint8

const (
	countSessions counter = iota
	countEnded
	countRefused
	countCommands
	countTemporary
	countPermanent
	countHandshakes
	countTLSFailed
	countLogins
	countLoginsBad
	countTimeouts
	countPanics
	countAccepted
	countRecipients
	countOctets
	countNotTaken
	numCounters
)

// tally is what a session has counted and not yet told the server.
type tally [numCounters]int64

// report adds what was counted to the server's counters. That is done once for a group
// of commands: sessions on different processors would get in each other's way.
func (s *session) report() {
	for i, n := range s.tally {
		if n != 0 {
			s.srv.counters[i].Add(n)
		}
	}
	s.tally = tally{}
}

// Stats returns the counters. It may be called at any time.
func (s *Server) Stats() ServerStats {
	var now tally
	// Behind the sessions that have ended those that have begun, so that Conns is never
	// negative.
	ended := s.counters[countEnded].Load()
	for i := range now {
		now[i] = s.counters[i].Load()
	}
	return ServerStats{
		Conns:    now[countSessions] - ended,
		Sessions: now[countSessions],
		Refused:  now[countRefused],

		Commands:   now[countCommands],
		Temporary:  now[countTemporary],
		Permanent:  now[countPermanent],
		Handshakes: now[countHandshakes],
		TLSFailed:  now[countTLSFailed],
		Logins:     now[countLogins],
		LoginsBad:  now[countLoginsBad],
		Timeouts:   now[countTimeouts],
		Panics:     now[countPanics],

		Accepted:   now[countAccepted],
		Recipients: now[countRecipients],
		Octets:     now[countOctets],
		NotTaken:   now[countNotTaken],
	}
}

// counters are the server's.
type counters [numCounters]atomic.Int64
