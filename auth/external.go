package auth

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/emersion/go-sasl"
)

// A CertificateVerifier knows whose a client's certificate is.
//
// VerifyCertificate returns the user; [ErrCredentials] or an error wrapping it if
// the certificate is nobody's; any other error if that could not be found out. The
// certificate was verified, for the use by a client, against the ClientCAs of the
// server's tls.Config, and must not be changed. An implementation must be safe for
// concurrent use.
type CertificateVerifier interface {
	VerifyCertificate(ctx context.Context, cert *x509.Certificate) (user string, err error)
}

// CertificateFunc is a function that is a [CertificateVerifier].
type CertificateFunc func(ctx context.Context, cert *x509.Certificate) (user string, err error)

// VerifyCertificate calls f.
func (f CertificateFunc) VerifyCertificate(ctx context.Context, cert *x509.Certificate) (string, error) {
	return f(ctx, cert)
}

// externalServer is the server's side of EXTERNAL (RFC 4422 appendix A): TLS has
// shown who the client is, and the only response says as whom it wants to act.
type externalServer struct{}

func newExternalServer() mechanism { return externalServer{} }

func (externalServer) next(ctx context.Context, x *Exchange, response []byte) ([]byte, *Identity, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	name := string(response)
	if reason := (claim{name: name, user: "-", password: "-"}).flaw(); reason != "" {
		return nil, nil, malformed(reason)
	}
	user, err := x.server.Certificates.VerifyCertificate(ctx, x.state.TLS.VerifiedChains[0][0])
	if err != nil {
		return nil, nil, err
	}
	if user == "" {
		return nil, nil, errors.New("auth: certificate of a user without a name")
	}
	x.user = user
	id, err := x.server.grant(ctx, x.mechanism, user, name)
	return nil, id, err
}

// hasVerifiedPeer reports whether the client has shown a certificate that stood up.
func (cs ConnectionState) hasVerifiedPeer() bool {
	return cs.TLS != nil && cs.TLS.HandshakeComplete && len(cs.TLS.VerifiedChains) > 0 && len(cs.TLS.VerifiedChains[0]) > 0
}

// External returns credentials of a client that shows a certificate in TLS: by
// EXTERNAL. name is the authorization identity to ask for, empty for the one that
// the server finds in the certificate.
func External(name string) Credentials { return externalCredentials{name} }

type externalCredentials struct{ name string }

func (e externalCredentials) Client(_ context.Context, cs ConnectionState, offered []string) (sasl.Client, error) {
	switch {
	case cs.TLS == nil:
		return nil, ErrCleartext
	case !offers(offered, mechExternal):
		return nil, noMechanism(offered)
	}
	return sasl.NewExternalClient(e.name), nil
}

func (e externalCredentials) Identity() Identity { return Identity{User: e.name, Name: e.name} }
