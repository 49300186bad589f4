package testpeer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// Kind says what is wrong with a certificate.
type Kind uint8

// The kinds, as smtptest and pop3test explain them.
const (
	Good Kind = iota
	WrongName
	AddressOnly
	Expired
	NotYetValid
	SelfSigned
	Untrusted
)

// NewTLS makes an authority and a certificate of some kind, and returns a configuration
// for a server that shows it, and one for clients that trust the authority and expect the
// first of the names.
func NewTLS(kind Kind, names []string) (server, client *tls.Config, err error) {
	authority, err := NewCertificate("authority.test")
	if err != nil {
		return nil, nil, err
	}
	chain, err := Issue(authority, kind, names)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{chain}}, &tls.Config{RootCAs: authority.Pool, ServerName: names[0]}, nil
}

// Issue makes a certificate of some kind for these names or addresses, signed by the
// authority if the kind does not say another.
func Issue(authority Certificate, kind Kind, names []string) (tls.Certificate, error) {
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
	case WrongName:
		names = []string{"another.test"}
	case AddressOnly:
		names = []string{"127.0.0.1", "::1"}
	case Expired:
		template.NotAfter = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	case NotYetValid:
		template.NotBefore = time.Date(2189, 1, 1, 0, 0, 0, 0, time.UTC)
	case SelfSigned:
		parent, signer = template, key
	case Untrusted:
		stranger, err := NewCertificate("authority.test")
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
