package auth

import (
	"context"
	"fmt"

	"github.com/emersion/go-sasl"
)

// defaultMaxIterations is what a client does for a server: some tenths of a second.
const defaultMaxIterations = 1_000_000

// PasswordCredentials are a user with a password, shown by the strongest mechanism
// that the server offers: SCRAM with channel binding before SCRAM without, these
// before PLAIN, and PLAIN before LOGIN. A server that has offered the stronger is
// never shown the weaker. They implement [UserPasser], and print without the
// password. SCRAM and CRAM-MD5 prepare name and password by SASLprep; what shows them
// shows them as they are, and the server prepares them (RFC 4616 section 2).
type PasswordCredentials struct {
	User     string
	Password string

	// Name is the authorization identity to ask for; empty means the user's own.
	// LOGIN and CRAM-MD5 cannot ask for one, and are not used with it.
	Name string

	// Mechanisms are those that may be used. Nil means all but CRAM-MD5, which has to
	// be named. "USER" stands for the commands USER and PASS, and APOP, of POP3.
	Mechanisms []string

	// Binding is the type of channel binding: "tls-exporter", "tls-unique" or
	// "tls-server-end-point". Empty means the default of the version of TLS: the
	// first for TLS 1.3, the second for TLS 1.2 (RFC 9266 section 3). A connection that
	// has not what is set here is not used; whether a server has to bind too is said by
	// Mechanisms.
	Binding string

	// MaxIterations is how many iterations of SCRAM a server may demand. Zero means
	// 1,000,000, which take some tenths of a second; the end of a context does not cut
	// them short. It may not demand less than MinSCRAMIterations.
	MaxIterations int

	// InsecureAllowCleartext sends the password without TLS too, if the server
	// offers nothing better, for all to read who stand in the way. With Mechanisms
	// of SCRAM alone it is not the password that they read, but they can try
	// passwords.
	InsecureAllowCleartext bool
}

var (
	_ Credentials = PasswordCredentials{}
	_ UserPasser  = PasswordCredentials{}
	_ Identifier  = PasswordCredentials{}
)

// Password returns [*PasswordCredentials] for a user with a password. They are never
// shown without TLS. (A pointer, as fmt prints the fields of a value that is in a field
// which is not exported, whatever its String says.)
func Password(user, password string) Credentials {
	return &PasswordCredentials{User: user, Password: password}
}

// InsecurePassword is [Password], but with InsecureAllowCleartext.
func InsecurePassword(user, password string) Credentials {
	return &PasswordCredentials{User: user, Password: password, InsecureAllowCleartext: true}
}

// Client picks the mechanism.
func (p PasswordCredentials) Client(_ context.Context, cs ConnectionState, offered []string) (sasl.Client, error) {
	if err := p.admit(cs); err != nil {
		return nil, err
	}
	can := func(mechanism string) bool { return offers(offered, mechanism) && allows(p.Mechanisms, mechanism) }
	if c := p.scram(cs, can); c != nil {
		return c.prepared()
	}
	switch {
	case can(mechPlain):
		// An empty authorization identity: the server derives it from the user
		// (RFC 4616 section 2).
		return sasl.NewPlainClient(p.Name, p.User, p.Password), nil
	case p.Name == "" && can(mechLogin):
		return &loginClient{answers: [2]string{p.User, p.Password}}, nil
	case p.Name == "" && p.Mechanisms != nil && can(mechCRAMMD5):
		return p.cram()
	}
	return nil, noMechanism(offered)
}

// scram returns a client of the best SCRAM there is, or nil.
func (p PasswordCredentials) scram(cs ConnectionState, can func(string) bool) *scramClient {
	kind, binding := p.Binding, cs.binding(p.Binding, cs.peerCertificate())
	if kind == "" {
		kind, binding = cs.defaultBinding(cs.peerCertificate())
	}
	c := &scramClient{flag: "n", name: p.Name, user: p.User, password: p.Password, maxIterations: p.MaxIterations}
	if c.maxIterations <= 0 {
		c.maxIterations = defaultMaxIterations
	}
	for _, c.plus = range [...]bool{true, false} {
		for hash := SCRAMSHA512; hash >= SCRAMSHA1; hash-- {
			c.hash = &scramHashes[hash]
			switch {
			case c.plus && len(binding) > 0 && can(c.hash.name+plusSuffix):
				// RFC 5802 section 6: what both can is done.
				c.flag, c.binding = "p="+kind, binding
				return c
			case !c.plus && can(c.hash.name):
				if len(binding) > 0 && allows(p.Mechanisms, c.hash.name+plusSuffix) {
					c.flag = "y" // we could, and the server does not seem to be able to
				}
				return c
			}
		}
	}
	return nil
}

// prepared prepares the texts (RFC 5802 section 5.1).
func (c *scramClient) prepared() (sasl.Client, error) {
	for _, text := range [...]*string{&c.name, &c.user, &c.password} {
		prepared, err := prepare(*text)
		if err != nil || prepared == "" && *text != "" {
			return nil, fmt.Errorf("%w: name or password that cannot be prepared", ErrCredentials)
		}
		*text = prepared
	}
	return c, nil
}

func (p PasswordCredentials) cram() (sasl.Client, error) {
	user, err1 := prepare(p.User)
	password, err2 := prepare(p.Password)
	if err1 != nil || err2 != nil || user == "" || password == "" {
		return nil, fmt.Errorf("%w: name or password that cannot be prepared", ErrCredentials)
	}
	return &cramClient{user: user, password: password}, nil
}

// UserPassword returns the user and the password.
func (p PasswordCredentials) UserPassword(cs ConnectionState) (user, password string, err error) {
	switch err := p.admit(cs); {
	case err != nil:
		return "", "", err
	case !allows(p.Mechanisms, mechUser) || p.Name != "":
		return "", "", ErrNoMechanism
	}
	return p.User, p.Password, nil
}

// Identity is the user.
func (p PasswordCredentials) Identity() Identity {
	if p.Name != "" {
		return Identity{User: p.User, Name: p.Name}
	}
	return Identity{User: p.User, Name: p.User}
}

// admit refuses where nothing must be shown, and what no server could take apart.
func (p PasswordCredentials) admit(cs ConnectionState) error {
	if cs.TLS == nil && !p.InsecureAllowCleartext {
		return ErrCleartext
	}
	if reason := (claim{name: p.Name, user: p.User, password: p.Password}).flaw(); reason != "" {
		return fmt.Errorf("%w: %s", ErrCredentials, reason)
	}
	if p.Binding != "" && len(cs.binding(p.Binding, cs.peerCertificate())) == 0 {
		return fmt.Errorf("%w: no %q on this connection", ErrNoMechanism, p.Binding)
	}
	return nil
}

// String returns a text without the password, for the sake of careless logs.
func (p PasswordCredentials) String() string { return fmt.Sprintf("password of %q", p.User) }

// GoString is String.
func (p PasswordCredentials) GoString() string { return p.String() }
