package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/internal/ascii"
)

// Credentials are what a client shows to a server. An implementation must be
// safe for concurrent use: one value serves many connections.
type Credentials interface {
	// Client returns the client's side of the best of the offered mechanisms
	// that it can serve and that is safe on a connection in this state. Its
	// errors are [ErrCleartext], [ErrNoMechanism] or an error that wraps it, and
	// [ErrCredentials] or an error that wraps it for what cannot be shown at all.
	// Names of mechanisms are compared without regard to ASCII case. ctx is for
	// what has to be fetched, a token for example.
	//
	// The client that is returned may be a [Finisher] and a [Renewer].
	Client(ctx context.Context, cs ConnectionState, offered []string) (sasl.Client, error)
}

// UserPasser is implemented by Credentials that can also be shown by the
// commands USER and PASS, or APOP, of POP3, for servers that offer no SASL mechanism.
type UserPasser interface {
	// UserPassword returns [ErrCleartext] where the password must not be sent, and
	// [ErrNoMechanism] where it must not be sent so.
	UserPassword(cs ConnectionState) (user, password string, err error)
}

// Identifier is implemented by Credentials that know whom they stand for.
type Identifier interface {
	// Identity returns who the client is once the server has let it in. Mechanism
	// is empty.
	Identity() Identity
}

func noMechanism(offered []string) error {
	return fmt.Errorf("%w: offered %q", ErrNoMechanism, offered)
}

func offers(offered []string, mechanism string) bool {
	return slices.ContainsFunc(offered, func(o string) bool { return ascii.EqualFold(o, mechanism) })
}

// allows reports whether a mechanism is one of those that may be used; nil means all.
func allows(allowed []string, mechanism string) bool {
	return allowed == nil || offers(allowed, mechanism)
}
