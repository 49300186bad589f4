package auth

import (
	"encoding/json"
	"errors"
	"fmt"
)

// TokenError says why a token was refused (RFC 7628 section 3.2.2). A [TokenVerifier]
// returns it to tell the client; on a client it is what the server told. It wraps
// [ErrCredentials].
type TokenError struct {
	Status        string // the error code of OAuth; on a server, empty means "invalid_token"
	Scope         string // a scope that would be good enough
	Configuration string // the URL of a document of OpenID Connect: where to get a token
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("auth: token refused: status %q, scope %q, configuration %q", e.Status, e.Scope, e.Configuration)
}

// Unwrap returns ErrCredentials.
func (e *TokenError) Unwrap() error { return ErrCredentials }

// tokenMessage is how the error travels.
type tokenMessage struct {
	Status        string `json:"status"`
	Scope         string `json:"scope,omitempty"`
	Configuration string `json:"openid-configuration,omitempty"`
}

// tokenErrorOf returns what err tells the client.
func tokenErrorOf(err error) *TokenError {
	var e *TokenError
	if errors.As(err, &e) {
		return e
	}
	return new(TokenError)
}

func (e *TokenError) encode(status string) []byte {
	if e.Status != "" {
		status = e.Status
	}
	text, err := json.Marshal(tokenMessage{Status: status, Scope: e.Scope, Configuration: e.Configuration})
	if err != nil { // strings can always be written
		return []byte{}
	}
	return text
}

// parseTokenError reads a server's error message as far as it can be read: old
// servers send what they like.
func parseTokenError(text []byte) *TokenError {
	var m tokenMessage
	if json.Unmarshal(text, &m) != nil {
		return &TokenError{Status: "unknown"}
	}
	return &TokenError{Status: m.Status, Scope: m.Scope, Configuration: m.Configuration}
}
