package smtp_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// A server offers what the program behind it keeps.
func ExampleOffers() {
	srv := &smtp.Server{
		Protocol: auth.Submission,
		Offer:    smtp.Offers{SMTPUTF8: true, DSN: true, MaxHold: 30 * 24 * time.Hour},
		Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			for _, to := range tx.Envelope.To {
				if to.Notify&smtp.NotifySuccess != 0 {
					fmt.Println("a report is wanted for", to.Address, "as", to.Original.Address())
				}
			}
			return nil
		}),
	}
	_ = srv
}

// A program adds a command and a parameter of its own.
func ExampleExtension() {
	srv := &smtp.Server{
		Extensions: []smtp.Extension{{
			Keyword:    "XTENANT",
			MailParams: []string{"XTENANT"},
			Commands: []smtp.Command{{
				Verb: "XUPTIME",
				Run: func(_ context.Context, cs auth.ConnectionState, _ *smtp.Transaction, args string) (smtp.Reply, error) {
					if cs.Identity == nil {
						return smtp.Reply{}, &smtp.Error{Code: 530, Enhanced: smtp.EnhancedCode{5, 7, 0}, Text: "authentication required"}
					}
					return smtp.Reply{Code: 250, Lines: []string{"up for a while"}}, nil
				},
			}},
		}},
		Hooks: smtp.Hooks{
			Mail: func(_ context.Context, tx *smtp.Transaction) error {
				for _, p := range tx.Envelope.Params {
					if p.Is("XTENANT") && p.Value != "acme" {
						return smtp.Reject("no such tenant")
					}
				}
				return nil
			},
		},
	}
	_ = srv
}

// Who delivers a message puts the trace fields before it.
func ExampleTransaction_AppendReturnPath() {
	from, _ := smtp.ParseAddress("alice@example.com")
	to, _ := smtp.ParseAddress("bob@example.org")
	tx := &smtp.Transaction{
		ID: "1.1", Conn: auth.ConnectionState{Hello: "mail.example.com"},
		Envelope: smtp.Envelope{From: from, To: []smtp.Recipient{{Address: to}}},
	}
	trace := tx.AppendReturnPath(nil)
	trace = tx.AppendReceived(trace, time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC))
	os.Stdout.Write(trace[:len("Return-Path: <alice@example.com>")])
	// Output: Return-Path: <alice@example.com>
}

// What is asked for travels in the envelope, to a server that offers it.
func ExampleEnvelope() {
	from, _ := smtp.ParseAddress("alice@example.com")
	to, _ := smtp.ParseAddress("bob+news@example.org")
	env := smtp.Envelope{
		From: from, ID: smtp.NewEnvelopeID("order 4711"), Return: smtp.ReturnHeaders,
		DeliverBy: smtp.DeliverBy{Time: time.Now().Add(2 * time.Hour), Mode: smtp.ByNotify},
		To: []smtp.Recipient{{
			Address: to, Notify: smtp.NotifyFailure | smtp.NotifyDelay, Original: smtp.NewOriginalRecipient(to),
		}},
	}
	fmt.Println(env.ID, env.To[0].Notify, env.To[0].Original)
	// Output: order+204711 FAILURE,DELAY rfc822;bob+2Bnews@example.org
}

// VRFY and EXPN tell what the program wants to be known, and to whom.
func ExampleMailbox() {
	bob, _ := smtp.ParseAddress("bob@example.org")
	srv := &smtp.Server{Hooks: smtp.Hooks{
		Verify: func(_ context.Context, cs auth.ConnectionState, text string) ([]smtp.Mailbox, error) {
			if cs.Identity == nil {
				return nil, nil // strangers are not told
			}
			return []smtp.Mailbox{{Name: "Bob Baker", Address: bob}}, nil
		},
	}}
	_ = srv
}
