package popbefore

import (
	"errors"
	"net/netip"
	"time"

	"github.com/posthouse/posthouse/auth"
)

// Grant is the leave to send that a login has given to an address.
type Grant struct {
	ID       string        // names it in the log: random, and no secret
	Net      netip.Prefix  // whose: one address, or a /64 of IPv6; of IPv4 in its four octets
	Identity auth.Identity // who logged in
	Session  string        // the ID of the POP3 session that did so
	Start    time.Time     // when, for the record: no decision depends on it

	Messages   int // that may still be sent on it
	Recipients int // that these may still have, all together
}

var (
	// ErrNoGrant says that a client has no grant, or none any more.
	ErrNoGrant = errors.New("popbefore: no grant")

	// ErrSender says that none of those who logged in may use the sender of a message.
	ErrSender = errors.New("popbefore: sender is not of the account that logged in")

	// ErrSpent says that as much has been sent on a grant as may be. A new login gives
	// a new one.
	ErrSpent = errors.New("popbefore: grant is used up")
)
