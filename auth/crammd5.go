package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"

	"github.com/emersion/go-sasl"
)

// cramServer is the server's side of CRAM-MD5 (RFC 2195): the client shows the
// HMAC-MD5 of a challenge that was never there before.
type cramServer struct {
	challenge string
	sent      bool
}

func newCRAMServer() mechanism {
	// A msg-id, as RFC 2195 section 2 has it. The name of the host means nothing.
	return &cramServer{challenge: "<" + rand.Text() + "@localhost>"}
}

func (m *cramServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	if !m.sent {
		m.sent = true
		if response != nil {
			// RFC 4422 section 5: the server begins.
			return nil, nil, malformed("initial response before the challenge")
		}
		return []byte(m.challenge), nil, nil
	}
	user, digest, err := parseCRAM(response)
	if err != nil {
		return nil, nil, err
	}
	id, err := m.verify(ctx, x, user, digest)
	return nil, id, err
}

// parseCRAM takes a response apart: the user's name, which may have blanks, a
// blank, and a digest in lower-case hexadecimal.
func parseCRAM(response []byte) (user string, digest []byte, err error) {
	i := bytes.LastIndexByte(response, ' ')
	if i < 0 {
		return "", nil, malformed("no digest")
	}
	user = string(response[:i])
	if reason := (claim{user: user, password: "-"}).flaw(); reason != "" {
		return "", nil, malformed(reason)
	}
	text := response[i+1:]
	digest, err = hex.AppendDecode(nil, text)
	if err != nil || len(digest) != md5.Size || !bytes.Equal(bytes.ToLower(text), text) {
		return "", nil, malformed("not a digest")
	}
	return user, digest, nil
}

func (m *cramServer) verify(ctx context.Context, x *Exchange, user string, digest []byte) (*Identity, error) {
	x.user = user
	name, err := prepare(user)
	if err != nil || name == "" {
		return nil, fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	if err := x.hold(ctx, name); err != nil {
		return nil, err
	}
	secret, known, err := x.server.secret(ctx, name)
	if err != nil {
		return nil, err
	}
	equal := subtle.ConstantTimeCompare(cramDigest(secret, m.challenge), digest) == 1
	if !equal || !known {
		return nil, ErrCredentials
	}
	return x.server.grant(ctx, x.mechanism, name, "")
}

func cramDigest(secret, challenge string) []byte {
	mac := hmac.New(md5.New, []byte(secret))
	mac.Write([]byte(challenge))
	return mac.Sum(nil)
}

// cramClient is the client's side. Name and password are prepared.
type cramClient struct {
	user, password string
	given          bool
}

func (c *cramClient) Start() (mech string, ir []byte, err error) { return mechCRAMMD5, nil, nil }

func (c *cramClient) Next(challenge []byte) (response []byte, err error) {
	if c.given {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	c.given = true
	return hex.AppendEncode([]byte(c.user+" "), cramDigest(c.password, string(challenge))), nil
}
