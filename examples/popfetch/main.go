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
	"fmt"
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
	c, err := o.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	bar := newBar(list)
	nums := make([]int, len(list))
	for i, m := range list {
		nums[i] = m.Num
	}
	var here []int
	for m, failed := range c.Fetch(ctx, nums) {
		if failed == nil {
			failed = deliver(ctx, bar.reader(m))
		}
		if failed != nil {
			// The others are fetched all the same, and those that are here deleted:
			// else one bad message would bring all of them again in each run.
			err = errors.Join(err, fmt.Errorf("message %d: %w", m.Num, failed))
			continue
		}
		here = append(here, m.Num)
		bar.message()
	}
	bar.done()
	if o.remove && len(here) > 0 {
		err = errors.Join(err, c.Dele(ctx, here...))
	}
	return errors.Join(err, c.Quit(ctx))
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

func (o *options) dial(ctx context.Context) (*pop3.Client, error) {
	mode, tlsConfig, err := program.ClientTLS(o.mode, o.ca)
	if err != nil {
		return nil, err
	}
	cfg := &pop3.ClientConfig{TLS: mode, TLSConfig: tlsConfig, Auth: program.Credentials(mode, o.user, o.password)}
	if o.verbose {
		cfg.Transcript = os.Stderr
	}
	return pop3.Dial(ctx, o.addr, cfg)
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
	deliver = func(ctx context.Context, r io.Reader) error {
		_, err := dir.Deliver(ctx, r)
		return err
	}
	return deliver, dir.Close, nil
}
