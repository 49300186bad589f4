package auth

import "errors"

var (
	// ErrCredentials says that the credentials are wrong: asking again with
	// the same ones is of no use. A [PasswordVerifier] returns it, or an error
	// that wraps it, for a wrong password as for an unknown user.
	ErrCredentials = errors.New("auth: credentials refused")

	// ErrCleartext says that a password was not asked for, or not sent, because
	// the connection is not protected by TLS.
	ErrCleartext = errors.New("auth: refused without TLS")

	// ErrMechanism says that a server does not offer the mechanism.
	ErrMechanism = errors.New("auth: mechanism not offered")

	// ErrNoMechanism says that none of the mechanisms a server offers will do.
	ErrNoMechanism = errors.New("auth: no mechanism in common")

	// ErrChannelBinding says that both ends are not of one TLS connection, or that
	// they do not agree on how that is told: somebody stands between them. A server
	// wraps [ErrCredentials] beside it.
	ErrChannelBinding = errors.New("auth: channel binding does not match")

	// ErrServer says, on a client, that the server has not shown that it knows the
	// password, or asks for what no honest server does: it may be another's.
	ErrServer = errors.New("auth: server not to be trusted")

	// ErrAuthenticated says that the connection has been authenticated already:
	// that can be done once (RFC 4954 section 4, RFC 5034 section 4).
	ErrAuthenticated = errors.New("auth: already authenticated")
)

// MalformedError says that a response of the client, or a challenge of the server,
// broke the rules of its encoding or of the mechanism. It is the peer's mistake, and
// no verdict on any credentials.
type MalformedError struct {
	Reason string // what is wrong, a constant text: never a part of the response
}

func (e *MalformedError) Error() string { return "auth: malformed response: " + e.Reason }

func malformed(reason string) error { return &MalformedError{Reason: reason} }
