package popbefore

import (
	"context"
	"net/netip"
	"time"
)

// A Store keeps grants. [Memory] is the one that is used when nothing is said;
// one over a database or a cache lets servers on several machines share what
// was given on any of them. Its methods are called by many goroutines at once
// and must heed ctx. An error means that there is no grant: nobody sends because
// the store is down. The suite in package popbeforetest holds a store to the rules.
type Store interface {
	// Put keeps a grant for so long, counted by the store's own clock, in place of
	// the one that the same Identity.User has at the same Net.
	Put(ctx context.Context, g Grant, window time.Duration) error

	// List returns the grants of a net that have not ended, the newest first. None
	// is no error.
	List(ctx context.Context, net netip.Prefix) ([]Grant, error)

	// Spend takes one message with so many recipients off what is left of a grant.
	// Its errors are [ErrSpent] if less than that is left, and nothing is taken
	// then, and [ErrNoGrant] if there is no such grant or it has ended. That is one
	// step: of two messages at once the last one left goes to one.
	Spend(ctx context.Context, id string, recipients int) error

	// Revoke ends all grants with this Identity.User or Identity.Name. None is no
	// error.
	Revoke(ctx context.Context, user string) error

	// RevokeNet ends all grants whose Net overlaps with this one. None is no error.
	RevokeNet(ctx context.Context, net netip.Prefix) error
}
