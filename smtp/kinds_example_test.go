package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// Delivery by LMTP: each recipient has an answer, and those who could not be reached now
// are tried again without the others.
func ExampleClientConfig_lmtp() {
	ln := smtptest.NewListener("localhost:24")
	srv := &smtp.Server{
		Hostname: "mail.example.org",
		Protocol: auth.LMTP,
		Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			if _, err := io.Copy(io.Discard, tx.Body); err != nil {
				return err
			}
			for i, to := range tx.Envelope.To {
				if to.Address.Local() == "bob" {
					tx.SetResult(i, &smtp.Error{Code: 452, Enhanced: smtp.EnhancedCode{4, 2, 2}, Text: "mailbox full"})
				}
			}
			return nil
		}),
	}
	go srv.Serve(ln)
	defer srv.Close()

	env, err := smtp.NewEnvelope("alice@example.net", "ann@example.org", "bob@example.org")
	if err != nil {
		log.Fatal(err)
	}
	cfg := &smtp.ClientConfig{Protocol: auth.LMTP, TLS: smtp.InsecureNoTLS, Dialer: ln} // or an address that is a path: "/run/lmtp"
	result, err := smtp.Send(context.Background(), "localhost:24", cfg, env, strings.NewReader("Subject: hello\r\n\r\nHello!\r\n"))
	fmt.Println(err)
	for _, r := range result.Recipients {
		fmt.Println(r.Recipient.Address, r.Outcome, r.Temporary)
	}
	// Output:
	// smtp: sent, but not to all recipients: 452 4.2.2 mailbox full
	// ann@example.org accepted false
	// bob@example.org refused true
}

// A server behind a proxy, which tells by the PROXY protocol for whom it speaks.
func ExampleServer_proxyFrom() {
	srv := &smtp.Server{
		Hostname:  "mx.example.org",
		ProxyFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, // of the proxies, and of nobody else
		Hooks: smtp.Hooks{
			Connect: func(_ context.Context, cs auth.ConnectionState) error {
				fmt.Println("a client from", cs.RemoteAddr)
				return nil
			},
		},
		Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(ln)
	defer srv.Close()

	proxy, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer proxy.Close()
	fmt.Fprintf(proxy, "PROXY TCP4 198.51.100.7 192.0.2.1 40000 25\r\nQUIT\r\n")
	if _, err := io.Copy(io.Discard, proxy); err != nil {
		log.Fatal(err)
	}
	// Output: a client from 198.51.100.7:40000
}

// What a message may ask for besides being delivered, from the one end of the wire to
// the other.
func ExampleEnvelope_extensions() {
	ln := smtptest.NewListener("smtp.example.org:587")
	srv := &smtp.Server{
		Hostname:   "smtp.example.org",
		Protocol:   auth.Submission,
		MayRelay:   func(context.Context, auth.ConnectionState) bool { return true },
		Offer:      smtp.Offers{Priority: true, MaxHold: 24 * time.Hour, RRVS: true},
		BinaryMIME: true,
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			e := &tx.Envelope
			fmt.Println("priority", e.Priority)
			fmt.Println("to be held for", e.HoldFor)
			fmt.Println("binary:", e.Body == smtp.BodyBinaryMIME)
			fmt.Println("only if it is the same person since", e.To[0].ValidSince.Year())
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	go srv.Serve(ln)
	defer srv.Close()

	env, err := smtp.NewEnvelope("alice@example.org", "bob@example.net")
	if err != nil {
		log.Fatal(err)
	}
	env.Priority, env.HasPriority = 3, true
	env.HoldFor = time.Hour
	env.Body = smtp.BodyBinaryMIME
	env.To[0].ValidSince = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	cfg := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Dialer: ln}
	text := "MIME-Version: 1.0\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x1a\n\x00"
	_, err = smtp.Send(context.Background(), "smtp.example.org:587", cfg, env, strings.NewReader(text))
	fmt.Println(err)

	// What the server does not list is not left out in silence.
	env.DeliverBy = smtp.DeliverBy{Time: time.Now().Add(2 * time.Hour), Mode: smtp.ByReturn}
	_, err = smtp.Send(context.Background(), "smtp.example.org:587", cfg, env, strings.NewReader(text))
	var missing *smtp.ExtensionError
	if errors.As(err, &missing) {
		fmt.Println("no", missing.Keyword)
	}
	// Output:
	// priority 3
	// to be held for 1h0m0s
	// binary: true
	// only if it is the same person since 2026
	// <nil>
	// no DELIVERBY
}

// A message that must not travel without TLS, neither here nor behind the next server
// (RFC 8689).
func ExampleEnvelope_requireTLS() {
	env, err := smtp.NewEnvelope("alice@example.org", "bob@example.net")
	if err != nil {
		log.Fatal(err)
	}
	env.RequireTLS = true
	_, err = smtp.Send(context.Background(), "mx.example.net:25", nil, env, strings.NewReader("Subject: secret\r\n\r\n...\r\n"))
	var missing *smtp.ExtensionError
	switch {
	case errors.Is(err, smtp.ErrRequireTLS), errors.As(err, &missing):
		log.Print("there is no such way to Bob: ", err)
	case err != nil:
		log.Print(err)
	}
}
