package auth

import (
	"context"

	"github.com/emersion/go-sasl"
)

// loginServer is the server's side of LOGIN, which no RFC describes. The
// prompts are those that every server sends and some clients insist on.
//
// QUIRK: RFC 4954 section 4 says that an initial response to a mechanism where
// the server begins is refused. We take it for the user name, because smtplib of
// Python, swaks and others send it.
type loginServer struct{ user string }

func newLoginServer() mechanism { return new(loginServer) }

func (l *loginServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	switch {
	case response == nil:
		return []byte("Username:"), nil, nil
	case len(response) > maxText || len(response) == 0:
		return nil, nil, malformed("name or password empty or too long")
	case l.user == "":
		l.user = string(response)
		return []byte("Password:"), nil, nil
	}
	c := claim{user: l.user, password: string(response)}
	if reason := c.flaw(); reason != "" {
		return nil, nil, malformed(reason)
	}
	id, err := x.verify(ctx, c)
	return nil, id, err
}

// loginClient is the client's side of LOGIN: it answers the first prompt with
// the user name and the second with the password, whatever their text, as that
// differs between servers. It does not send the name at once, as not every
// server takes an initial response. (The client of go-sasl insists on the one
// and does the other.)
type loginClient struct {
	answers [2]string
	given   int
}

var _ sasl.Client = (*loginClient)(nil)

func (l *loginClient) Start() (mech string, ir []byte, err error) { return mechLogin, nil, nil }

func (l *loginClient) Next([]byte) (response []byte, err error) {
	if l.given == len(l.answers) {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	l.given++
	return []byte(l.answers[l.given-1]), nil
}
