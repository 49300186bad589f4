package pop3

import (
	"context"
	"crypto/rand"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// apop answers APOP (RFC 1939 section 7).
func (s *session) apop(ctx context.Context, args []byte) reply {
	if !s.server.offersAPOP() {
		return absent("APOP is not offered")
	}
	var c pop3wire.Apop
	if err := c.Parse(args); err != nil {
		return invalid(err)
	}
	limited, cancel := s.within(ctx)
	defer cancel()
	id, err := s.server.Auth.Apop(limited, s.ConnectionState(), s.newcomer.timestamp, c.Name, c.Digest)
	if err != nil {
		return s.refuseLogin(err)
	}
	return s.login(limited, id)
}

func (s *Server) offersAPOP() bool { return s.InsecureAPOP && s.Auth.Secrets != nil }

// newTimestamp returns a msg-id that no greeting has had before: RFC 1939 section 7
// has a digest prove what is fresh. It is a plain one, since some clients take
// no other.
func (s *session) newTimestamp() string {
	unique := "<" + s.track.ID + "." + rand.Text() + "@"
	if stamp := unique + s.server.Hostname + ">"; pop3wire.ValidTimestamp(stamp) {
		return stamp
	}
	return unique + "localhost>"
}
