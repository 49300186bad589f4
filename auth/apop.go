package auth

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"fmt"
)

// mechApop is no SASL mechanism: the command APOP of POP3.
const mechApop = "APOP"

// Apop verifies the digest of the command APOP (RFC 1939 section 7): the MD5 of the
// timestamp that the server sent in its greeting, its angle brackets included, and
// the secret.
//
// Its errors are [ErrMechanism] if there are no Secrets, [ErrAuthenticated],
// [ErrCredentials] or an error that wraps it, and any other error for what should
// be temporary. It does the same work for an unknown user as for a known one.
func (s *Server) Apop(ctx context.Context, cs ConnectionState, timestamp, user string, digest [md5.Size]byte) (*Identity, error) {
	switch {
	case s == nil || s.Secrets == nil:
		return nil, ErrMechanism
	case cs.Identity != nil:
		return nil, ErrAuthenticated
	}
	x := &Exchange{server: s, state: cs, mechanism: mechApop}
	var id *Identity
	err := x.apop(ctx, timestamp, user, digest)
	if err == nil {
		id = &Identity{User: x.user, Name: x.user, Mechanism: mechApop}
	}
	x.decided(ctx, id, err)
	return id, err
}

func (x *Exchange) apop(ctx context.Context, timestamp, user string, digest [md5.Size]byte) error {
	if reason := (claim{user: user, password: "-"}).flaw(); reason != "" {
		return fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	x.user = user
	// RFC 6856 section 2.2: what is not ASCII is prepared, on both sides.
	name, err := prepare(user)
	if err != nil || name == "" {
		return fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	if err := x.hold(ctx, name); err != nil {
		return err
	}
	secret, known, err := x.server.secret(ctx, name)
	if err != nil {
		return err
	}
	want := md5.Sum([]byte(timestamp + secret))
	equal := subtle.ConstantTimeCompare(want[:], digest[:]) == 1
	if !equal || !known {
		return ErrCredentials
	}
	return nil
}
