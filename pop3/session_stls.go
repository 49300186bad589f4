package pop3

import (
	"context"
	"time"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// stls answers STLS (RFC 2595 section 4).
func (s *session) stls(_ context.Context, args []byte) reply {
	if err := (pop3wire.Bare{}).Parse(args); err != nil {
		return invalid(err)
	}
	switch {
	case s.conn.TLS() != nil:
		return refuse("command not permitted when TLS active")
	case s.unicode:
		// RFC 6856 section 2.1: no client that keeps to it comes here.
		return refuse("command not permitted after UTF8")
	case s.server.TLSConfig == nil:
		return refuse("TLS is not offered")
	}
	if !s.takeHandshake() {
		return reply{code: CodeSysTemp, text: "too many handshakes: try again later"}
	}
	return reply{ok: true, text: "begin TLS negotiation", next: upgrade}
}

// takeHandshake takes one of the places for handshakes, if there is one free now.
func (s *session) takeHandshake() bool {
	if s.server.handshakes == nil {
		return true
	}
	select {
	case s.server.handshakes <- struct{}{}:
		s.shaking = true
		return true
	default:
		return false
	}
}

// leaveHandshake gives back the place that the session has, if it has one.
func (s *session) leaveHandshake() {
	if s.shaking {
		s.shaking = false
		<-s.server.handshakes
	}
}

// handshake makes the handshake of a connection that begins with TLS, when there is
// a place for it.
func (s *session) handshake(ctx context.Context) error {
	if places := s.server.handshakes; places != nil {
		select {
		case places <- struct{}{}:
			s.shaking = true
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Until(s.loginBy())):
			return errBusy
		}
	}
	defer s.leaveHandshake()
	return s.conn.StartTLSServer(ctx, s.server.tls)
}

// startTLS negotiates TLS, now that the +OK is written.
//
// A client must say nothing between STLS and the handshake. If it did, somebody
// may have put words into its mouth: the connection ends, and no such word is
// ever taken for one that came through TLS. The +OK has gone out all the same,
// because an -ERR would look like a server without TLS, and invite a careless
// client to try again in cleartext.
func (s *session) startTLS(ctx context.Context) (more bool, err error) {
	defer s.leaveHandshake()
	if err := s.conn.Flush(); err != nil {
		return false, err
	}
	if err := s.conn.StartTLSServer(ctx, s.server.tls); err != nil {
		return false, err
	}
	// Still in AUTHORIZATION, with nothing kept from before.
	s.phase, s.newcomer.name, s.language = PhaseAuthorization, "", nil
	return true, nil
}
