package smtp_test

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/message"
	"github.com/posthouse/posthouse/smtp"
)

// A message is composed, with a file, and submitted by TLS from the start to a server that
// has to prove that it knows the password too: nothing but SCRAM is used. What has to be
// asked of the server for the message's sake (its size, 8BITMIME, SMTPUTF8) is found out
// before anything is said.
func ExampleSend_composed() {
	draft := &message.Draft{
		From:        []message.Mailbox{{Name: "Alice", Addr: "alice@example.org"}},
		To:          []message.Mailbox{{Name: "Jürgen", Addr: "juergen@example.net"}},
		Bcc:         []message.Mailbox{{Addr: "carol@example.net"}}, // in the envelope alone
		Subject:     "Fahrplan für März",
		Text:        "Siehe Anlage.\n",
		Attachments: []message.Attachment{message.FromFile("Fahrplan.pdf")},
	}
	body, err := draft.Reader()
	if err != nil {
		log.Fatal(err) // an address that is none, a line end in the subject
	}
	defer body.Close()
	env, err := smtp.NewEnvelope(draft.From[0].Addr, draft.Recipients()...)
	if err != nil {
		log.Fatal(err)
	}

	cfg := &smtp.ClientConfig{
		TLS: smtp.ImplicitTLS,
		Auth: &auth.PasswordCredentials{
			User: "alice", Password: os.Getenv("SMTP_PASSWORD"),
			Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"},
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, err := smtp.Send(ctx, "smtp.example.org", cfg, env, body) // port 465
	for _, r := range result.Recipients {
		log.Print(r.Recipient.Address, ": ", r.Outcome)
	}
	if err != nil { // also when the file could not be read to its end: nobody has it then
		log.Print(err, "; to be tried again: ", smtp.SafeToRetry(err))
	}
}
