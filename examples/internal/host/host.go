package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/maildrop"
	"github.com/posthouse/posthouse/smtp"
)

// Config says what a Host serves. Of the six addresses each may be empty: that
// service is then not offered. A port may be 0.
type Config struct {
	Domain   string // the one domain that is final here
	Hostname string // the name that the servers greet with

	MX          string // port 25: mail for Domain from anybody
	Submission  string // port 587: mail from users, with STARTTLS
	Submissions string // port 465: mail from users, TLS from the start
	LMTP        string // mail for Domain from a queue on this machine
	POP3        string // port 110, with STLS
	POP3S       string // port 995, TLS from the start

	Maildir   string            // folder of the users' Maildirs: Maildir/USER/{new,cur,tmp}
	Users     map[string]string // passwords by user
	UsersFile string            // a file in place of Users, as package usersfile has it
	Aliases   map[string]string // local part to user

	TLS            *tls.Config
	AllowPlaintext bool  // passwords without TLS
	APOP           bool  // POP3 offers APOP
	NoPlus         bool  // AUTH does not offer channel binding
	CRAMMD5        bool  // AUTH offers CRAM-MD5
	Tokens         bool  // AUTH offers OAUTHBEARER and XOAUTH2, with the password for a token: to try them
	MaxSize        int64 // octets of a message

	// POPBeforeSMTP opens submission without AUTH for this long to the address
	// of a user who has logged in to POP3. Zero keeps it closed.
	POPBeforeSMTP time.Duration
	POPMessages   int // that may be sent on one login; zero: 100

	Log        *slog.Logger                            // nil: discarded
	Transcript func(cs auth.ConnectionState) io.Writer // nil: none
}

// Host is a mail host that has been started.
type Host struct {
	addrs   map[string]string
	servers []server
	failed  chan error
	boxes   *mailboxes
	stop    context.CancelFunc // ends the watch over the users file
	watch   sync.WaitGroup
}

// server is what smtp.Server and pop3.Server have in common.
type server interface {
	Serve(ln net.Listener) error
	ServeTLS(ln net.Listener) error
	Shutdown(ctx context.Context) error
}

// Start listens on the addresses of cfg and serves.
func Start(cfg Config) (*Host, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	grants := &popbefore.Grants{
		Window: cfg.POPBeforeSMTP, MaxMessages: cfg.POPMessages,
		InsecureAllowCleartext: cfg.AllowPlaintext, Allow: loopbackOnly(cfg.POP3, cfg.POP3S), Log: cfg.Log,
	}
	accounts, err := openAccounts(&cfg, func(users []string) {
		for _, user := range users {
			_ = grants.Revoke(context.Background(), user) // in memory: there is no error
		}
	})
	if err != nil {
		return nil, err
	}
	boxes, err := openMailboxes(&cfg, accounts)
	if err != nil {
		return nil, err
	}
	grants.VerifySender = boxes.verifySender
	h := &Host{addrs: map[string]string{}, failed: make(chan error, 6), boxes: boxes}
	h.watchFile(accounts)
	users := &auth.Server{InsecureAllowCleartext: cfg.AllowPlaintext, InsecureCRAMMD5: cfg.CRAMMD5, Observe: grants.Observe}
	accounts.verify(users, cfg.Tokens)
	if cfg.NoPlus {
		users.Only = withoutPlus(users)
	}

	mx := cfg.smtpServer(auth.SMTP, boxes)
	submission := cfg.smtpServer(auth.Submission, boxes)
	lmtp := cfg.smtpServer(auth.LMTP, boxes)
	submission.Auth = users
	// The programs of users, and those on this machine, are of all ages, and some
	// give the lines of a message the ends that their system has. The MX stays strict.
	submission.AcceptBareLF, lmtp.AcceptBareLF = true, true
	submission.Offer.DSN = true // what arrives here is delivered or refused at once
	if cfg.POPBeforeSMTP > 0 {
		submission.MayRelay = grants.MayRelay
		submission.Hooks.Data = onGrant(grants)
	}
	pop := &pop3.Server{
		Hostname:     cfg.Hostname,
		TLSConfig:    cfg.TLS,
		Auth:         users,
		Store:        &maildrop.Maildir{Root: cfg.Maildir},
		InsecureAPOP: cfg.APOP,
		Policy:       pop3.Policy{Expire: pop3.ExpireNever},
		Log:          cfg.Log,
		Transcript:   cfg.Transcript,
	}
	h.servers = []server{mx, submission, lmtp, pop}
	for _, service := range []struct {
		name, addr string
		serve      func(net.Listener) error
	}{
		{"mx", cfg.MX, mx.Serve},
		{"submission", cfg.Submission, submission.Serve},
		{"submissions", cfg.Submissions, submission.ServeTLS},
		{"lmtp", cfg.LMTP, lmtp.Serve},
		{"pop3", cfg.POP3, pop.Serve},
		{"pop3s", cfg.POP3S, pop.ServeTLS},
	} {
		if err := h.listen(service.name, service.addr, service.serve); err != nil {
			return nil, errors.Join(err, h.Shutdown(context.Background()))
		}
	}
	return h, nil
}

// watchFile takes back the grants of users whose passwords change, also when nobody logs
// in.
func (h *Host) watchFile(accounts accounts) {
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	if accounts.file != nil {
		h.watch.Go(func() { accounts.file.Watch(ctx) })
	}
}

func (cfg *Config) smtpServer(protocol auth.Protocol, boxes *mailboxes) *smtp.Server {
	return &smtp.Server{
		Hostname:        cfg.Hostname,
		Protocol:        protocol,
		TLSConfig:       cfg.TLS,
		Local:           boxes.local,
		Hooks:           smtp.Hooks{Recipient: boxes.recipient},
		Offer:           smtp.Offers{SMTPUTF8: true, RequireTLS: true}, // all mail ends here
		Handler:         smtp.HandlerFunc(boxes.deliver),
		MaxMessageBytes: cfg.MaxSize,
		Log:             cfg.Log,
		Transcript:      cfg.Transcript,
	}
}

func (h *Host) listen(name, addr string, serve func(net.Listener) error) error {
	if addr == "" {
		return nil
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	h.addrs[name] = ln.Addr().String()
	go func() { h.failed <- serve(ln) }()
	return nil
}

// Addrs returns where the host listens, by service: mx, submission,
// submissions, lmtp, pop3, pop3s.
func (h *Host) Addrs() map[string]string { return h.addrs }

// Failed gives the errors of servers that stopped, one for each address.
func (h *Host) Failed() <-chan error { return h.failed }

// Shutdown sends idle sessions away, waits for busy ones until ctx ends, and
// cuts those that are left.
func (h *Host) Shutdown(ctx context.Context) error {
	var errs []error
	h.stop()
	h.watch.Wait()
	for _, s := range h.servers {
		errs = append(errs, s.Shutdown(ctx))
	}
	return errors.Join(append(errs, h.boxes.Close())...)
}

// loopbackOnly lists the loopback addresses for POP before SMTP if no POP3
// server can be reached from elsewhere: every client is on this machine then,
// as in a demonstration. Otherwise a login from this machine, a web mail
// program's for instance, must not open submission to all its other users.
func loopbackOnly(addrs ...string) []netip.Prefix {
	for _, addr := range addrs {
		if addr == "" {
			continue
		}
		ap, err := netip.ParseAddrPort(addr)
		if err != nil || !ap.Addr().IsLoopback() {
			return nil
		}
	}
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}
