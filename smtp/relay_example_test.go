package smtp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// A relay without a queue: the client is told what the next server says, and a message is
// in nobody's hands but theirs. It goes to all recipients or to none, so that a client that
// tries again sends no second copy. Over the Internet the next server is that of the
// recipient's domain, TLS is InsecureOpportunisticTLS, and a program that answers before
// it has sent needs a queue, and bounces: see the examples of message/report.
func ExampleTransport_relay() {
	mx := smtptest.NewListener("mx.example.org:25")
	next := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(_ context.Context, to smtp.Address) bool { return to.Local() == "bob" },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	go next.Serve(mx)
	defer next.Close()

	tr := &smtp.Transport{Config: &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: mx, RequireAllRecipients: true}}
	defer tr.Close()
	relay := &smtp.Server{
		Hostname: "relay.example.org",
		MayRelay: func(_ context.Context, cs auth.ConnectionState) bool { return true }, // of whom, is to be decided here
		Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			trace := tx.AppendReceived(nil, time.Now())
			_, err := tr.Send(ctx, "mx.example.org:25", tx.Envelope, io.MultiReader(bytes.NewReader(trace), tx.Body))
			return err // a refusal of the next server goes back as it is
		}),
	}
	ln := smtptest.NewListener("relay.example.org:25")
	go relay.Serve(ln)
	defer relay.Close()

	for _, to := range []string{"bob@example.org", "eve@example.org"} {
		env, err := smtp.NewEnvelope("alice@example.net", to)
		if err != nil {
			log.Fatal(err)
		}
		client := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: ln}
		_, err = smtp.Send(context.Background(), "relay.example.org:25", client, env, strings.NewReader("Subject: hello\r\n\r\nHello!\r\n"))
		fmt.Println(to, err)
	}
	// Output:
	// bob@example.org <nil>
	// eve@example.org smtp: not sent: end of data: 550 5.7.1 relaying denied
}
