package smtp_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// A mail exchanger for one domain. It relays for nobody.
func ExampleServer() {
	srv := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			f, err := os.CreateTemp("/var/spool/example", "mail")
			if err != nil {
				return err // the peer is told to try again later, and not why
			}
			defer f.Close()
			if _, err := f.Write(tx.AppendReceived(nil, time.Now())); err != nil {
				return err
			}
			if _, err := io.Copy(f, tx.Body); err != nil {
				return err // also when the message did not come whole
			}
			return f.Sync()
		}),
		Log: slog.Default(), // which is told why a message was put off
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	drained := make(chan error, 1)
	context.AfterFunc(ctx, func() { drained <- srv.Shutdown(context.Background()) })
	if err := srv.ListenAndServe(); !errors.Is(err, smtp.ErrServerClosed) {
		log.Fatal(err)
	}
	<-drained // ListenAndServe returns at once; messages under way go on until here
}

// A submission server: who has authenticated, by TLS alone, may send to anybody.
func ExampleServer_submission() {
	cert, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	srv := &smtp.Server{
		Hostname:  "smtp.example.org",
		Protocol:  auth.Submission,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		Auth:      &auth.Server{Passwords: auth.Passwords{"alice": "correct horse battery staple"}},
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			log.Printf("%s sends to %d recipients", tx.Conn.Identity.Name, len(tx.Envelope.To))
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	log.Fatal(srv.ListenAndServeTLS())
}

// Hooks refuse before a message arrives. An Error goes to the peer as it is.
func ExampleHooks() {
	mailboxes := map[string]bool{"alice": true, "postmaster": true}
	srv := &smtp.Server{
		Local: func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Hooks: smtp.Hooks{
			Recipient: func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
				if !mailboxes[to.Address.Local()] {
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such mailbox"}
				}
				return nil
			},
		},
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	log.Fatal(srv.ListenAndServe())
}

// A handler that stores a copy for each recipient, for a server that speaks LMTP.
func ExampleTransaction_SetResult() {
	deliver := func(ctx context.Context, to smtp.Recipient, message []byte) error { return nil }
	srv := &smtp.Server{
		Addr:     "127.0.0.1:2424",
		Hostname: "mx.example.org",
		Protocol: auth.LMTP,
		Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Handler: smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			message, err := io.ReadAll(tx.Body)
			if err != nil {
				return err
			}
			for i, to := range tx.Envelope.To {
				tx.SetResult(i, deliver(ctx, to, message))
			}
			return nil
		}),
	}
	if err := srv.ListenAndServe(); err != nil {
		log.Fatal(err)
	}
}

// Hooks that refuse and put off, and that hand on what they have learned.
func ExampleHooks_value() {
	listed := func(cs auth.ConnectionState) bool { return false }
	srv := &smtp.Server{
		Hooks: smtp.Hooks{
			Connect: func(_ context.Context, cs auth.ConnectionState) error {
				if listed(cs) {
					return smtp.Reject("your address is listed")
				}
				return nil
			},
			Mail: func(_ context.Context, tx *smtp.Transaction) error {
				tx.Value = time.Now() // for the hooks that follow, and the handler
				return nil
			},
			Data: func(_ context.Context, tx *smtp.Transaction) error {
				if len(tx.Envelope.To) > 50 {
					return smtp.Defer("too many recipients for now")
				}
				return nil
			},
		},
	}
	_ = srv // with a Handler, ready to serve
}

// A server that counts slow commands; examples/prometheus has more.
func ExampleServerTrace() {
	var slow atomic.Int64
	srv := &smtp.Server{
		Trace: &smtp.ServerTrace{
			Command: func(_ auth.ConnectionState, verb string, _ int, took time.Duration) {
				if took > time.Second {
					slow.Add(1)
				}
			},
		},
	}
	_ = srv // with a Handler, ready to serve
}
