package auth

import (
	"context"
	"errors"
)

// A SecretSource knows the secrets that users share with the server: for APOP, for
// CRAM-MD5 and, where there are no keys for it, for SCRAM, by which a client shows that it
// knows the secret without sending it. The server has to hold the secrets as they are, and
// who steals them can log in: a [PasswordVerifier] or a [SCRAMSource], which may hold no
// more than digests, is the better choice where there is TLS.
//
// Secret returns the user's secret, [ErrCredentials] (or an error wrapping it) if
// there is no such user or if the user may not log in so, and any other error if
// that could not be found out: the client is then told to try again later. The
// user is prepared as for a PasswordVerifier; the rules of concurrency, time and
// context are the same.
type SecretSource interface {
	Secret(ctx context.Context, user string) (string, error)
}

// SecretFunc is a function that is a [SecretSource].
type SecretFunc func(ctx context.Context, user string) (string, error)

// Secret calls f.
func (f SecretFunc) Secret(ctx context.Context, user string) (string, error) { return f(ctx, user) }

var (
	_ SecretSource = SecretFunc(nil)
	_ SecretSource = Passwords(nil)
)

// Secret returns the user's password.
func (p Passwords) Secret(_ context.Context, user string) (string, error) {
	if secret := p[user]; secret != "" {
		return secret, nil
	}
	return "", ErrCredentials
}

// noSecret is hashed in the place of a secret that there is not, which is as long as
// many: nobody logs in with it.
const noSecret = "no secret"

// secret returns the user's secret, prepared; or another, and that it is not known, if
// the user has none that anybody could log in with.
func (s *Server) secret(ctx context.Context, user string) (secret string, known bool, err error) {
	secret, err = s.Secrets.Secret(ctx, user)
	refusal := err
	if refusal == nil {
		refusal = ErrCredentials // looked into for its cost
	}
	if !errors.Is(refusal, ErrCredentials) {
		return "", false, err
	}
	if known = err == nil && secret != ""; !known {
		secret = noSecret
	}
	prepared, unfit := prepare(secret)
	if unfit != nil || prepared == "" {
		return noSecret, false, nil
	}
	return prepared, known, nil
}
