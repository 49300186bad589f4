package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
)

// scramClient is the client's side of SCRAM (RFC 5802, RFC 7677). Names and
// password are prepared.
type scramClient struct {
	hash           *scramHash
	plus           bool
	flag           string // of channel binding: "p=" with the type, "n" or "y"
	binding        []byte // the data, with "p="
	name           string // authorization identity; may be empty
	user, password string
	maxIterations  int
	nonce          string // the client's part, and then the whole

	bare      string // the first message without its header
	signature []byte // which only a server has that knows the password
	proven    bool
}

var _ Finisher = (*scramClient)(nil)

func (c *scramClient) Start() (mech string, ir []byte, err error) {
	if c.nonce == "" {
		c.nonce = rand.Text()
	}
	c.bare = "n=" + nameEncoder.Replace(c.user) + ",r=" + c.nonce
	mech = c.hash.name
	if c.plus {
		mech += plusSuffix
	}
	return mech, []byte(c.header() + c.bare), nil
}

func (c *scramClient) header() string {
	if c.name == "" {
		return c.flag + ",,"
	}
	return c.flag + ",a=" + nameEncoder.Replace(c.name) + ","
}

func (c *scramClient) Next(challenge []byte) (response []byte, err error) {
	switch {
	case c.signature == nil:
		return c.prove(string(challenge))
	case !c.proven:
		if err := c.verify(string(challenge)); err != nil {
			return nil, err
		}
		c.proven = true
		return []byte{}, nil
	}
	return nil, sasl.ErrUnexpectedServerChallenge
}

// prove answers the server's first message.
func (c *scramClient) prove(message string) ([]byte, error) {
	m, err := parseServerFirst(message)
	switch {
	case err != nil:
		return nil, err
	case !strings.HasPrefix(m.nonce, c.nonce) || m.nonce == c.nonce:
		// RFC 5802 section 5.1: it begins with the client's. And a server that adds
		// nothing might have the answer from another exchange.
		return nil, fmt.Errorf("%w: its nonce is not made for this exchange", ErrServer)
	case m.iterations < MinSCRAMIterations || m.iterations > c.maxIterations:
		// RFC 5802 section 9: few let whoever listens try passwords at ease; and
		// many keep the client busy.
		return nil, fmt.Errorf("%w: %d iterations, not between %d and %d", ErrServer, m.iterations, MinSCRAMIterations, c.maxIterations)
	}
	c.nonce = m.nonce
	salted, err := c.hash.salted(c.password, m.salt, m.iterations)
	if err != nil {
		return nil, err
	}
	clientKey, storedKey, serverKey := c.hash.keys(salted)
	bound := append([]byte(c.header()), c.binding...)
	final := "c=" + base64.StdEncoding.EncodeToString(bound) + ",r=" + c.nonce
	auth := c.bare + "," + message + "," + final
	proof := c.hash.hmac(storedKey, auth)
	subtle.XORBytes(proof, proof, clientKey)
	c.signature = c.hash.hmac(serverKey, auth)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify holds the server to know the password too.
func (c *scramClient) verify(message string) error {
	verifier, reason, err := parseServerFinal(message)
	switch {
	case err != nil:
		return err
	case strings.Contains(reason, "channel-binding"):
		return fmt.Errorf("%w: server says %q", ErrChannelBinding, reason)
	case reason == "invalid-proof" || reason == "unknown-user":
		return fmt.Errorf("%w: server says %q", ErrCredentials, reason)
	case reason != "":
		return fmt.Errorf("auth: server says %q", reason)
	case subtle.ConstantTimeCompare(verifier, c.signature) != 1:
		return fmt.Errorf("%w: its signature is wrong", ErrServer)
	}
	return nil
}

// Finish takes no success for one before the server has shown its signature
// (RFC 5802 section 5).
func (c *scramClient) Finish(outcome error) error {
	if outcome == nil && !c.proven {
		return fmt.Errorf("%w: success without its signature", ErrServer)
	}
	return outcome
}
