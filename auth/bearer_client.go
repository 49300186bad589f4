package auth

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
)

// A TokenSource gives out access tokens. It is asked for one at each login, so it
// should keep them as long as they are good. refused is empty, or the token that
// a server has just refused: a source that can make a new one does so; if it returns
// the same again, there is no second try. It must be safe for concurrent use.
type TokenSource func(ctx context.Context, refused string) (token string, err error)

// TokenCredentials are a bearer token of OAuth 2.0, shown by OAUTHBEARER (RFC 7628)
// or, where a server knows nothing else, by XOAUTH2. They are never sent without
// TLS. When the server refuses a token, its source is asked for another one, and
// that one is tried, once.
type TokenCredentials struct {
	User   string // the account to be opened; XOAUTH2 is not used without
	Source TokenSource

	// Mechanisms are those that may be used; nil means both.
	Mechanisms []string

	// Host and Port are told by OAUTHBEARER if they are set: the server's, as the
	// client knows them. No token of the kind "bearer" needs it.
	Host string
	Port uint16
}

// Token returns [TokenCredentials] for a user.
func Token(user string, source TokenSource) Credentials {
	return TokenCredentials{User: user, Source: source}
}

// Client asks the source for a token. Its errors are, besides those of
// [Credentials], the source's.
func (t TokenCredentials) Client(ctx context.Context, cs ConnectionState, offered []string) (sasl.Client, error) {
	c := &bearerClient{credentials: t, renewable: true}
	switch {
	case cs.TLS == nil:
		return nil, ErrCleartext
	case offers(offered, mechOAuthBearer) && allows(t.Mechanisms, mechOAuthBearer):
		c.mechanism = mechOAuthBearer
	case offers(offered, mechXOAuth2) && allows(t.Mechanisms, mechXOAuth2) && t.User != "":
		c.mechanism = mechXOAuth2
	default:
		return nil, noMechanism(offered)
	}
	if reason := (claim{name: t.User, user: "-", password: "-"}).flaw(); reason != "" || strings.ContainsRune(t.User, 1) || !isValue(t.Host) {
		return nil, fmt.Errorf("%w: name or host that cannot be sent", ErrCredentials)
	}
	token, err := t.Source(ctx, "")
	if err != nil {
		return nil, err
	}
	c.token = token
	return c, c.check()
}

// Identity is whom the token is thought to be for.
func (t TokenCredentials) Identity() Identity { return Identity{User: t.User, Name: t.User} }

// bearerClient is the client's side of OAUTHBEARER and XOAUTH2.
type bearerClient struct {
	credentials TokenCredentials
	mechanism   string
	token       string
	renewable   bool
	refusal     *TokenError // what the server told
}

var (
	_ Finisher = (*bearerClient)(nil)
	_ Renewer  = (*bearerClient)(nil)
)

func (c *bearerClient) check() error {
	if !isToken(c.token) {
		return fmt.Errorf("%w: token that cannot be sent", ErrCredentials)
	}
	return nil
}

func (c *bearerClient) Start() (mech string, ir []byte, err error) {
	t := c.credentials
	if c.mechanism == mechXOAuth2 {
		return c.mechanism, []byte("user=" + t.User + "\x01auth=Bearer " + c.token + "\x01\x01"), nil
	}
	message := "n,"
	if t.User != "" {
		message += "a=" + nameEncoder.Replace(t.User)
	}
	message += ",\x01"
	if t.Host != "" {
		message += "host=" + t.Host + "\x01"
	}
	if t.Port != 0 {
		message += "port=" + strconv.Itoa(int(t.Port)) + "\x01"
	}
	return c.mechanism, []byte(message + "auth=Bearer " + c.token + "\x01\x01"), nil
}

// Next takes the server's error message, which is its only challenge. RFC 7628
// section 3.2.3: the answer is a dummy; XOAUTH2 has an empty one.
func (c *bearerClient) Next(challenge []byte) (response []byte, err error) {
	if c.refusal != nil {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	c.refusal = parseTokenError(challenge)
	if c.mechanism == mechXOAuth2 {
		return []byte{}, nil
	}
	return []byte{1}, nil
}

// Finish adds what the server told to its refusal.
func (c *bearerClient) Finish(outcome error) error {
	switch {
	case c.refusal == nil:
		return outcome
	case outcome == nil:
		return fmt.Errorf("%w: success after a refusal", ErrServer)
	}
	return fmt.Errorf("%w: %w", c.refusal, outcome)
}

// Renew asks the source for a better token, once.
func (c *bearerClient) Renew(ctx context.Context) (sasl.Client, error) {
	if !c.renewable {
		return nil, nil
	}
	again := &bearerClient{credentials: c.credentials, mechanism: c.mechanism}
	token, err := c.credentials.Source(ctx, c.token)
	if err != nil || token == c.token {
		return nil, err
	}
	again.token = token
	return again, again.check()
}
