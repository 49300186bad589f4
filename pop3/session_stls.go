package pop3

import (
	"context"

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
	return reply{ok: true, text: "begin TLS negotiation", next: upgrade}
}

// startTLS negotiates TLS, now that the +OK is written.
//
// A client must say nothing between STLS and the handshake. If it did, somebody
// may have put words into its mouth: the connection ends, and no such word is
// ever taken for one that came through TLS. The +OK has gone out all the same,
// because an -ERR would look like a server without TLS, and invite a careless
// client to try again in cleartext.
func (s *session) startTLS(ctx context.Context) (more bool, err error) {
	if err := s.conn.Flush(); err != nil {
		return false, err
	}
	if err := s.conn.StartTLSServer(ctx, s.server.tls, s.server.handshakes); err != nil {
		return false, err
	}
	// Still in AUTHORIZATION, with nothing kept from before.
	s.phase, s.newcomer.name, s.language = PhaseAuthorization, "", nil
	return true, nil
}
