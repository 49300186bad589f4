package smtp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"strings"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// A newsletter through a provider that counts: no more than four connections, ten
// messages in a second, and whoever could not be reached is told apart.
func ExampleTransport() {
	tr := &smtp.Transport{
		Config:                 &smtp.ClientConfig{Auth: auth.Password("office", "secret")},
		MaxConnsPerDestination: 4,
		Rate:                   10,
	}
	newsletter := "From: office@example.org\r\nSubject: news\r\n\r\nNo news.\r\n"

	var all sync.WaitGroup
	for _, reader := range addresses("ann@example.net", "bob@example.net") {
		all.Go(func() {
			env := smtp.Envelope{From: addresses("office@example.org")[0].Address, To: []smtp.Recipient{reader}}
			_, err := tr.Send(context.Background(), "submission.example.org", env, strings.NewReader(newsletter))
			switch {
			case err == nil:
			case smtp.SafeToRetry(err):
				log.Print("again later: ", reader.Address)
			default:
				log.Print(reader.Address, ": ", err)
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := tr.Shutdown(ctx); err != nil {
		log.Print(err)
	}
}

// A hundred messages to a server on this machine go over one connection, for they
// come one after the other.
func ExampleTransport_Stats() {
	srv, dialer := exampleServer()
	defer srv.Close()
	tr := &smtp.Transport{Config: &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: dialer}}
	defer tr.Close()

	env := smtp.Envelope{From: addresses("office@example.org")[0].Address, To: addresses("bob@example.org")}
	for range 100 {
		if _, err := tr.Send(context.Background(), "mx.example.org:25", env, strings.NewReader("Subject: hello\r\n\r\nHello!\r\n")); err != nil {
			log.Fatal(err)
		}
	}
	stats := tr.Stats()
	fmt.Println(stats.Accepted, "accepted over", stats.Dialed, "connection")
	// Output:
	// 100 accepted over 1 connection
}

// exampleServer takes everything, and is reached by the dialer.
func exampleServer() (*smtp.Server, smtp.Dialer) {
	ln := smtptest.NewListener("mx.example.org:25")
	srv := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(context.Context, smtp.Address) bool { return true },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	go srv.Serve(ln)
	return srv, ln
}
