package popbefore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/smtp"
)

// A login at the maildrop opens the relay. The verifier's server is told to
// the POP3 server, and grants.MayRelay to the SMTP server; what they do with
// them is shown here.
func ExampleGrants() {
	grants := new(popbefore.Grants)
	verifier := &auth.Server{
		Passwords: auth.Passwords{"tim": "tanstaaftanstaaf"},
		Observe:   grants.Observe,
	}
	ctx := context.Background()
	client := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 40000}

	sending := auth.ConnectionState{ID: "out-1", Protocol: auth.Submission, RemoteAddr: client}
	fmt.Println("before:", grants.MayRelay(ctx, sending))

	fetching := auth.ConnectionState{ID: "pop-1", Protocol: auth.POP3, RemoteAddr: client, TLS: &tls.ConnectionState{}}
	if _, err := verifier.Password(ctx, fetching, "tim", "tanstaaftanstaaf"); err != nil {
		fmt.Println(err)
		return
	}
	grant, err := grants.Relay(ctx, popbefore.Message{ID: "out-1.1", Conn: sending, From: "tim@example.org", Recipients: 2})
	fmt.Println("after:", err, "thanks to", grant.Identity.User, "in", grant.Session)

	_ = grants.Revoke(ctx, "tim")
	fmt.Println("password changed:", grants.MayRelay(ctx, sending))

	// Output:
	// before: false
	// after: <nil> thanks to tim in pop-1
	// password changed: false
}

// The whole joint between Grants and a submission server: MayRelay lets the client
// begin, and the hook before the message has the last word, counts, and leaves a
// line in the log that joins the message to the login.
func ExampleGrants_Relay() {
	grants := &popbefore.Grants{
		VerifySender: func(_ context.Context, id auth.Identity, from string) error {
			if !strings.EqualFold(from, id.Name+"@example.org") {
				return popbefore.ErrSender
			}
			return nil
		},
	}
	server := &smtp.Server{Protocol: auth.Submission, MayRelay: grants.MayRelay}
	server.Hooks.Data = func(ctx context.Context, tx *smtp.Transaction) error {
		if !tx.Conn.Identity.Anonymous() {
			return nil // authenticated: no grant is needed
		}
		_, err := grants.Relay(ctx, popbefore.Message{
			ID: tx.ID, Conn: tx.Conn, From: tx.Envelope.From.String(), Recipients: len(tx.Envelope.To),
		})
		switch {
		case errors.Is(err, popbefore.ErrSender):
			return smtp.Reject("this sender is not yours")
		case errors.Is(err, popbefore.ErrNoGrant), errors.Is(err, popbefore.ErrSpent):
			return smtp.Defer("fetch your mail first")
		}
		return err // an error of the store: 451
	}
}
