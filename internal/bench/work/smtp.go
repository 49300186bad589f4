package work

import (
	"time"

	"github.com/posthouse/posthouse/internal/bench/load"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/race"
)

// SMTP is what sessions at a time send to a server.
type SMTP struct {
	Sessions int
	Messages int          // of each session
	Groups   []load.Group // a message
	Deep     bool         // the groups end in an envelope
}

// N is the number of messages.
func (l *SMTP) N() int { return l.Sessions * l.Messages }

// Cost connects the sessions, and measures what their messages cost.
func (l *SMTP) Cost(s *peers.Server, secure bool) (race.Cost, error) {
	sessions := make([]*load.SMTP, l.Sessions)
	for i := range sessions {
		session, err := load.DialSMTP(s.Addr, secure)
		if err != nil {
			return race.Cost{}, err
		}
		defer session.Close()
		if l.Deep {
			if err := session.Send(load.Group{Octets: []byte(load.Envelope), Replies: 3}); err != nil {
				return race.Cost{}, err
			}
		}
		sessions[i] = session
	}
	return CostOf(s, float64(l.N()), time.Microsecond, func() error {
		return Together(l.Sessions, func(i int) error {
			for range l.Messages {
				if err := sessions[i].Send(l.Groups...); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
