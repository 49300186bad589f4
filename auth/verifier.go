package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
)

// A PasswordVerifier knows whether a password is right.
//
// VerifyPassword returns nil if it is, [ErrCredentials] (or an error wrapping
// it) if it is not or if there is no such user, and any other error if that
// could not be found out: the client is then told to try again later, and the
// text of the error stays in the server's logs.
//
// User and password are not empty, are UTF-8 without NUL of at most 255
// octets, and are prepared by SASLprep. An implementation must be safe for
// concurrent use, should take as long for an unknown user as for a wrong
// password, and must heed ctx. That ends when the server is closed, and on a
// pop3.Server after its Timeout; that the client has gone does not end it.
type PasswordVerifier interface {
	VerifyPassword(ctx context.Context, user, password string) error
}

// PasswordFunc is a function that is a [PasswordVerifier].
type PasswordFunc func(ctx context.Context, user, password string) error

// VerifyPassword calls f.
func (f PasswordFunc) VerifyPassword(ctx context.Context, user, password string) error {
	return f(ctx, user, password)
}

// Passwords is a fixed table of users and their passwords: for tests and for
// services with a handful of accounts of their own. It must not be changed
// while it is in use. A user whose password is empty cannot log in.
type Passwords map[string]string

var (
	_ PasswordVerifier = PasswordFunc(nil)
	_ PasswordVerifier = Passwords(nil)
)

// VerifyPassword compares in constant time, and does the same work for an
// unknown user as for a known one.
func (p Passwords) VerifyPassword(_ context.Context, user, password string) error {
	want, known := p[user]
	if !known {
		want = password // compared for its cost; known stays false
	}
	want, err := prepare(want)
	// Digests have one length: how long the passwords are does not show.
	have, need := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
	equal := subtle.ConstantTimeCompare(have[:], need[:]) == 1
	if !equal || !known || err != nil || want == "" {
		return ErrCredentials
	}
	return nil
}
