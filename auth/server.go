package auth

import (
	"context"
	"fmt"
	"slices"
)

// Server verifies clients. One value may serve any number of servers of all
// protocols at once. The zero Server and a nil *Server offer no mechanism. The
// fields must not be changed once a server uses it, nor must it be copied.
type Server struct {
	// Passwords verifies what is shown by PLAIN, LOGIN, or USER and PASS. If it
	// is nil, none of these is offered.
	Passwords PasswordVerifier

	// SCRAM knows the keys of users, and offers SCRAM with the hashes that it has
	// keys for. If it is nil, keys are made of Secrets, if there are such.
	SCRAM SCRAMSource

	// Secrets knows what is shown by a digest: by SCRAM, for want of SCRAM keys, by
	// CRAM-MD5, and by APOP, where a server offers these.
	Secrets SecretSource

	// Tokens verifies what is shown by OAUTHBEARER and XOAUTH2.
	Tokens TokenVerifier

	// Certificates knows whose certificate a client has shown in TLS, and offers
	// EXTERNAL to those of which crypto/tls has verified it: the tls.Config has to
	// have a ClientAuth of VerifyClientCertIfGiven or RequireAndVerifyClientCert.
	Certificates CertificateVerifier

	// Anonymous offers ANONYMOUS, without TLS too: anybody may come in. It
	// returns the name that the client gets; its errors are those of a
	// PasswordVerifier. smtp.Server relays nothing for such a client.
	Anonymous func(ctx context.Context, cs ConnectionState, trace string) (user string, err error)

	// Authorize is asked when a client that has shown that it is id.User wants to
	// be taken for id.Name, prepared, which is another. It returns nil if it may;
	// otherwise its errors are those of a PasswordVerifier. Nil refuses always.
	Authorize func(ctx context.Context, id Identity) error

	// Only, if not nil, are the mechanisms that may be offered, of those that can.
	// The commands USER and PASS of POP3 go with "PLAIN".
	Only []string

	// InsecureCRAMMD5 offers CRAM-MD5, which is for clients that know nothing better:
	// its digest is easily guessed at, and the server does not prove anything.
	InsecureCRAMMD5 bool

	// InsecureAllowCleartext offers, and accepts, mechanisms that show a password,
	// a token, or something that passwords can be tried against, on connections
	// without TLS. RFC 4954 section 4 wants them protected, and so do RFC 4616
	// section 5 and RFC 5802 section 9.
	InsecureAllowCleartext bool

	// SaltKey keys the salts that users are given who do not exist, so that they
	// look like others. Servers of one name should have the same, 32 random octets,
	// and keep them when they are started again: who sees a salt change knows more.
	// Empty: a random key, for as long as the program runs.
	SaltKey []byte

	// Budget slows down who guesses. Nil: one of its own, with the default values;
	// Servers that have the same accounts should share one.
	Budget *Budget

	// Observe, if not nil, is told of each attempt when it is decided, before
	// the client is told. A cancelled exchange is no attempt. Observe
	// is called by the goroutine of the connection, so it must be quick,
	// and by many at once.
	Observe func(context.Context, Event)

	own Budget // serves if there is no other
}

// Mechanisms returns the names of the SASL mechanisms that may be used on a
// connection in this state, best first: only those that can be verified and
// are safe here and now, and none once the client is authenticated. The slice
// belongs to the caller.
func (s *Server) Mechanisms(cs ConnectionState) []string {
	var names []string
	for i := range mechanisms {
		if o := &mechanisms[i]; s.admit(o, cs) == nil {
			names = append(names, o.name)
		}
	}
	return names
}

// NeedsTLS reports whether there are mechanisms that the connection, which has no
// TLS, would be offered if it had.
func (s *Server) NeedsTLS(cs ConnectionState) bool {
	return slices.ContainsFunc(mechanisms[:], func(o offer) bool { return s.admit(&o, cs) == ErrCleartext })
}

// Password verifies the user and the password of the commands USER and PASS.
// Its errors are [ErrMechanism] if there is nothing to verify passwords with,
// [ErrCleartext] (without a look at them) if there is no TLS and that is not
// allowed, [ErrAuthenticated], [ErrCredentials] or an error that wraps it, and
// any other error for what should be temporary.
func (s *Server) Password(ctx context.Context, cs ConnectionState, user, password string) (*Identity, error) {
	if err := s.admit(offerOf(mechPlain), cs); err != nil {
		return nil, err
	}
	x := &Exchange{server: s, state: cs, mechanism: mechUser}
	id, err := x.password(ctx, claim{user: user, password: password})
	x.decided(ctx, id, err)
	return id, err
}

func (x *Exchange) password(ctx context.Context, c claim) (*Identity, error) {
	if reason := c.flaw(); reason != "" {
		return nil, fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	return x.verify(ctx, c)
}

// Start begins an exchange by the mechanism of that name, without regard to
// ASCII case. Its errors are [ErrMechanism], [ErrCleartext] if the mechanism
// would be offered with TLS, and [ErrAuthenticated].
func (s *Server) Start(_ context.Context, cs ConnectionState, mechanism string) (*Exchange, error) {
	o := offerOf(mechanism)
	if o == nil {
		return nil, ErrMechanism
	}
	if err := s.admit(o, cs); err != nil {
		return nil, err
	}
	return &Exchange{server: s, state: cs, mechanism: o.name, steps: o.begin()}, nil
}

// verify decides on a claim that was checked.
func (x *Exchange) verify(ctx context.Context, c claim) (*Identity, error) {
	x.user = c.user
	// RFC 4616 section 2: if the preparation fails or leaves nothing, the
	// verification fails.
	user, err := prepare(c.user)
	if err != nil || user == "" {
		return nil, fmt.Errorf("%w: unfit user name", ErrCredentials)
	}
	if err := x.hold(ctx, user); err != nil {
		return nil, err
	}
	password, err := prepare(c.password)
	if err != nil || password == "" {
		return nil, fmt.Errorf("%w: unfit password", ErrCredentials)
	}
	if err := x.server.Passwords.VerifyPassword(ctx, user, password); err != nil {
		return nil, err
	}
	return x.server.grant(ctx, x.mechanism, user, c.name)
}

func (s *Server) budget() *Budget {
	if s.Budget == nil {
		return &s.own
	}
	return s.Budget
}

// grant decides on the authorization identity that a user asks for. That comes after
// the password, so that the answer tells nothing about which names there are.
func (s *Server) grant(ctx context.Context, mechanism, user, name string) (*Identity, error) {
	id := &Identity{User: user, Name: user, Mechanism: mechanism}
	if name == "" {
		return id, nil
	}
	// RFC 4954 section 4: a name that cannot be prepared is refused.
	prepared, err := prepare(name)
	switch {
	case err != nil || prepared == "":
		return nil, fmt.Errorf("%w: unfit authorization identity", ErrCredentials)
	case prepared == user:
		return id, nil
	case s.Authorize == nil:
		return nil, fmt.Errorf("%w: authorization identity not granted", ErrCredentials)
	}
	id.Name = prepared
	if err := s.Authorize(ctx, *id); err != nil {
		return nil, err
	}
	return id, nil
}
