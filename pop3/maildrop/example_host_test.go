package maildrop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
	"github.com/posthouse/posthouse/pop3/pop3test"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// A mail host: what comes in by SMTP is fetched by POP3. Mail is accepted for the users
// there are, and acknowledged when it is on the disk.
func Example() {
	root, err := os.MkdirTemp("", "mail")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(root)
	users := auth.Passwords{"alice": "secret"}
	store := &maildrop.Maildir{Root: root}

	mx := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Hooks: smtp.Hooks{Recipient: func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
			if _, ok := users[to.Address.Local()]; !ok {
				return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such mailbox"}
			}
			return nil
		}},
		Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			text, err := io.ReadAll(tx.Body) // no more than MaxMessageBytes
			if err != nil {
				return err
			}
			trace := tx.AppendReceived(tx.AppendReturnPath(nil), time.Now())
			for _, to := range tx.Envelope.To {
				message := io.MultiReader(bytes.NewReader(trace), bytes.NewReader(text))
				if _, err := store.Deliver(ctx, to.Address.Local(), message); err != nil {
					return err // those before may have it twice then; nobody loses it
				}
			}
			return nil
		}),
	}
	pop := &pop3.Server{
		Auth:  &auth.Server{Passwords: users, InsecureAllowCleartext: true}, // or a TLSConfig
		Store: store,
	}
	in, out := smtptest.NewListener("mx.example.org:25"), pop3test.NewListener("pop.example.org:110")
	go mx.Serve(in)
	defer mx.Close()
	go pop.Serve(out)
	defer pop.Close()

	ctx := context.Background()
	env, err := smtp.NewEnvelope("bob@example.net", "alice@example.org", "nobody@example.org")
	if err != nil {
		log.Fatal(err)
	}
	sender := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: in}
	result, err := smtp.Send(ctx, "mx.example.org:25", sender, env, strings.NewReader("Subject: hello\r\n\r\nworld\r\n"))
	fmt.Println(result.Outcome, err)

	reader := &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: auth.InsecurePassword("alice", "secret"), Dialer: out}
	c, err := pop3.Dial(ctx, "pop.example.org:110", reader)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	body, err := c.Retr(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.HasPrefix(string(text), "Return-Path: <bob@example.net>\r\nReceived: from "), strings.HasSuffix(string(text), "Subject: hello\r\n\r\nworld\r\n"))
	if err := errors.Join(c.Dele(ctx, 1), c.Quit(ctx)); err != nil { // Quit says that it is deleted
		log.Fatal(err)
	}
	// Output:
	// accepted smtp: sent, but not to all recipients: 550 5.1.1 no such mailbox
	// true true
}
