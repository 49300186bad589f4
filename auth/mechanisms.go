package auth

import (
	"slices"

	"github.com/posthouse/posthouse/internal/ascii"
)

// The mechanism names, as registered with IANA; XOAUTH2 is Google's.
const (
	mechPlain       = "PLAIN"
	mechLogin       = "LOGIN"
	mechCRAMMD5     = "CRAM-MD5"
	mechOAuthBearer = "OAUTHBEARER"
	mechXOAuth2     = "XOAUTH2"
	mechExternal    = "EXTERNAL"
	mechAnonymous   = "ANONYMOUS"
	mechUser        = "USER" // no SASL mechanism: the commands USER and PASS of POP3

	plusSuffix = "-PLUS" // of a mechanism with channel binding
)

// offer is what a server has to know of a mechanism to offer it.
type offer struct {
	name   string
	has    func(*Server) bool         // can it be verified
	fits   func(ConnectionState) bool // can it be done on this connection, with TLS; nil: always
	public bool                       // nothing to protect: it may go without TLS
	begin  func() mechanism
}

// mechanisms are all that there are, best first. DIGEST-MD5 is historic (RFC 6331)
// and will never be one of them.
var mechanisms = [...]offer{
	scramOffer(SCRAMSHA512, true),
	scramOffer(SCRAMSHA256, true),
	scramOffer(SCRAMSHA1, true),
	scramOffer(SCRAMSHA512, false),
	scramOffer(SCRAMSHA256, false),
	scramOffer(SCRAMSHA1, false),
	{name: mechExternal, has: (*Server).hasCertificates, fits: ConnectionState.hasVerifiedPeer, begin: newExternalServer},
	{name: mechOAuthBearer, has: (*Server).hasTokens, begin: newOAuthBearerServer},
	{name: mechXOAuth2, has: (*Server).hasTokens, begin: newXOAuth2Server},
	{name: mechPlain, has: (*Server).hasPasswords, begin: newPlainServer},
	{name: mechLogin, has: (*Server).hasPasswords, begin: newLoginServer},
	{name: mechCRAMMD5, has: (*Server).hasCRAM, begin: newCRAMServer},
	{name: mechAnonymous, has: (*Server).hasAnonymous, begin: newAnonymousServer, public: true},
}

func scramOffer(hash SCRAMHash, plus bool) offer {
	o := offer{
		name:  hash.String(),
		has:   func(s *Server) bool { return s.scramParams(hash).Iterations > 0 },
		begin: func() mechanism { return newSCRAMServer(hash, plus) },
	}
	if plus {
		// RFC 5802 section 6: only with something to bind to.
		o.name, o.fits = o.name+plusSuffix, ConnectionState.canBind
	}
	return o
}

func (s *Server) hasPasswords() bool    { return s.Passwords != nil }
func (s *Server) hasTokens() bool       { return s.Tokens != nil }
func (s *Server) hasCertificates() bool { return s.Certificates != nil }
func (s *Server) hasCRAM() bool         { return s.Secrets != nil && s.InsecureCRAMMD5 }
func (s *Server) hasAnonymous() bool    { return s.Anonymous != nil }

// admit says whether the mechanism may be used on a connection in this state.
func (s *Server) admit(o *offer, cs ConnectionState) error {
	switch {
	case s == nil || !o.has(s) || s.Only != nil && !offers(s.Only, o.name):
		return ErrMechanism
	case cs.Identity != nil:
		return ErrAuthenticated
	case cs.TLS == nil && (o.fits != nil || !o.public && !s.InsecureAllowCleartext):
		return ErrCleartext
	case o.fits != nil && !o.fits(cs):
		return ErrMechanism
	}
	return nil
}

// offerOf returns the row of a mechanism, by its name without regard to ASCII case;
// nil if there is none.
func offerOf(name string) *offer {
	i := slices.IndexFunc(mechanisms[:], func(o offer) bool { return ascii.EqualFold(o.name, name) })
	if i < 0 {
		return nil
	}
	return &mechanisms[i]
}
