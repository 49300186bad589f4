package auth

import (
	"context"
	"fmt"
)

// The mechanism names, as registered with IANA.
const (
	mechPlain = "PLAIN"
	mechLogin = "LOGIN"
	mechUser  = "USER" // no SASL mechanism: the commands USER and PASS of POP3
)

// Server verifies clients. One value may serve any number of servers of all
// protocols at once. The zero Server and a nil *Server offer no mechanism. The
// fields must not be changed once a server uses it.
type Server struct {
	// Passwords verifies what is shown by PLAIN, LOGIN, or USER and PASS. If it
	// is nil, none of these is offered.
	Passwords PasswordVerifier

	// Secrets knows what is shown by a digest: by APOP, where a server offers that.
	Secrets SecretSource

	// InsecureAllowCleartext offers, and accepts, mechanisms that show the
	// password on connections without TLS. RFC 4954 section 4 wants them
	// protected, and so does RFC 4616 section 5.
	InsecureAllowCleartext bool

	// Observe, if not nil, is told of each attempt when it is decided, before
	// the client is told. A cancelled exchange is no attempt. Observe
	// is called by the goroutine of the connection, so it must be quick,
	// and by many at once.
	Observe func(context.Context, Event)
}

// Mechanisms returns the names of the SASL mechanisms that may be used on a
// connection in this state, best first: only those that can be verified and
// are safe here and now, and none once the client is authenticated. The slice
// belongs to the caller.
func (s *Server) Mechanisms(cs ConnectionState) []string {
	if s.admit(cs) != nil {
		return nil
	}
	return []string{mechPlain, mechLogin}
}

// Password verifies the user and the password of the commands USER and PASS.
// Its errors are [ErrMechanism] if there is nothing to verify passwords with,
// [ErrCleartext] (without a look at them) if there is no TLS and that is not
// allowed, [ErrAuthenticated], [ErrCredentials] or an error that wraps it, and
// any other error for what should be temporary.
func (s *Server) Password(ctx context.Context, cs ConnectionState, user, password string) (*Identity, error) {
	if err := s.admit(cs); err != nil {
		return nil, err
	}
	id, user, err := s.password(ctx, user, password)
	s.observe(ctx, Event{State: cs, Mechanism: mechUser, User: user, Identity: id, Err: err})
	return id, err
}

func (s *Server) password(ctx context.Context, user, password string) (*Identity, string, error) {
	c := claim{user: user, password: password}
	if reason := c.flaw(); reason != "" {
		return nil, "", fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	return s.verify(ctx, mechUser, c)
}

// Start begins an exchange by the mechanism of that name, without regard to
// ASCII case. Its errors are [ErrMechanism], [ErrCleartext] if the mechanism
// would be offered with TLS, and [ErrAuthenticated].
func (s *Server) Start(_ context.Context, cs ConnectionState, mechanism string) (*Exchange, error) {
	x := &Exchange{server: s, state: cs}
	switch {
	case foldEqual(mechanism, mechPlain):
		x.mechanism, x.steps = mechPlain, new(plainServer)
	case foldEqual(mechanism, mechLogin):
		x.mechanism, x.steps = mechLogin, new(loginServer)
	default:
		return nil, ErrMechanism
	}
	if err := s.admit(cs); err != nil {
		return nil, err
	}
	return x, nil
}

// admit says whether a password may be shown on a connection in this state.
func (s *Server) admit(cs ConnectionState) error {
	switch {
	case s == nil || s.Passwords == nil:
		return ErrMechanism
	case cs.Identity != nil:
		return ErrAuthenticated
	case cs.TLS == nil && !s.InsecureAllowCleartext:
		return ErrCleartext
	}
	return nil
}

// verify decides on a claim that was checked. It returns the user's name too,
// prepared if it could be, for the event.
func (s *Server) verify(ctx context.Context, mechanism string, c claim) (*Identity, string, error) {
	// RFC 4616 section 2: if the preparation fails or leaves nothing, the
	// verification fails.
	user, err := prepare(c.user)
	if err != nil || user == "" {
		return nil, c.user, fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	password, err := prepare(c.password)
	if err != nil || password == "" {
		return nil, user, fmt.Errorf("%w: unfit password", ErrCredentials)
	}
	if err := s.Passwords.VerifyPassword(ctx, user, password); err != nil {
		return nil, user, err
	}
	// After the password, so that the answer tells nothing about which names
	// there are. RFC 4954 section 4: a name that cannot be prepared is refused.
	if name, err := prepare(c.name); err != nil || c.name != "" && name != user {
		return nil, user, fmt.Errorf("%w: authorization identity not granted", ErrCredentials)
	}
	return &Identity{User: user, Name: user, Mechanism: mechanism}, user, nil
}

// foldEqual compares without regard to ASCII case.
func foldEqual(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
