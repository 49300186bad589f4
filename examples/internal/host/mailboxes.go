package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/posthouse/posthouse/message/maildir"
	"github.com/posthouse/posthouse/smtp"
)

var (
	errNoUser = &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user here"}

	// errUserGone is why a message is put off that one of its recipients is not there for
	// any more. When it comes again he is refused, and the others are not.
	errUserGone = errors.New("host: a user was removed when mail for him was on its way")
)

// mailboxes are the users' Maildirs and the addresses that lead to them.
type mailboxes struct {
	domain   string
	hostname string
	log      *slog.Logger
	accounts accounts
	aliases  map[string]string // local part of a user by local part in lower case
	root     *os.Root

	mu   sync.Mutex
	open map[string]*maildir.Dir // by user
}

func openMailboxes(cfg *Config, accounts accounts) (*mailboxes, error) {
	aliases := map[string]string{}
	for from, to := range cfg.Aliases {
		if _, ok := accounts.find(to); !ok {
			return nil, fmt.Errorf("host: alias %s leads to %s, who is no user", from, to)
		}
		aliases[strings.ToLower(from)] = to
	}
	if err := os.MkdirAll(cfg.Maildir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(cfg.Maildir)
	if err != nil {
		return nil, err
	}
	return &mailboxes{
		domain: cfg.Domain, hostname: cfg.Hostname, log: cfg.Log,
		accounts: accounts, aliases: aliases, root: root, open: map[string]*maildir.Dir{},
	}, nil
}

// local reports whether an address is in the domain of this host. The mailbox
// of an address without a domain can only be Postmaster's.
func (b *mailboxes) local(_ context.Context, a smtp.Address) bool {
	return a.Domain() == "" || a.InDomain(b.domain)
}

// recipient refuses recipients that this host does not know, and to promise a
// report that it could not deliver.
func (b *mailboxes) recipient(ctx context.Context, tx *smtp.Transaction, to smtp.Recipient) error {
	if !b.local(ctx, to.Address) {
		return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "this host does not forward mail"}
	}
	if _, ok := b.user(to.Address); !ok {
		return errNoUser
	}
	if to.Notify&smtp.NotifySuccess != 0 && !b.canReport(ctx, tx, to) {
		return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 0}, Text: "this host reports success to its own users only"}
	}
	return nil
}

// user returns whose mailbox an address of this domain is. Postmaster is always
// somebody's (RFC 5321 section 4.5.1): the first user's, unless an alias says
// otherwise.
func (b *mailboxes) user(a smtp.Address) (string, bool) {
	local := strings.ToLower(a.Local())
	if to, ok := b.aliases[local]; ok {
		local = to
	}
	if user, ok := b.accounts.find(local); ok || local != "postmaster" {
		return user, ok
	}
	names := b.accounts.names()
	if len(names) == 0 {
		return "", false
	}
	return names[0], true
}

// deliver writes the message into the Maildir of each recipient and returns
// when all of them are durable. Where the peer takes a result for each
// recipient, each has its own. Else, when one fails after others were done, the
// sender tries again and those have it twice: never is it lost.
func (b *mailboxes) deliver(ctx context.Context, tx *smtp.Transaction) error {
	users, gone := b.recipients(tx)
	if gone && !tx.PerRecipient {
		return errUserGone
	}
	results := map[string]error{"": errNoUser} // by user
	deliveries := map[string]*delivery{}
	defer func() {
		for _, d := range deliveries {
			_ = d.Abort() // does nothing to what was committed
		}
	}()
	var header headerOf
	writers := []io.Writer{io.Discard}
	for _, user := range users {
		if deliveries[user] != nil || results[user] != nil {
			continue
		}
		d, err := b.create(user)
		if err != nil {
			results[user] = err
			continue
		}
		deliveries[user] = d
		writers = append(writers, d)
	}
	all := io.MultiWriter(writers...)
	if _, err := all.Write(trace(tx)); err != nil {
		return err
	}
	if _, err := io.Copy(io.MultiWriter(all, &header), tx.Body); err != nil {
		return err
	}
	for user, d := range deliveries {
		if err := b.commit(ctx, d); err != nil {
			results[user] = err
		}
	}
	var reached []smtp.Recipient // who asked to be told so
	for i, to := range tx.Envelope.To {
		err := results[users[i]]
		tx.SetResult(i, err)
		if err == nil && to.Notify&smtp.NotifySuccess != 0 {
			reached = append(reached, to)
		}
	}
	if err := b.report(ctx, tx, reached, header.header()); err != nil {
		// The message is delivered all the same.
		b.log.ErrorContext(ctx, "report of success not delivered", "err", err)
	}
	return nil
}

// trace returns the fields that final delivery puts before a message: the
// Return-Path of RFC 5321 section 4.4 and a Received field.
func trace(tx *smtp.Transaction) []byte {
	return tx.AppendReceived(tx.AppendReturnPath(nil), time.Now())
}

// recipients returns whose mailbox each recipient is, and whether one is nobody's any more.
func (b *mailboxes) recipients(tx *smtp.Transaction) (users []string, gone bool) {
	users = make([]string, len(tx.Envelope.To))
	for i, to := range tx.Envelope.To {
		var ok bool
		users[i], ok = b.user(to.Address)
		gone = gone || !ok
	}
	return users, gone
}

// delivery is one to a user, under way.
type delivery struct {
	*maildir.Delivery
	user string
	dir  *maildir.Dir
}

// create begins a delivery to a user.
func (b *mailboxes) create(user string) (*delivery, error) {
	dir, err := b.dir(user)
	if err != nil {
		return nil, err
	}
	d, err := dir.Create()
	if err != nil {
		b.forget(user, dir)
		return nil, err
	}
	return &delivery{d, user, dir}, nil
}

// commit ends a delivery.
func (b *mailboxes) commit(ctx context.Context, d *delivery) error {
	_, err := d.Commit(ctx)
	if err != nil {
		b.forget(d.user, d.dir)
	}
	return err
}

// forget has a user's Maildir opened anew next time: one that met a failure of
// the disk refuses to promise anything more, and its folder may have been
// replaced. One that was opened anew since then stays open.
func (b *mailboxes) forget(user string, failed *maildir.Dir) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[user] == failed {
		delete(b.open, user)
		_ = failed.Close() // what failed is being reported already
	}
}

// dir returns a user's Maildir, which is made when it is not there. What a program
// that died has left in it is removed when it is opened.
func (b *mailboxes) dir(user string) (*maildir.Dir, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.open[user]; d != nil {
		return d, nil
	}
	d, err := maildir.OpenBeneath(b.root, user)
	if err != nil {
		return nil, err
	}
	b.open[user] = d
	if _, err := d.CleanTmp(0); err != nil {
		b.log.Error("old files not removed", "user", user, "err", err) // new ones can be written all the same
	}
	return d, nil
}

// Close releases the Maildirs.
func (b *mailboxes) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs := []error{b.root.Close()}
	for _, d := range b.open {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
