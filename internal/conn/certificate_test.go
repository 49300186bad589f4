package conn

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// twoNames are two certificates, and a client that takes either.
func twoNames(t *testing.T) (certs map[string]tls.Certificate, client func(name string) *tls.Config) {
	t.Helper()
	certs = map[string]tls.Certificate{}
	roots := map[string]*x509.CertPool{}
	for _, name := range []string{"one.example", "two.example"} {
		s, c := testnet.Cert(t, name)
		certs[name], roots[name] = s.Certificates[0], c.RootCAs
	}
	return certs, func(name string) *tls.Config {
		return &tls.Config{ServerName: name, RootCAs: roots[name]}
	}
}

// TestNoteCertificates: whatever chooses the certificate, both ends know the same one.
func TestNoteCertificates(t *testing.T) {
	t.Parallel()
	certs, client := twoNames(t)
	one, two := certs["one.example"], certs["two.example"]
	unparsed := two
	unparsed.Leaf = nil
	byName := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert := certs[hello.ServerName]
		return &cert, nil
	}
	for _, row := range []struct {
		name string
		cfg  *tls.Config
		asks string
	}{
		{"one alone", &tls.Config{Certificates: []tls.Certificate{two}}, "two.example"},
		{"one alone, not parsed", &tls.Config{Certificates: []tls.Certificate{unparsed}}, "two.example"},
		{"the first of several", &tls.Config{Certificates: []tls.Certificate{one, two}}, "one.example"},
		{"the second of several", &tls.Config{Certificates: []tls.Certificate{one, two}}, "two.example"},
		{"the second, not parsed", &tls.Config{Certificates: []tls.Certificate{one, unparsed}}, "two.example"},
		{"GetCertificate", &tls.Config{GetCertificate: byName}, "two.example"},
		{"GetCertificate before a default", &tls.Config{GetCertificate: byName, Certificates: []tls.Certificate{one}}, "two.example"},
		{"GetCertificate has none", &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil }, Certificates: []tls.Certificate{two},
		}, "two.example"},
		{"GetConfigForClient", &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{certs[hello.ServerName]}}, nil
		}}, "two.example"},
		{"GetConfigForClient, and GetCertificate of its", &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{GetCertificate: byName}, nil
		}}, "two.example"},
		{"GetConfigForClient leaves it", &tls.Config{
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, nil }, GetCertificate: byName,
		}, "two.example"},
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(row.name+"/"+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				cfg := client(row.asks)
				cfg.MaxVersion = version
				s, c := securedPair(t, NoteCertificates(row.cfg), cfg)
				require.NotNil(t, s.LocalCertificate())
				require.Equal(t, c.TLS().PeerCertificates[0].Raw, s.LocalCertificate().Raw)
				require.Nil(t, c.LocalCertificate())
			})
		}
	}
	require.Nil(t, NoteCertificates(nil))
	plain := &tls.Config{Certificates: []tls.Certificate{one}}
	require.Same(t, plain, NoteCertificates(plain), "which has nothing to choose from")
}

// TestNoteCertificatesLeavesTheRest: what chose before chooses still, and refuses still.
func TestNoteCertificatesLeavesTheRest(t *testing.T) {
	t.Parallel()
	certs, client := twoNames(t)
	away := errors.New("the store of certificates is away")
	for name, cfg := range map[string]*tls.Config{
		"GetCertificate":     {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, away }},
		"GetConfigForClient": {GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, away }},
	} {
		a, b := testnet.Pipe()
		server, c := New(a, Config{}), New(b, Config{})
		result := make(chan error, 1)
		go func() { result <- server.StartTLSServer(t.Context(), NoteCertificates(cfg), nil) }()
		require.Error(t, c.StartTLSClient(t.Context(), client("one.example")), name)
		require.ErrorIs(t, <-result, away, name)
		require.Nil(t, server.LocalCertificate())
	}
	legacy := &tls.Config{Certificates: []tls.Certificate{certs["one.example"], certs["two.example"]}}
	two := certs["two.example"]
	//lint:ignore SA1019 who uses it still is served as before
	legacy.NameToCertificate = map[string]*tls.Certificate{"one.example": &two}
	cfg := client("one.example")
	cfg.InsecureSkipVerify = true
	s, c := securedPair(t, NoteCertificates(legacy), cfg)
	require.Equal(t, two.Leaf.Raw, c.TLS().PeerCertificates[0].Raw)
	require.Nil(t, s.LocalCertificate(), "not known")
}

// TestNoteCertificatesOfResumedConnections: sessions are resumed as before, by keys of the
// server's own as by those that are set, and what was shown on another connection is not
// known.
func TestNoteCertificatesOfResumedConnections(t *testing.T) {
	t.Parallel()
	certs, client := twoNames(t)
	set := func(cfg *tls.Config) {
		var key [32]byte
		_, _ = rand.Read(key[:])
		cfg.SetSessionTicketKeys([][32]byte{key})
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, keys := range []string{"own", "set", "set late", "changed"} {
			t.Run(tls.VersionName(version)+"/"+keys, func(t *testing.T) {
				t.Parallel()
				cfg := &tls.Config{Certificates: []tls.Certificate{certs["one.example"], certs["two.example"]}}
				if keys == "set" {
					set(cfg)
				}
				noting := NoteCertificates(cfg)
				if keys == "set late" {
					set(cfg)
				}
				c := client("two.example")
				c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(4)
				shake := func() *Conn {
					s, c := securedPair(t, noting, c)
					go func() { _, _ = s.Writer().WriteString("250 ok\r\n"); _ = s.Flush() }()
					_, err := c.ReadLine(100) // takes the ticket on the way
					require.NoError(t, err)
					return s
				}
				require.NotNil(t, shake().LocalCertificate())
				if keys == "changed" {
					set(cfg)
					require.False(t, shake().TLS().DidResume)
				}
				again := shake()
				require.True(t, again.TLS().DidResume)
				require.Nil(t, again.LocalCertificate())
			})
		}
	}
}

// TestNoteCertificatesParsesOnce what GetCertificate gives without a Leaf, each time
// anew, and remembers a few of them.
func TestNoteCertificatesParsesOnce(t *testing.T) {
	t.Parallel()
	certs, client := twoNames(t)
	noting := NoteCertificates(&tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		cert := certs[hello.ServerName]
		cert.Leaf, cert.Certificate = nil, [][]byte{bytes.Clone(cert.Certificate[0])}
		return &cert, nil
	}})
	shown := map[string]*x509.Certificate{}
	for range 2 {
		for name, cert := range certs {
			s, _ := securedPair(t, noting, client(name))
			require.Equal(t, cert.Leaf.Raw, s.LocalCertificate().Raw)
			if shown[name] != nil {
				require.Same(t, shown[name], s.LocalCertificate())
			}
			shown[name] = s.LocalCertificate()
		}
	}

	var k leaves
	for range 2 * maxLeaves {
		s, _ := testnet.Cert(t, "some.example")
		cert := s.Certificates[0]
		cert.Leaf = nil
		require.Same(t, k.of(&cert), k.of(&cert))
		require.LessOrEqual(t, len(k.last), maxLeaves)
	}
	require.Nil(t, k.of(&tls.Certificate{}))
	require.Nil(t, k.of(&tls.Certificate{Certificate: [][]byte{{1}}}), "damaged")
}

// TestNoteCertificatesWithoutLeaf: what is not parsed yet is, once for all connections, and
// is known of resumed ones too: there is no other.
func TestNoteCertificatesWithoutLeaf(t *testing.T) {
	t.Parallel()
	certs, client := twoNames(t)
	one := certs["one.example"]
	want := one.Leaf.Raw
	one.Leaf = nil
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		noting := NoteCertificates(&tls.Config{Certificates: []tls.Certificate{one}})
		c := client("one.example")
		c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(4)
		var first *x509.Certificate
		for i := range 3 {
			s, c := securedPair(t, noting, c)
			go func() { _, _ = s.Writer().WriteString("250 ok\r\n"); _ = s.Flush() }()
			_, err := c.ReadLine(100) // takes the ticket on the way
			require.NoError(t, err)
			if i == 0 {
				first = s.LocalCertificate()
				require.Equal(t, want, first.Raw)
			}
			require.Equal(t, i > 0, s.TLS().DidResume)
			require.Same(t, first, s.LocalCertificate())
		}
	}
}
