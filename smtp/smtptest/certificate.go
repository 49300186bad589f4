package smtptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/posthouse/posthouse/internal/testpeer"
)

// Certificate says what is wrong with a certificate. The zero value is good.
type Certificate uint8

// The certificates.
const (
	CertGood        Certificate = iota
	CertWrongName               // is for another host
	CertAddressOnly             // is for the addresses 127.0.0.1 and ::1, and for no name
	CertExpired                 // was good until 1999, before the clock of a testing/synctest bubble begins
	CertNotYetValid             // will be good from 2189 on
	CertSelfSigned              // vouches for itself
	CertUntrusted               // comes from an authority that the clients do not know
)

// NewTLS makes a certificate for these names or addresses, "smtp.test" if there
// are none, and returns a configuration for a server that shows it, and one for
// clients that would trust it if it were good, and expect the first name.
func NewTLS(t testing.TB, kind Certificate, names ...string) (server, client *tls.Config) {
	t.Helper()
	if len(names) == 0 {
		names = []string{serverName}
	}
	authority, err := testpeer.NewCertificate("authority.test")
	if err != nil {
		t.Fatalf("smtptest: making a certificate: %v", err)
	}
	chain, err := issue(authority, kind, names)
	if err != nil {
		t.Fatalf("smtptest: making a certificate: %v", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{chain}},
		&tls.Config{RootCAs: authority.Pool, ServerName: names[0]}
}

// ShowCertificate lets handshakes from now on be made with such a certificate,
// as seen by the clients made here.
func (s *Server) ShowCertificate(kind Certificate) {
	s.t.Helper()
	chain := s.cert.Chain
	if kind != CertGood {
		var err error
		if chain, err = issue(s.cert, kind, []string{serverName}); err != nil {
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

// issue makes a certificate of some kind, signed by the authority if the kind does
// not say another.
func issue(authority testpeer.Certificate, kind Certificate, names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		NotBefore:    authority.Chain.Leaf.NotBefore,
		NotAfter:     authority.Chain.Leaf.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	parent, signer := authority.Chain.Leaf, authority.Chain.PrivateKey
	switch kind {
	case CertWrongName:
		names = []string{"another.test"}
	case CertAddressOnly:
		names = []string{"127.0.0.1", "::1"}
	case CertExpired:
		template.NotAfter = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	case CertNotYetValid:
		template.NotBefore = time.Date(2189, 1, 1, 0, 0, 0, 0, time.UTC)
	case CertSelfSigned:
		parent, signer = template, key
	case CertUntrusted:
		stranger, err := testpeer.NewCertificate("authority.test")
		if err != nil {
			return tls.Certificate{}, err
		}
		parent, signer = stranger.Chain.Leaf, stranger.Chain.PrivateKey
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	template.Subject = pkix.Name{CommonName: names[0]}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
