package popbefore

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
)

const (
	defaultWindow        = 15 * time.Minute
	defaultMaxMessages   = 100
	defaultMaxRecipients = 1000
)

// Grants remembers who logged in lately, and says who may send for it. The zero
// Grants is ready for use. Its fields must not be changed once it is used; its
// methods may be called by any number of goroutines.
type Grants struct {
	// Window is how long a grant lasts, counted from the login. Zero means 15
	// minutes. The longer, the likelier somebody else has the address by then.
	Window time.Duration

	// MaxMessages is how many messages may be sent on one grant, and MaxRecipients
	// how many recipients these may have together. A new login gives a new grant.
	// Zero means 100 and 1,000; negative: any number.
	MaxMessages, MaxRecipients int

	// InsecureAllowCleartext has logins without TLS give grants too: anybody who
	// listens to one can make more of them.
	InsecureAllowCleartext bool

	// WholeIPv6Net gives the grant of an IPv6 client to the /64 of its address, for
	// clients that change theirs by the hour (RFC 8981): that is everybody on the
	// same wire. Zero: to the exact address.
	WholeIPv6Net bool

	// Allow lists ranges whose addresses get grants although they are of a kind
	// that does not, as the office's private network.
	Allow []netip.Prefix

	// Deny lists ranges that never get any, in Allow or not: the addresses of
	// one's own proxies, of the web mail's machine, and of whatever else fetches
	// mail for many.
	Deny []netip.Prefix

	// VerifySender, if not nil, says whether a user may send with this reverse-path,
	// which is "" for the null one: nil if so, [ErrSender] or an error that wraps it if
	// not, and any other error if that could not be found out. Nil: with any.
	VerifySender func(ctx context.Context, id auth.Identity, from string) error

	// Store keeps the grants. Nil: a Memory of its own.
	Store Store

	// Log is told of each grant, and of each message that is sent on one, at Info, and
	// of a Store that fails at Error. Nil: nothing is logged.
	Log *slog.Logger

	own  Memory // serves if there is no Store
	once sync.Once
	log  *slog.Logger
}

// Observe is for auth.Server.Observe: a successful login over POP3 gives a
// grant to its address. Anything else is ignored.
func (g *Grants) Observe(ctx context.Context, e auth.Event) {
	if e.Err != nil || e.Identity.Anonymous() || e.State.Protocol != auth.POP3 {
		return
	}
	if e.State.TLS == nil && !g.InsecureAllowCleartext {
		return
	}
	net, ok := g.eligible(addrOf(e.State.RemoteAddr))
	if !ok {
		return
	}
	grant := Grant{
		ID: rand.Text(), Net: net, Identity: *e.Identity, Session: e.State.ID, Start: time.Now(),
		Messages: most(g.MaxMessages, defaultMaxMessages), Recipients: most(g.MaxRecipients, defaultMaxRecipients),
	}
	if err := g.store().Put(ctx, grant, g.window()); err != nil {
		g.logger().ErrorContext(ctx, "grant not stored", "conn", e.State.ID, "err", err)
		return
	}
	g.logger().InfoContext(ctx, "grant given", "conn", e.State.ID, "grant", grant.ID,
		"user", grant.Identity.User, "peer", grant.Net.String(), "window", g.window())
}

// MayRelay is for smtp.Server.MayRelay: it says yes to clients whose address
// has a grant. (That authenticated clients may relay needs no asking.) It is no
// more than a first look: [Grants.Relay] has the last word on each message.
func (g *Grants) MayRelay(ctx context.Context, cs auth.ConnectionState) bool {
	found, err := g.Lookup(ctx, cs)
	if err != nil {
		g.logger().ErrorContext(ctx, "grants not found out", "conn", cs.ID, "err", err)
	}
	return len(found) > 0
}

// Lookup returns the grants of the address of a client of SMTP or submission, the
// newest first: one for each user who logged in from there.
func (g *Grants) Lookup(ctx context.Context, cs auth.ConnectionState) ([]Grant, error) {
	if cs.Protocol != auth.SMTP && cs.Protocol != auth.Submission {
		return nil, nil
	}
	// Asked again, as a store that is shared may hold what other machines gave.
	net, ok := g.eligible(addrOf(cs.RemoteAddr))
	if !ok {
		return nil, nil
	}
	found, err := g.store().List(ctx, net)
	if err != nil {
		return nil, fmt.Errorf("popbefore: %w", err)
	}
	return found, nil
}

// Revoke takes back what a user's logins have given: call it when the password
// is changed or the account closed. Those of others stay, from the same address
// too. A login that was verified before, and is told to Observe after, gives one
// anew.
func (g *Grants) Revoke(ctx context.Context, user string) error {
	return g.revoked(g.store().Revoke(ctx, user))
}

// RevokeNet takes back all grants of an address or a range.
func (g *Grants) RevokeNet(ctx context.Context, net netip.Prefix) error {
	return g.revoked(g.store().RevokeNet(ctx, net))
}

func (g *Grants) revoked(err error) error {
	if err != nil {
		return fmt.Errorf("popbefore: %w", err)
	}
	return nil
}

func (g *Grants) store() Store {
	if g.Store == nil {
		return &g.own
	}
	return g.Store
}

func (g *Grants) window() time.Duration {
	if g.Window <= 0 {
		return defaultWindow
	}
	return g.Window
}

func (g *Grants) logger() *slog.Logger {
	g.once.Do(func() {
		if g.log = g.Log; g.log == nil {
			g.log = slog.New(slog.DiscardHandler)
		}
	})
	return g.log
}

// most returns the limit that n stands for.
func most(n, byDefault int) int {
	switch {
	case n == 0:
		return byDefault
	case n < 0:
		return math.MaxInt
	}
	return n
}
