package auth

import (
	"fmt"
	"slices"

	"github.com/emersion/go-sasl"
)

// Credentials are what a client shows to a server. An implementation must be
// safe for concurrent use: one value serves many connections.
type Credentials interface {
	// Client returns the client's side of the best of the offered mechanisms
	// that it can serve and that is safe on a connection in this state. Its
	// errors are [ErrCleartext], and [ErrNoMechanism] or an error that wraps
	// it. Names of mechanisms are compared without regard to ASCII case.
	Client(cs ConnectionState, offered []string) (sasl.Client, error)
}

// UserPasser is implemented by Credentials that can also be shown by the
// commands USER and PASS of POP3, for servers that offer no SASL mechanism.
type UserPasser interface {
	// UserPassword returns [ErrCleartext] where the password must not be sent.
	UserPassword(cs ConnectionState) (user, password string, err error)
}

// Password returns credentials for a user with a password: by PLAIN if the
// server offers it, else by LOGIN. They are never sent in cleartext. They
// implement [UserPasser], and print without the password.
func Password(user, password string) Credentials {
	return &passwordCredentials{user: user, password: password}
}

// InsecurePassword is [Password], but the password is sent without TLS too,
// for all to read who stand in the way.
func InsecurePassword(user, password string) Credentials {
	return &passwordCredentials{user: user, password: password, cleartext: true}
}

type passwordCredentials struct {
	user, password string
	cleartext      bool
}

var (
	_ Credentials = (*passwordCredentials)(nil)
	_ UserPasser  = (*passwordCredentials)(nil)
)

func (p *passwordCredentials) Client(cs ConnectionState, offered []string) (sasl.Client, error) {
	if err := p.admit(cs); err != nil {
		return nil, err
	}
	switch {
	case offers(offered, mechPlain):
		// An empty authorization identity: the server derives it from the user
		// (RFC 4616 section 2).
		return sasl.NewPlainClient("", p.user, p.password), nil
	case offers(offered, mechLogin):
		return &loginClient{answers: [2]string{p.user, p.password}}, nil
	}
	return nil, fmt.Errorf("%w: offered %q", ErrNoMechanism, offered)
}

func (p *passwordCredentials) UserPassword(cs ConnectionState) (user, password string, err error) {
	if err := p.admit(cs); err != nil {
		return "", "", err
	}
	return p.user, p.password, nil
}

// admit refuses where the password must not be sent, and what no server could
// take apart.
func (p *passwordCredentials) admit(cs ConnectionState) error {
	if cs.TLS == nil && !p.cleartext {
		return ErrCleartext
	}
	if reason := (claim{user: p.user, password: p.password}).flaw(); reason != "" {
		return fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	return nil
}

// String returns a text without the password, for the sake of careless logs.
func (p *passwordCredentials) String() string { return fmt.Sprintf("password of %q", p.user) }

// GoString is String.
func (p *passwordCredentials) GoString() string { return p.String() }

func offers(offered []string, mechanism string) bool {
	return slices.ContainsFunc(offered, func(o string) bool { return foldEqual(o, mechanism) })
}
