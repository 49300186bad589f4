// Command popfetch downloads a maildrop.
//
//	popfetch -addr pop.example.test:110 -user bob -maildir ~/Mail -keep
//
// It remembers in the Maildir what it has fetched, and the next run fetches what is new;
// messages of a server without unique-ids are fetched each time. With -delete each message
// is deleted from the server once it is durable in the Maildir. However a session ends,
// none is lost; a crash may bring one twice. -discard reads the messages and throws them
// away, to measure or to test.
//
// The password may stand in the environment variable POP3_PASSWORD.
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"maps"
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
	cfg, err := o.config()
	if err != nil {
		return err
	}
	s := session{options: o, deliver: discard}
	var note note
	if !o.discard {
		dir, err := maildir.Open(o.maildir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, dir.Close()) }()
		_, _ = dir.CleanTmp(0) // what runs that died have left; what stays does no harm
		s.deliver = deliverTo(dir)
		note = o.note(dir)
	}
	if s.here, err = note.load(); err != nil {
		return err
	}
	err = s.run(ctx, cfg)
	if errors.As(err, new(*pop3.PipelineError)) {
		// It may be that the server cannot do the pipelining that it offers, and has put
		// a message into another.
		cfg.Window = 1
		maps.DeleteFunc(s.here, func(_ string, m fetched) bool { return !m.exact })
		err = s.run(ctx, cfg)
	}
	return errors.Join(err, note.save(ctx, s.here))
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

// deliverTo returns what is done with each message. One that it took without error is
// durable.
func deliverTo(dir *maildir.Dir) func(context.Context, io.Reader) error {
	return func(ctx context.Context, r io.Reader) error {
		_, err := dir.Deliver(ctx, r)
		return err
	}
}

// discard takes a message and throws it away.
func discard(_ context.Context, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
