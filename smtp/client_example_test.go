package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// addresses parses what an example is sure of.
func addresses(texts ...string) (to []smtp.Recipient) {
	for _, text := range texts {
		a, err := smtp.ParseAddress(text)
		if err != nil {
			log.Fatal(err)
		}
		to = append(to, smtp.Recipient{Address: a})
	}
	return to
}

// pickyServer is a server that knows the mailbox bob and no other, for examples to
// connect to.
func pickyServer() (client net.Conn, stop func()) {
	srv := &smtp.Server{
		Hostname: "mx.example.org",
		Local:    func(_ context.Context, to smtp.Address) bool { return to.InDomain("example.org") },
		Hooks: smtp.Hooks{Recipient: func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
			if to.Address.Local() != "bob" {
				return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such mailbox"}
			}
			return nil
		}},
		Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, err := io.Copy(io.Discard, tx.Body)
			return err
		}),
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(ln)
	client, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	return client, func() { srv.Close() }
}

// Domains beyond ASCII go in A-labels to servers that know no others.
// golang.org/x/net/idna.Lookup.ToASCII knows all of them.
func ExampleClientConfig_toASCII() {
	labels := map[string]string{"grün.example": "xn--grn-hoa.example"}
	cfg := &smtp.ClientConfig{ToASCII: func(domain string) (string, error) {
		if label, ok := labels[domain]; ok {
			return label, nil
		}
		return "", fmt.Errorf("no label for %q", domain)
	}}
	fmt.Println(cfg.ToASCII("grün.example"))
	// Output: xn--grn-hoa.example <nil>
}

// A proxy tells the server behind it, which has to trust it, whom it speaks for. One answer
// is for all recipients, so none has the message if one is refused.
func ExampleClientConfig_onBehalfOf() {
	forward := func(ctx context.Context, tx *smtp.Transaction) error {
		cfg := &smtp.ClientConfig{OnBehalfOf: &tx.Conn, RequireAllRecipients: true}
		_, err := smtp.Send(ctx, "mx.internal.example.org:25", cfg, tx.Envelope, tx.Body)
		return err
	}
	srv := &smtp.Server{Hostname: "proxy.example.org", Handler: smtp.HandlerFunc(forward)}
	defer srv.Close()
}

// Submission of one message to one's provider: STARTTLS, the certificate verified,
// then the password.
func ExampleSend() {
	env, err := smtp.NewEnvelope("alice@example.org", "bob@example.net", "carol@example.net")
	if err != nil {
		log.Fatal(err)
	}
	message := "From: <alice@example.org>\r\nTo: <bob@example.net>, <carol@example.net>\r\nSubject: lunch\r\n\r\nAt noon?\r\n"

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cfg := &smtp.ClientConfig{Auth: auth.Password("alice", os.Getenv("SMTP_PASSWORD"))}
	_, err = smtp.Send(ctx, "smtp.example.org:587", cfg, env, strings.NewReader(message))
	switch {
	case err == nil:
	case smtp.SafeToRetry(err):
		log.Printf("nobody has it, trying again later: %v", err)
	default:
		log.Printf("not sent as it is: %v", err)
	}
}

// What became of each recipient. The connection could send more.
func ExampleClient_Send() {
	nc, stop := pickyServer()
	defer stop()
	ctx := context.Background()
	c, err := smtp.NewClient(ctx, nc, "mx.example.org", &smtp.ClientConfig{TLS: smtp.InsecureNoTLS})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	env := smtp.Envelope{To: addresses("bob@example.org", "eve@example.org", "mallory@example.net")}
	result, err := c.Send(ctx, env, strings.NewReader("Subject: hello\r\n\r\nHello!\r\n"))
	fmt.Println(result.Outcome, result.Reply.Code)
	for _, r := range result.Recipients {
		fmt.Println(r.Recipient.Address, r.Outcome, r.Temporary)
	}
	var reply *smtp.Error
	if errors.As(err, &reply) {
		fmt.Println(reply.Code, reply.Enhanced, reply.Text)
	}
	fmt.Println(smtp.SafeToRetry(err))
	if err := c.Quit(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// accepted 250
	// bob@example.org accepted false
	// eve@example.org refused false
	// mallory@example.net refused false
	// 550 5.1.1 no such mailbox
	// false
}

// A client that sends to all recipients or to none.
func ExampleClientConfig_requireAllRecipients() {
	nc, stop := pickyServer()
	defer stop()
	ctx := context.Background()
	c, err := smtp.NewClient(ctx, nc, "mx.example.org", &smtp.ClientConfig{
		TLS: smtp.InsecureNoTLS, RequireAllRecipients: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	_, err = c.Send(ctx, smtp.Envelope{To: addresses("bob@example.org", "eve@example.org")}, strings.NewReader("Hello!\r\n"))
	fmt.Println(err)
	// Output:
	// smtp: not sent: RCPT: 550 5.1.1 no such mailbox
}

// What a server offers.
func ExampleDial() {
	ctx := context.Background()
	c, err := smtp.Dial(ctx, "mx.example.org:25", &smtp.ClientConfig{
		TLS:        smtp.InsecureOpportunisticTLS, // as servers meet servers
		Transcript: os.Stderr,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if size, ok := c.Extension("SIZE"); ok {
		fmt.Println("takes messages of", size, "octets")
	}
	if err := c.Quit(ctx); err != nil {
		log.Print(err)
	}
}
