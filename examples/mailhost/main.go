// Command mailhost is a small real mail host for one domain: MX, submission, LMTP, POP3.
//
//	mailhost -domain example.test -hostname mail.example.test -users users.txt -maildir mail \
//		-mx 127.0.0.1:0 -submission 127.0.0.1:0 -pop3 127.0.0.1:0
//
// The users file has a line "user:password" for each user; empty lines and lines
// that begin with # are passed over. Mail for user@domain arrives in
// DIR/user/{new,cur,tmp}. When it listens it prints one line of JSON,
// {"mx":"host:port",...}, with "ca" naming the PEM file of the certificate that it
// made when none was given.
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
	users := flag.String("users", "", "`file` of user:password lines")
	flag.Var(pairs(cfg.Aliases), "alias", "`from=to`: mail for from@domain goes to user to (may be repeated)")
	cert := flag.String("cert", "", "PEM `file` of the certificate (default: one is made)")
	key := flag.String("key", "", "PEM `file` of its key")
	flag.DurationVar(&cfg.POPBeforeSMTP, "pop-before-smtp", 0, "open submission without AUTH for so long after a POP3 login from the same address")
	flag.Int64Var(&cfg.MaxSize, "max-size", 10<<20, "largest message in `octets`")
	flag.BoolVar(&cfg.AllowPlaintext, "allow-plaintext", false, "take passwords without TLS")
	flag.BoolVar(&cfg.APOP, "apop", false, "offer APOP to POP3 clients that know nothing better")
	verbose := flag.Bool("v", false, "log every session on standard error")
	flag.Parse()
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	program.Main("mailhost", func(ctx context.Context) error {
		return run(ctx, cfg, *users, *cert, *key)
	})
}

func run(ctx context.Context, cfg host.Config, usersFile, certFile, keyFile string) (err error) {
	cfg.Users, err = readUsers(usersFile)
	if err != nil {
		return err
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

// readUsers reads lines of the form user:password.
func readUsers(file string) (map[string]string, error) {
	if file == "" {
		return nil, errors.New("-users is not given")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	users := map[string]string{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		user, password, ok := strings.Cut(line, ":")
		if !ok || user == "" || password == "" {
			return nil, fmt.Errorf("%s:%d: want user:password", file, n)
		}
		users[user] = password
	}
	return users, nil
}
