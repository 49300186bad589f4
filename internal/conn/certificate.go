package conn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"sync"
)

// NoteCertificates returns a config that does what cfg does, and that has connections
// know which certificate StartTLSServer has shown on them where cfg has a choice: by
// the name that the client asks for, for example. It returns cfg itself if that has
// none, and the Leaf of its certificate. It is for a server to make once: connections
// of one config resume each other's sessions. The keys of these are cfg's if they were
// set, at any time, and its own otherwise.
func NoteCertificates(cfg *tls.Config) *tls.Config {
	if cfg == nil || hasOneCertificate(cfg) && cfg.Certificates[0].Leaf != nil {
		return cfg
	}
	noting := cfg.Clone()
	if hasOneCertificate(cfg) {
		leaf := leafOf(&cfg.Certificates[0]) // once, and not a copy for each connection
		noting.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if l, ok := hello.Conn.(*link); ok {
				l.shown, l.sole = leaf, true
			}
			return cfg, nil
		}
		return noting
	}
	known := new(leaves)
	noting.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen := cfg
		if cfg.GetConfigForClient != nil {
			c, err := cfg.GetConfigForClient(hello)
			if err != nil {
				return nil, err
			}
			if c != nil {
				chosen = c
			}
		}
		if l, ok := hello.Conn.(*link); ok {
			return l.noteCertificate(chosen, known), nil
		}
		return chosen, nil
	}
	return noting
}

// hasOneCertificate reports whether every client of cfg is shown the same.
func hasOneCertificate(cfg *tls.Config) bool {
	return len(cfg.Certificates) == 1 && cfg.GetCertificate == nil && cfg.GetConfigForClient == nil
}

// noteCertificate returns a config for one handshake, which notes what it shows. It lasts
// as long as the connection, and takes two thirds of a kilobyte.
func (l *link) noteCertificate(cfg *tls.Config, known *leaves) *tls.Config {
	//lint:ignore SA1019 a config of former days goes on to do what it did, and is not noted
	if cfg.NameToCertificate != nil {
		return cfg
	}
	noting := cfg.Clone()
	noting.Certificates = nil // with them GetCertificate is not asked by clients that name no server
	noting.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert, err := chooseCertificate(cfg, hello)
		if cert != nil {
			l.shown = known.of(cert)
		}
		return cert, err
	}
	return noting
}

// chooseCertificate does what crypto/tls does without it.
func chooseCertificate(cfg *tls.Config, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if cfg.GetCertificate != nil && (len(cfg.Certificates) == 0 || hello.ServerName != "") {
		if cert, err := cfg.GetCertificate(hello); cert != nil || err != nil {
			return cert, err
		}
	}
	for i := range cfg.Certificates {
		if len(cfg.Certificates) == 1 || hello.SupportsCertificate(&cfg.Certificates[i]) == nil {
			return &cfg.Certificates[i], nil
		}
	}
	if len(cfg.Certificates) > 0 {
		return &cfg.Certificates[0], nil
	}
	return nil, nil // which crypto/tls refuses
}

// maxLeaves is how many certificates are remembered that had to be parsed.
const maxLeaves = 16

// leaves are the certificates that were parsed last, for connections to share: one takes
// three kilobytes, and each connection keeps the one that was shown on it.
type leaves struct {
	mu   sync.Mutex
	last []*x509.Certificate // the last one parsed at the end
}

// of is leafOf, but parses a certificate once.
func (k *leaves) of(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil || len(cert.Certificate) == 0 {
		return cert.Leaf
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, leaf := range k.last {
		if bytes.Equal(leaf.Raw, cert.Certificate[0]) {
			return leaf
		}
	}
	leaf := leafOf(cert)
	if leaf != nil {
		k.last = append(k.last[max(0, len(k.last)-maxLeaves+1):], leaf)
	}
	return leaf
}

// leafOf returns the certificate itself, without those that vouch for it; nil if there is
// none, or it is damaged.
func leafOf(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil || len(cert.Certificate) == 0 {
		return cert.Leaf
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}
