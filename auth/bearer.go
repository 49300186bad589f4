package auth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/posthouse/posthouse/internal/ascii"
)

// BearerToken is what a client shows by OAUTHBEARER or XOAUTH2. It prints without
// the token.
type BearerToken struct {
	Token string
	Name  string // as whom the client wants to be known, prepared by SASLprep; empty if it does not say
	Host  string // where the client thinks that it is connected to, if it says so
	Port  uint16 // likewise; 0 if it does not say
}

// A TokenVerifier knows whose a token is.
//
// VerifyToken returns the user that the token was made for; [ErrCredentials] or an
// error wrapping it if the token is not good, best a [*TokenError], which tells the
// client where to get another one; any other error if that could not be found
// out: the client is then told to try again later. Name, if the client gave one, is
// compared with the user afterwards, and [Server.Authorize] asked if they differ; Host
// and Port must be those of the server if they are given (RFC 7628 section 3.2).
//
// An implementation must be safe for concurrent use and must heed ctx, as a
// [PasswordVerifier] must.
type TokenVerifier interface {
	VerifyToken(ctx context.Context, t BearerToken) (user string, err error)
}

// TokenFunc is a function that is a [TokenVerifier].
type TokenFunc func(ctx context.Context, t BearerToken) (user string, err error)

// VerifyToken calls f.
func (f TokenFunc) VerifyToken(ctx context.Context, t BearerToken) (string, error) { return f(ctx, t) }

// String returns a text without the token.
func (t BearerToken) String() string { return fmt.Sprintf("token for %q", t.Name) }

// GoString is String.
func (t BearerToken) GoString() string { return t.String() }

// bearerServer is the server's side of OAUTHBEARER (RFC 7628) and of XOAUTH2, which
// differ in how they write the same.
type bearerServer struct {
	parse  func(message string) (BearerToken, error)
	status string // of an error that has none
}

func newOAuthBearerServer() mechanism { return &bearerServer{parseOAuthBearer, "invalid_token"} }
func newXOAuth2Server() mechanism     { return &bearerServer{parseXOAuth2, "401"} }

func (m *bearerServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	t, err := m.parse(string(response))
	if err != nil {
		return nil, nil, err
	}
	x.user = t.Name
	id, err := m.verify(ctx, x, t)
	if errors.Is(err, ErrCredentials) {
		// RFC 7628 section 3.2.3: why, and then the failure.
		return tokenErrorOf(err).encode(m.status), nil, err
	}
	return nil, id, err
}

func (m *bearerServer) verify(ctx context.Context, x *Exchange, t BearerToken) (*Identity, error) {
	// Prepared before the account is charged, so that it is one however it is written.
	name, err := prepare(t.Name)
	if err != nil || name == "" && t.Name != "" {
		return nil, fmt.Errorf("%w: unfit authorization identity", ErrCredentials)
	}
	t.Name = name
	if err := x.hold(ctx, name); err != nil {
		return nil, err
	}
	user := ""
	err = ErrCredentials
	if t.Token != "" { // a client without a token asks what kind is wanted
		user, err = x.server.Tokens.VerifyToken(ctx, t)
	}
	switch {
	case err != nil:
		return nil, err
	case user == "":
		return nil, errors.New("auth: token of a user without a name")
	}
	x.user = user
	return x.server.grant(ctx, x.mechanism, user, t.Name)
}

// parseOAuthBearer takes a response apart. RFC 7628 section 3.1, with ^A for %x01:
//
//	kvpair      = 1*ALPHA "=" *(VCHAR / SP / HTAB / CR / LF) ^A
//	client-resp = gs2-header ^A *kvpair ^A
func parseOAuthBearer(message string) (t BearerToken, err error) {
	header, pairs, err := parseGS2(message)
	switch {
	case err != nil:
		return t, err
	case header.flag == 'p':
		return t, malformed("channel binding, which the mechanism has not")
	}
	pairs, ok := strings.CutPrefix(pairs, "\x01")
	if !ok {
		return t, malformed("something behind the header")
	}
	t.Name = header.name
	seen := map[string]bool{}
	for pairs != "\x01" {
		pair, rest, ok := strings.Cut(pairs, "\x01")
		key, value, isPair := strings.Cut(pair, "=")
		if !ok || !isPair || !isKey(key) || !isValue(value) || seen[key] {
			return BearerToken{}, malformed("not a list of keys and values")
		}
		pairs, seen[key] = rest, true
		if err := t.set(key, value); err != nil {
			return BearerToken{}, err
		}
	}
	if !seen["auth"] {
		return BearerToken{}, malformed("no token")
	}
	return t, t.flaw()
}

func (t *BearerToken) set(key, value string) (err error) {
	switch key {
	case "auth":
		t.Token, err = bearerOf(value)
	case "host":
		t.Host = value
	case "port":
		port, bad := strconv.ParseUint(value, 10, 16)
		if bad != nil || port == 0 || value[0] < '1' || value[0] > '9' {
			return malformed("port")
		}
		t.Port = uint16(port)
	} // RFC 7628 section 3.1: unknown keys are ignored
	return err
}

// parseXOAuth2 takes a response apart, with ^A for %x01:
//
//	"user=" name ^A "auth=Bearer " token ^A ^A
func parseXOAuth2(message string) (t BearerToken, err error) {
	rest, ok1 := strings.CutPrefix(message, "user=")
	name, rest, ok2 := strings.Cut(rest, "\x01auth=")
	value, ok3 := strings.CutSuffix(rest, "\x01\x01")
	if !ok1 || !ok2 || !ok3 || name == "" || !isValue(value) {
		return t, malformed("not a response of XOAUTH2")
	}
	t.Name = name
	if t.Token, err = bearerOf(value); err != nil {
		return BearerToken{}, err
	}
	return t, t.flaw()
}

// flaw refuses names that are none.
func (t *BearerToken) flaw() error {
	if reason := (claim{name: t.Name, user: "-", password: "-"}).flaw(); reason != "" || strings.ContainsRune(t.Name, 1) {
		*t = BearerToken{}
		return malformed("not a name")
	}
	return nil
}

// bearerOf returns the token of a header field of HTTP (RFC 6750 section 2.1); none if
// the field is empty. The scheme is read without regard to case (RFC 7628 section 4).
func bearerOf(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	scheme, token, ok := strings.Cut(value, " ")
	if !ok || !ascii.EqualFold(scheme, "bearer") || !isToken(token) {
		return "", malformed("not a bearer token")
	}
	return token, nil
}

// isToken takes more than RFC 6750 section 2.1 does: all that can be seen.
func isToken(token string) bool {
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return false
		}
	}
	return token != ""
}

func isKey(key string) bool {
	for i := range len(key) {
		if !isAlpha(key[i]) {
			return false
		}
	}
	return key != ""
}

func isValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; (c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
