package pop3test

import (
	"crypto/tls"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// Certificate is a kind of certificate that a [Server] may have.
type Certificate int

const (
	Trusted   Certificate = iota // the clients that the Server makes trust it
	Untrusted                    // by an authority that nobody knows
	WrongName                    // trusted, for another host
	Expired                      // trusted, and out of date
)

// makeCertificate makes a certificate; one that is trusted, apart from its fault, is
// added to what the server's clients trust.
func (s *Server) makeCertificate(kind Certificate) testpeer.Certificate {
	s.t.Helper()
	made := testpeer.NewCertificate
	name := serverName
	switch kind {
	case Expired:
		made = testpeer.NewExpiredCertificate
	case WrongName:
		name = "other.test"
	case Trusted, Untrusted:
	}
	cert, err := made(name)
	if err != nil {
		s.t.Fatalf("pop3test: making a certificate: %v", err)
	}
	if kind == WrongName || kind == Expired {
		s.cert.Pool.AddCert(cert.Chain.Leaf)
	}
	return cert
}

// NewCertificate returns TLS configurations for servers and clients of a test's own:
// a certificate for name, localhost and the loopback addresses, and trust in it.
func NewCertificate(name string) (server, client *tls.Config, err error) {
	cert, err := testpeer.NewCertificate(name)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert.Chain}}, &tls.Config{RootCAs: cert.Pool, ServerName: name}, nil
}
