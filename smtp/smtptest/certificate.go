package smtptest

import (
	"crypto/tls"
	"testing"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// Certificate says what is wrong with a certificate. The zero value is good.
type Certificate uint8

// The certificates.
const (
	CertGood        = Certificate(testpeer.Good)
	CertWrongName   = Certificate(testpeer.WrongName)   // is for another host
	CertAddressOnly = Certificate(testpeer.AddressOnly) // is for the addresses 127.0.0.1 and ::1, and for no name
	CertExpired     = Certificate(testpeer.Expired)     // was good until 1999, before the clock of a testing/synctest bubble begins
	CertNotYetValid = Certificate(testpeer.NotYetValid) // will be good from 2189 on
	CertSelfSigned  = Certificate(testpeer.SelfSigned)  // vouches for itself
	CertUntrusted   = Certificate(testpeer.Untrusted)   // comes from an authority that the clients do not know
)

// NewTLS makes a certificate for these names or addresses, "smtp.test" if there
// are none, and returns a configuration for a server that shows it, and one for
// clients that would trust it if it were good, and expect the first name.
func NewTLS(t testing.TB, kind Certificate, names ...string) (server, client *tls.Config) {
	t.Helper()
	if len(names) == 0 {
		names = []string{serverName}
	}
	server, client, err := testpeer.NewTLS(testpeer.Kind(kind), names)
	if err != nil {
		t.Fatalf("smtptest: making a certificate: %v", err)
	}
	return server, client
}

// ShowCertificate lets handshakes from now on be made with such a certificate,
// as seen by the clients made here.
func (s *Server) ShowCertificate(kind Certificate) {
	s.t.Helper()
	chain := s.cert.Chain
	if kind != CertGood {
		var err error
		if chain, err = testpeer.Issue(s.cert, testpeer.Kind(kind), []string{serverName}); err != nil {
			s.t.Fatalf("smtptest: making a certificate: %v", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = &tls.Config{Certificates: []tls.Certificate{chain}}
}

// showing returns the configuration for a handshake; nil is the server's.
func (s *Server) showing(*tls.ClientHelloInfo) (*tls.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown, nil
}
