package pop3

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// login authenticates: by APOP if that is wanted and can be, else by the best
// SASL mechanism that server and credentials have in common. USER and PASS are
// for servers that offer none. After one way was refused, no weaker is tried.
func (c *Client) login(ctx context.Context) error {
	if err := c.enableUTF8(); err != nil {
		return err
	}
	cs := c.ConnectionState()
	userPasser, canUser := c.cfg.Auth.(auth.UserPasser)
	timestamp, canAPOP := pop3wire.Timestamp([]byte(c.greeting))
	var err error
	if c.cfg.InsecureAPOP && canAPOP && canUser {
		err = c.apop(userPasser, string(timestamp))
	} else {
		err = c.choose(ctx, cs, userPasser)
	}
	if err != nil {
		return err
	}
	if known, ok := c.cfg.Auth.(auth.Identifier); ok {
		id := known.Identity()
		c.identity.User, c.identity.Name = id.User, id.Name
	}
	return nil
}

// choose logs in by a SASL mechanism, or by USER and PASS if the credentials can
// do that and must.
func (c *Client) choose(ctx context.Context, cs auth.ConnectionState, userPasser auth.UserPasser) error {
	offered, offersSASL := c.caps.Params(pop3wire.TagSASL)
	mechanism, err := c.cfg.Auth.Client(ctx, cs, offered)
	switch {
	case err == nil:
		return c.tryTwice(ctx, mechanism, offersSASL)
	case userPasser != nil && errors.Is(err, auth.ErrNoMechanism) && (c.caps.Has(pop3wire.TagUser) || !offersSASL):
		user, password, refused := userPasser.UserPassword(cs)
		if refused == nil {
			return c.userPass(user, password)
		}
		if !errors.Is(refused, auth.ErrNoMechanism) { // err says which there are
			err = refused
		}
	}
	return loginError(err)
}

// loginError is an error of the credentials themselves, and no word of the server.
func loginError(err error) error { return fmt.Errorf("pop3: login: %w", err) }

// tryTwice authenticates, and does it again if the server has refused what was shown
// and there is something newer to show.
func (c *Client) tryTwice(ctx context.Context, mechanism sasl.Client, offered bool) error {
	err := c.authenticate(mechanism, offered)
	again, failed := auth.Renew(ctx, mechanism, err)
	switch {
	case failed != nil:
		return loginError(failed)
	case again != nil:
		return c.authenticate(again, offered)
	}
	return err
}

// userPass logs in by the commands of RFC 1939 section 7.
func (c *Client) userPass(user, password string) error {
	// RFC 6856 section 2.2: no UTF-8 for a server that does not ask for it.
	if _, takesUTF8 := c.caps.UTF8(); !takesUTF8 && !(isASCII(user) && isASCII(password)) {
		return loginError(fmt.Errorf("%w: the server takes USER and PASS in ASCII only", auth.ErrNoMechanism))
	}
	// Both are known to be good before the first is sent.
	pass := pop3wire.Pass{Password: password}
	if _, err := pass.Append(nil); err != nil {
		return argumentError(pop3wire.PASS, err)
	}
	if _, err := c.exchange(pop3wire.USER, pop3wire.User{Name: user}); err != nil {
		return err
	}
	if _, err := c.exchange(pop3wire.PASS, pass); err != nil {
		return err
	}
	c.identity = &auth.Identity{Mechanism: "USER"}
	return nil
}

// apop logs in by the command APOP of RFC 1939 section 7. The timestamp is
// known to be a msg-id and nothing else (CVE-2007-1558).
//
// RFC 6856 section 2.2 wants names and secrets in UTF-8 to be prepared for it.
// We take ASCII only, which needs no preparation.
func (c *Client) apop(up auth.UserPasser, timestamp string) error {
	user, password, err := up.UserPassword(c.ConnectionState())
	if err != nil {
		return loginError(err)
	}
	if !isASCII(user) || !isASCII(password) {
		return loginError(fmt.Errorf("%w: APOP is for names and passwords in ASCII", auth.ErrNoMechanism))
	}
	if _, err := c.exchange(pop3wire.APOP, pop3wire.Apop{Name: user, Digest: pop3wire.ApopDigest(timestamp, password)}); err != nil {
		return err
	}
	c.identity = &auth.Identity{Mechanism: "APOP"}
	return nil
}

// enableUTF8 asks for UTF-8 mode if it is offered, and wanted. The server may
// refuse it. RFC 6856 section 2.1: STLS must not come after it, nor does it here.
func (c *Client) enableUTF8() error {
	if mode, _ := c.caps.UTF8(); !mode || c.cfg.ASCIIOnly {
		return nil
	}
	_, err := c.exchange(pop3wire.UTF8, pop3wire.Bare{Verb: pop3wire.UTF8})
	if _, refused := err.(*Error); refused {
		return nil
	}
	c.utf8 = err == nil
	return err
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
