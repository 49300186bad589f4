// Command mailhost is a small real mail host for one domain: MX, submission, LMTP,
// POP3.
//
//	mailhost -domain example.test -hostname mail.example.test -users users.txt -maildir mail \
//		-mx 127.0.0.1:0 -submission 127.0.0.1:0 -pop3 127.0.0.1:0
//
// The users file has a line "user:password" for each user, or a hash in place of the
// password, as package auth/usersfile reads and the command mailpasswd writes them; it
// is read again when it changes. A key is kept beside it, in USERS.salt, so that nobody
// can tell by a restart which users exist. Mail for user@domain arrives in
// DIR/user/{new,cur,tmp}. A user who has logged in to POP3 may, with -pop-before-smtp,
// send for a while from the same address without AUTH, as user@domain or an alias of
// his: for clients that cannot do better. When it listens it prints one line of JSON,
// {"mx":"host:port",...}, with "ca" naming the PEM file of the certificate that it made
// when none was given.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/posthouse/posthouse/examples/internal/host"
	"github.com/posthouse/posthouse/examples/internal/program"
)

// pairs is a flag from=to that may be given several times.
type pairs map[string]string

func (p pairs) String() string { return fmt.Sprint(map[string]string(p)) }

func (p pairs) Set(s string) error {
	from, to, ok := strings.Cut(s, "=")
	if !ok || from == "" || to == "" {
		return errors.New("want from=to")
	}
	p[from] = to
	return nil
}

func main() {
	cfg := host.Config{Aliases: pairs{}}
	flag.StringVar(&cfg.Domain, "domain", "example.test", "the `domain` that is final here")
	flag.StringVar(&cfg.Hostname, "hostname", "mail.example.test", "this host's `name`")
	flag.StringVar(&cfg.MX, "mx", "", "`address` for mail from anybody (port 25)")
	flag.StringVar(&cfg.Submission, "submission", "", "`address` for users' mail, with STARTTLS (port 587)")
	flag.StringVar(&cfg.Submissions, "submissions", "", "`address` for users' mail, with implicit TLS (port 465)")
	flag.StringVar(&cfg.LMTP, "lmtp", "", "`address` for mail from a queue on this machine, by LMTP")
	flag.StringVar(&cfg.POP3, "pop3", "", "`address` for fetching, with STLS (port 110)")
	flag.StringVar(&cfg.POP3S, "pop3s", "", "`address` for fetching, with implicit TLS (port 995)")
	flag.StringVar(&cfg.Maildir, "maildir", "mail", "`folder` of the users' Maildirs")
	flag.StringVar(&cfg.UsersFile, "users", "", "`file` of user:password lines, or hashes: see mailpasswd")
	flag.Var(pairs(cfg.Aliases), "alias", "`from=to`: mail for from@domain goes to user to (may be repeated)")
	cert := flag.String("cert", "", "PEM `file` of the certificate (default: one is made)")
	key := flag.String("key", "", "PEM `file` of its key")
	flag.DurationVar(&cfg.POPBeforeSMTP, "pop-before-smtp", 0, "open submission without AUTH for so long, at most 30m, after a POP3 login from the same address")
	flag.IntVar(&cfg.POPMessages, "pop-before-smtp-messages", 100, "`messages` that may be sent on one such login")
	flag.Int64Var(&cfg.MaxSize, "max-size", 10<<20, "largest message in `octets`")
	flag.BoolVar(&cfg.AllowPlaintext, "allow-plaintext", false, "take passwords without TLS")
	flag.BoolVar(&cfg.APOP, "apop", false, "offer APOP to POP3 clients that know nothing better")
	flag.BoolVar(&cfg.NoPlus, "no-plus", false, "do not offer SCRAM with channel binding: mutt of Debian 12 takes it and fails, if it is not told otherwise")
	flag.BoolVar(&cfg.CRAMMD5, "cram-md5", false, "offer CRAM-MD5 to clients that know nothing better")
	flag.BoolVar(&cfg.Tokens, "password-tokens", false, "offer OAUTHBEARER and XOAUTH2, and take the password for a token: to try clients")
	verbose := flag.Bool("v", false, "log every session on standard error")
	flag.Parse()
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	program.Main("mailhost", func(ctx context.Context) error {
		return run(ctx, cfg, *cert, *key)
	})
}

// longestWindow is how long an address is taken for the one who logged in from there.
const longestWindow = 30 * time.Minute

func run(ctx context.Context, cfg host.Config, certFile, keyFile string) error {
	switch {
	case cfg.UsersFile == "":
		return errors.New("-users is not given")
	case cfg.POPBeforeSMTP > longestWindow:
		return fmt.Errorf("-pop-before-smtp is more than %v", longestWindow)
	}
	tlsConfig, ca, err := program.ServerTLS(certFile, keyFile, cfg.Hostname, "localhost", "127.0.0.1", "::1")
	if err != nil {
		return err
	}
	cfg.TLS = tlsConfig
	h, err := host.Start(cfg)
	if err != nil {
		return err
	}
	ready := h.Addrs()
	if len(ready) == 0 {
		return errors.New("none of -mx, -submission, -submissions, -lmtp, -pop3 and -pop3s is given")
	}
	if ca != nil {
		remove, err := program.PublishCA(ca, ready)
		if err != nil {
			return err
		}
		defer remove()
	}
	if err := program.Ready(ready); err != nil {
		return err
	}
	select {
	case err = <-h.Failed():
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, h.Shutdown(drain))
}
