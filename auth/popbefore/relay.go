package popbefore

import (
	"context"
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/auth"
)

// Message is what has to be known of a message before it is sent on a grant.
type Message struct {
	ID         string               // of the transaction, for the log
	Conn       auth.ConnectionState // of the client
	From       string               // the reverse-path; "" is the null one
	Recipients int                  // those that somebody has to be trusted for
}

// Relay says whether a message is sent on a grant of the client, and takes it off
// what is left of that grant: of the newest one whose user may use the sender and
// that is not used up. It is asked once for each message that does not
// come from an authenticated client, when the envelope is complete and the message
// is about to be read: in smtp.Hooks.Data. What is revoked before that serves for
// nothing; a message that is broken off later has been counted.
//
// The grant that it returns names the user whom the message is laid to. Its errors
// are [ErrNoGrant], [ErrSender] and [ErrSpent], and any other one if that could not be
// found out.
func (g *Grants) Relay(ctx context.Context, m Message) (Grant, error) {
	grant, err := g.relay(ctx, m)
	if err != nil {
		g.logger().InfoContext(ctx, "not sent on a grant", "conn", m.Conn.ID, "message", m.ID, "err", err)
		return Grant{}, err
	}
	g.logger().InfoContext(ctx, "sent on a grant", "conn", m.Conn.ID, "message", m.ID, "grant", grant.ID,
		"user", grant.Identity.User, "peer", grant.Net.String(), "recipients", m.Recipients, "session", grant.Session)
	return grant, nil
}

func (g *Grants) relay(ctx context.Context, m Message) (Grant, error) {
	found, err := g.Lookup(ctx, m.Conn)
	if err != nil {
		return Grant{}, err
	}
	refusal := ErrNoGrant
	for _, grant := range found {
		err := g.verifySender(ctx, grant.Identity, m.From)
		if err == nil {
			err = g.store().Spend(ctx, grant.ID, m.Recipients)
		}
		switch {
		case err == nil:
			return grant, nil
		case errors.Is(err, ErrSpent):
			refusal = ErrSpent // a login would help
		case errors.Is(err, ErrSender) && refusal != ErrSpent:
			refusal = ErrSender
		case !errors.Is(err, ErrSender) && !errors.Is(err, ErrNoGrant):
			return Grant{}, fmt.Errorf("popbefore: %w", err)
		}
	}
	return Grant{}, refusal
}

func (g *Grants) verifySender(ctx context.Context, id auth.Identity, from string) error {
	if g.VerifySender == nil {
		return nil
	}
	return g.VerifySender(ctx, id, from)
}
