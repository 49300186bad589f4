package auth

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"errors"
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
	name, err := s.apop(ctx, timestamp, user, digest)
	var id *Identity
	if err == nil {
		id = &Identity{User: name, Name: name, Mechanism: mechApop}
	}
	s.observe(ctx, Event{State: cs, Mechanism: mechApop, User: name, Identity: id, Err: err})
	return id, err
}

// apop returns the user's name, prepared if it could be.
func (s *Server) apop(ctx context.Context, timestamp, user string, digest [md5.Size]byte) (string, error) {
	if reason := (claim{user: user, password: "-"}).flaw(); reason != "" {
		return "", fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	// RFC 6856 section 2.2: what is not ASCII is prepared, on both sides.
	name, err := prepare(user)
	if err != nil || name == "" {
		return user, fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	secret, unknown := s.Secrets.Secret(ctx, name)
	if unknown != nil && !errors.Is(unknown, ErrCredentials) {
		return name, unknown
	}
	secret, unfit := prepare(secret)
	want := md5.Sum([]byte(timestamp + secret))
	equal := subtle.ConstantTimeCompare(want[:], digest[:]) == 1
	if !equal || unknown != nil || unfit != nil || secret == "" {
		return name, ErrCredentials
	}
	return name, nil
}
