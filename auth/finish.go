package auth

import (
	"context"
	"errors"

	"github.com/emersion/go-sasl"
)

// Finisher is implemented by a [sasl.Client] that has to judge how its exchange
// ended, as those of [Credentials] of this package do where it matters.
type Finisher interface {
	// Finish is told the outcome, nil for a success, and returns what it is worth: a
	// success is none before the server has proven what it has to, and a refusal
	// may have been explained. What was a success to the server and is none
	// here leaves a connection that must be closed.
	Finish(outcome error) error
}

// Renewer is implemented by a [sasl.Client] that may do better the next time.
type Renewer interface {
	// Renew returns the client of another exchange, to be tried on the same
	// connection after the server has refused what this one showed; nil if there
	// is nothing else to show.
	Renew(ctx context.Context) (sasl.Client, error)
}

// Finish calls the client's Finish, if it has one.
func Finish(client sasl.Client, outcome error) error {
	if f, ok := client.(Finisher); ok {
		return f.Finish(outcome)
	}
	return outcome
}

// Renew calls the client's Renew, if it has one and the outcome is that the
// credentials were refused.
func Renew(ctx context.Context, client sasl.Client, outcome error) (sasl.Client, error) {
	if r, ok := client.(Renewer); ok && errors.Is(outcome, ErrCredentials) {
		return r.Renew(ctx)
	}
	return nil, nil
}
