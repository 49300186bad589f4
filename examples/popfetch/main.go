// Command popfetch downloads a maildrop.
//
//	popfetch -addr pop.example.test:110 -user bob -maildir ~/Mail -keep
//
// With -delete each message is deleted from the server once it is durable in the
// Maildir; when the session is cut before its end, the server keeps all of them
// and the next run fetches them again: never is one lost. -discard reads
// the messages and throws them away, to measure or to test.
//
// The password may stand in the environment variable POP3_PASSWORD.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"

	"github.com/posthouse/posthouse/examples/internal/program"
	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/pop3"
)

// options are the flags.
type options struct {
	addr, mode, ca, user, password, maildir string
	discard, keep, remove, verbose          bool
}

func main() {
	var o options
	flag.StringVar(&o.addr, "addr", "localhost:110", "`address` of the server")
	flag.StringVar(&o.mode, "tls", "stls", "stls, implicit, opportunistic or off")
	flag.StringVar(&o.ca, "ca", "", "PEM `file` of certificates to trust instead of the system's")
	flag.StringVar(&o.user, "user", "", "user to log in as")
	flag.StringVar(&o.password, "password", os.Getenv("POP3_PASSWORD"), "the user's password")
	flag.StringVar(&o.maildir, "maildir", "", "Maildir `folder` to deliver to; it is made when it is not there")
	flag.BoolVar(&o.discard, "discard", false, "throw the messages away")
	flag.BoolVar(&o.keep, "keep", false, "leave the messages on the server (the default)")
	flag.BoolVar(&o.remove, "delete", false, "delete the messages from the server once they are here")
	flag.BoolVar(&o.verbose, "v", false, "print the dialogue on standard error")
	flag.Parse()
	program.Main("popfetch", o.run)
}

func (o *options) run(ctx context.Context) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	deliver, closeMaildir, err := o.delivery()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeMaildir()) }()
	cfg, err := o.config()
	if err != nil {
		return err
	}
	s := session{options: o, deliver: deliver, here: map[string]bool{}}
	err = s.run(ctx, cfg)
	if errors.As(err, new(*pop3.PipelineError)) {
		// It may be that the server cannot do the pipelining that it offers.
		cfg.Window = 1
		err = s.run(ctx, cfg)
	}
	return err
}

func (o *options) check() error {
	switch {
	case o.user == "":
		return errors.New("-user is not given")
	case o.password == "":
		return errors.New("neither -password nor POP3_PASSWORD is given")
	case o.keep && o.remove:
		return errors.New("-keep and -delete exclude each other")
	case (o.maildir == "") != o.discard:
		return errors.New("give one of -maildir and -discard")
	case o.discard && o.remove:
		return errors.New("-discard with -delete would destroy the mail")
	}
	return nil
}

func (o *options) config() (*pop3.ClientConfig, error) {
	mode, tlsConfig, err := program.ClientTLS(o.mode, o.ca)
	if err != nil {
		return nil, err
	}
	cfg := &pop3.ClientConfig{TLS: mode, TLSConfig: tlsConfig, Auth: program.Credentials(mode, o.user, o.password)}
	if o.verbose {
		cfg.Transcript = os.Stderr
	}
	return cfg, nil
}

// delivery returns what is done with each message. A message that it took
// without error is durable.
func (o *options) delivery() (deliver func(context.Context, io.Reader) error, closeAll func() error, err error) {
	if o.discard {
		deliver = func(_ context.Context, r io.Reader) error {
			_, err := io.Copy(io.Discard, r)
			return err
		}
		return deliver, func() error { return nil }, nil
	}
	dir, err := maildir.Open(o.maildir)
	if err != nil {
		return nil, nil, err
	}
	_, _ = dir.CleanTmp(0) // what runs that died have left; what stays does no harm
	deliver = func(ctx context.Context, r io.Reader) error {
		_, err := dir.Deliver(ctx, r)
		return err
	}
	return deliver, dir.Close, nil
}
