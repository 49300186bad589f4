// Command send composes a message and submits it.
//
//	send -server mail.example.test:587 -user alice -from 'Alice <alice@example.test>' \
//		-to bob@example.test -subject 'The report' -text 'Here it is.' -attach report.pdf
//
// With -t it takes a finished message from standard input and its recipients from
// the fields To, Cc and Bcc, as sendmail(8) does; Bcc and Resent-Bcc fields are not
// sent.
//
// The password may stand in the environment variable SMTP_PASSWORD instead of the
// command line, where other users of the machine can read it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/smtp"
)

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return fmt.Sprint([]string(*l)) }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// options are the flags.
type options struct {
	server, mode, ca, user, password string
	from, subject, text, html        string
	to, cc, bcc, attach              list
	fromInput, verbose               bool
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "localhost:587", "`address` of the submission server")
	flag.StringVar(&o.mode, "tls", "starttls", "starttls, implicit, opportunistic or off")
	flag.StringVar(&o.ca, "ca", "", "PEM `file` of certificates to trust instead of the system's")
	flag.StringVar(&o.user, "user", "", "user to authenticate as")
	flag.StringVar(&o.password, "password", os.Getenv("SMTP_PASSWORD"), "the user's password")
	flag.StringVar(&o.from, "from", "", "author: `address` or Name <address>")
	flag.Var(&o.to, "to", "recipients (may be repeated)")
	flag.Var(&o.cc, "cc", "recipients of a copy (may be repeated)")
	flag.Var(&o.bcc, "bcc", "recipients that the others do not see (may be repeated)")
	flag.StringVar(&o.subject, "subject", "", "subject")
	flag.StringVar(&o.text, "text", "", "body as plain text")
	flag.StringVar(&o.html, "html", "", "body as HTML")
	flag.Var(&o.attach, "attach", "`file` to attach (may be repeated)")
	flag.BoolVar(&o.fromInput, "t", false, "send the message on standard input to the recipients that it names")
	flag.BoolVar(&o.verbose, "v", false, "print the dialogue on standard error")
	flag.Parse()
	o.attach = append(o.attach, flag.Args()...) // -attach a b c
	program.Main("send", o.run)
}

func (o *options) run(ctx context.Context) error {
	if o.user != "" && o.password == "" {
		return errors.New("-user without -password or SMTP_PASSWORD")
	}
	mode, tlsConfig, err := program.ClientTLS(o.mode, o.ca)
	if err != nil {
		return err
	}
	letter, err := o.letter()
	if err != nil {
		return err
	}
	defer letter.body.Close()
	cfg := &smtp.ClientConfig{TLS: mode, TLSConfig: tlsConfig, Auth: program.Credentials(mode, o.user, o.password)}
	// A message that others have finished is sent as they made it.
	cfg.NormalizeLineEnds, cfg.AllowLongLines = o.fromInput, o.fromInput
	if o.verbose {
		cfg.Transcript = os.Stderr
	}
	result, err := smtp.Send(ctx, o.server, cfg, letter.envelope, letter.body)
	if result != nil {
		for _, r := range result.Recipients {
			if r.Outcome != smtp.Accepted {
				fmt.Fprintf(os.Stderr, "send: <%s>: %v: %v\n", r.Recipient.Address, r.Outcome, r.Err)
			}
		}
	}
	return err
}

// letter is what is to be sent, and to whom.
type letter struct {
	envelope smtp.Envelope
	body     io.ReadCloser
}

// envelope makes the envelope of a sender and recipients.
func envelope(from string, to []string) (smtp.Envelope, error) {
	if len(to) == 0 {
		return smtp.Envelope{}, errors.New("no recipients")
	}
	return smtp.NewEnvelope(from, to...)
}

func (o *options) letter() (*letter, error) {
	if o.fromInput {
		return o.finished(os.Stdin)
	}
	return o.compose()
}
