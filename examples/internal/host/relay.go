package host

import (
	"context"
	"errors"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/smtp"
)

// onGrant is the hook that has the last word on messages of clients that did not
// authenticate: each is counted, logged, and laid to the user whose login gave the
// grant.
func onGrant(grants *popbefore.Grants) func(context.Context, *smtp.Transaction) error {
	return func(ctx context.Context, tx *smtp.Transaction) error {
		if !tx.Conn.Identity.Anonymous() {
			return nil
		}
		_, err := grants.Relay(ctx, popbefore.Message{
			ID: tx.ID, Conn: tx.Conn, From: tx.Envelope.From.String(), Recipients: len(tx.Envelope.To),
		})
		switch {
		case errors.Is(err, popbefore.ErrSender):
			return smtp.Reject("this sender is not of the account that fetched mail")
		case errors.Is(err, popbefore.ErrNoGrant), errors.Is(err, popbefore.ErrSpent):
			return smtp.Defer("fetch your mail first")
		}
		return err
	}
}

// verifySender lets users of a grant send under their own addresses: user@domain
// and the aliases that lead to them.
func (b *mailboxes) verifySender(_ context.Context, id auth.Identity, from string) error {
	address, err := smtp.ParseAddress(from)
	if err != nil || !address.InDomain(b.domain) {
		return popbefore.ErrSender
	}
	if user, ok := b.user(address); !ok || user != id.Name {
		return popbefore.ErrSender
	}
	return nil
}
