package auth

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
)

// ends are the states of both ends of a connection with TLS.
type ends struct{ server, client ConnectionState }

// shake makes a handshake in one version of TLS; tune may change the configurations.
func shake(t testing.TB, version uint16, tune func(server, client *tls.Config)) ends {
	t.Helper()
	server, client := testnet.Cert(t, "mail.example")
	server.MaxVersion, client.MaxVersion = version, version
	client.ServerName = "mail.example"
	if tune != nil {
		tune(server, client)
	}
	return handshake(t, server, client)
}

func handshake(t testing.TB, server, client *tls.Config) ends {
	t.Helper()
	a, b := testnet.Pipe()
	s, c := tls.Server(a, server), tls.Client(b, client)
	done := make(chan error, 1)
	go func() {
		err := s.HandshakeContext(t.Context())
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		done <- err
	}()
	require.NoError(t, c.HandshakeContext(t.Context()))
	_, err := c.Read(make([]byte, 1)) // takes the ticket on the way
	require.NoError(t, err)
	require.NoError(t, <-done)
	ss, cs := s.ConnectionState(), c.ConnectionState()
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
	return ends{
		ConnectionState{ID: "s", Protocol: Submission, TLS: &ss, LocalCertificate: server.Certificates[0].Leaf},
		ConnectionState{ID: "c", Protocol: Submission, TLS: &cs},
	}
}

func TestBindings(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		version uint16
		has     map[string]bool
		def     string
		covers  []string
	}{
		{"TLS 1.3", tls.VersionTLS13, map[string]bool{bindExporter: true, bindEndPoint: true}, bindExporter, nil},
		{"TLS 1.2", tls.VersionTLS12, map[string]bool{bindExporter: true, bindUnique: true, bindEndPoint: true}, bindUnique, []string{"rfc5802-6.1-1", "rfc5802-6.1-2"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.covers != nil {
				rfc.Covers(t, row.covers...)
			}
			e, other := shake(t, row.version, nil), shake(t, row.version, nil)
			for _, kind := range []string{bindExporter, bindUnique, bindEndPoint, "tls-unheard-of", ""} {
				ours := e.server.binding(kind, e.server.LocalCertificate)
				require.Equal(t, row.has[kind], len(ours) > 0, kind)
				require.Equal(t, ours, e.client.binding(kind, e.client.peerCertificate()), kind)
				if len(ours) > 0 {
					require.NotEqual(t, ours, other.client.binding(kind, other.client.peerCertificate()), kind)
				}
			}
			kind, data := e.client.defaultBinding(e.client.peerCertificate())
			require.Equal(t, row.def, kind)
			require.Equal(t, e.server.binding(kind, nil), data)
			require.True(t, e.server.canBind())
		})
	}
	require.False(t, cleartext.canBind())
	require.False(t, secure.canBind(), "a state that no handshake has made")
	require.False(t, ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true, Version: tls.VersionTLS13}}.canBind())
}

// TestBindingExporter holds the value to RFC 9266 section 2, whose context is empty
// and not absent.
func TestBindingExporter(t *testing.T) {
	t.Parallel()
	e := shake(t, tls.VersionTLS12, nil)
	with, err := e.server.TLS.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	require.NoError(t, err)
	without, err := e.server.TLS.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	require.NoError(t, err)
	require.NotEqual(t, with, without)
	require.Equal(t, with, e.client.binding(bindExporter, nil))
}

// A connection that was resumed is bound to what is its own.
func TestBindingOfResumedConnections(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		server, client := testnet.Cert(t, "mail.example")
		server.MaxVersion, client.MaxVersion, client.ServerName = version, version, "mail.example"
		client.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		first, again := handshake(t, server, client), handshake(t, server, client)
		require.True(t, again.client.TLS.DidResume)
		for _, kind := range []string{bindExporter, bindUnique} {
			data := again.server.binding(kind, nil)
			require.Equal(t, data, again.client.binding(kind, nil))
			if data != nil {
				require.NotEqual(t, data, first.client.binding(kind, nil))
			}
		}
	}
}

func TestEndPoint(t *testing.T) {
	t.Parallel()
	raw := []byte("a certificate")
	sha2, sha3, sha5 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, want := range map[x509.SignatureAlgorithm][]byte{
		x509.MD5WithRSA:                sha2[:],
		x509.SHA1WithRSA:               sha2[:],
		x509.ECDSAWithSHA1:             sha2[:],
		x509.SHA256WithRSA:             sha2[:],
		x509.SHA256WithRSAPSS:          sha2[:],
		x509.ECDSAWithSHA256:           sha2[:],
		x509.SHA384WithRSA:             sha3[:],
		x509.ECDSAWithSHA384:           sha3[:],
		x509.SHA512WithRSA:             sha5[:],
		x509.ECDSAWithSHA512:           sha5[:],
		x509.PureEd25519:               nil,
		x509.UnknownSignatureAlgorithm: nil,
	} {
		require.Equal(t, want, endPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm}), algorithm)
	}
	require.Nil(t, endPoint(nil))
	require.True(t, crypto.SHA384.Available())
}

// TestSCRAMPlus logs in with each type of channel binding and each hash, and finds
// somebody in the middle who has a TLS connection to either side.
func TestSCRAMPlus(t *testing.T) {
	t.Parallel()
	s := &Server{Secrets: Passwords{"tim": "tanstaaf"}, Budget: endless}
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		e, other := shake(t, version, nil), shake(t, version, nil)
		offered := s.Mechanisms(e.server)
		require.Equal(t, []string{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"}, offered)
		for _, kind := range []string{"", bindExporter, bindUnique, bindEndPoint} {
			for _, mechanism := range offered[:3] {
				t.Run(name+"/"+mechanism+"/"+kind, func(t *testing.T) {
					t.Parallel()
					rfc.Covers(t, "rfc5802-6-5", "rfc5802-6-7", "rfc5802-6-10", "rfc5802-6.1-4", "rfc5802-7-2")
					p := PasswordCredentials{User: "tim", Password: "tanstaaf", Binding: kind}
					client, err := p.Client(t.Context(), e.client, []string{mechanism, "SCRAM-SHA-512", "PLAIN"})
					if kind == bindUnique && version == tls.VersionTLS13 {
						require.ErrorIs(t, err, ErrNoMechanism)
						return
					}
					require.NoError(t, err)
					id, err := login(t.Context(), s, e.server, "", client)
					require.NoError(t, err)
					require.Equal(t, &Identity{User: "tim", Name: "tim", Mechanism: mechanism}, id)

					client, err = p.Client(t.Context(), other.client, []string{mechanism})
					require.NoError(t, err)
					_, err = login(t.Context(), s, e.server, "", client)
					require.ErrorIs(t, err, ErrCredentials)
					require.ErrorIs(t, err, ErrChannelBinding)
				})
			}
		}
	}
}

// TestSCRAMOffers has both forms where there is something to bind to, and only the bound
// one where nothing else would do.
func TestSCRAMOffers(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5802-6-1", "rfc5802-6-2", "rfc5802-6-3")
	e := shake(t, tls.VersionTLS13, nil)
	s := &Server{Secrets: Passwords{}}
	require.Equal(t, []string{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"}, s.Mechanisms(e.server))
	require.Equal(t, []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"}, s.Mechanisms(secure))
	bound := &Server{Secrets: Passwords{}, Only: []string{"SCRAM-SHA-256-PLUS"}}
	require.Equal(t, []string{"SCRAM-SHA-256-PLUS"}, bound.Mechanisms(e.server))
	_, err := bound.Start(t.Context(), e.server, "SCRAM-SHA-256")
	require.Equal(t, ErrMechanism, err)
}

// TestSCRAMDowngrade strips things from what is offered.
func TestSCRAMDowngrade(t *testing.T) {
	t.Parallel()
	s := &Server{Secrets: Passwords{"tim": "tanstaaf"}, Passwords: Passwords{"tim": "tanstaaf"}, Budget: endless}
	e := shake(t, tls.VersionTLS13, nil)
	tim := PasswordCredentials{User: "tim", Password: "tanstaaf"}
	first := func(t *testing.T, p PasswordCredentials, cs ConnectionState, offered ...string) string {
		client, err := p.Client(t.Context(), cs, offered)
		require.NoError(t, err)
		mechanism, ir, err := client.Start()
		require.NoError(t, err)
		flag, _, _ := strings.Cut(string(ir), ",")
		return mechanism + " " + flag
	}
	t.Run("the best there is", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5802-4-2", "rfc5802-6-5")
		require.Equal(t, "SCRAM-SHA-512-PLUS p=tls-exporter", first(t, tim, e.client, s.Mechanisms(e.server)...))
		require.Equal(t, "SCRAM-SHA-1-PLUS p=tls-exporter", first(t, tim, e.client, "PLAIN", "SCRAM-SHA-512", "scram-sha-1-plus"))
	})
	t.Run("-PLUS stripped", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5802-6-4", "rfc5802-6-8")
		require.Equal(t, "SCRAM-SHA-512 y", first(t, tim, e.client, "SCRAM-SHA-512", "SCRAM-SHA-1", "PLAIN"))
		client, err := tim.Client(t.Context(), e.client, []string{"SCRAM-SHA-256", "PLAIN"})
		require.NoError(t, err)
		_, err = login(t.Context(), s, e.server, "", client)
		require.ErrorIs(t, err, ErrCredentials)
		require.ErrorIs(t, err, ErrChannelBinding)
	})
	t.Run("-PLUS stripped, where it was of another hash", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5802-6-8")
		odd := &Server{Secrets: s.Secrets, Only: []string{"SCRAM-SHA-512-PLUS", "SCRAM-SHA-256"}}
		client, err := tim.Client(t.Context(), e.client, []string{"SCRAM-SHA-256"})
		require.NoError(t, err)
		_, err = login(t.Context(), odd, e.server, "", client)
		require.ErrorIs(t, err, ErrChannelBinding)
	})
	t.Run("a server that cannot bind", func(t *testing.T) {
		t.Parallel()
		client, err := tim.Client(t.Context(), e.client, s.Mechanisms(secure))
		require.NoError(t, err)
		_, err = login(t.Context(), s, secure, "", client)
		require.NoError(t, err, "a flag y is true there")
	})
	t.Run("a client that cannot bind", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5802-6-6")
		require.Equal(t, "SCRAM-SHA-512 n", first(t, tim, secure, "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"))
		client, err := tim.Client(t.Context(), secure, s.Mechanisms(e.server))
		require.NoError(t, err)
		_, err = login(t.Context(), s, e.server, "", client)
		require.NoError(t, err)
	})
	t.Run("a caller who wants no binding", func(t *testing.T) {
		t.Parallel()
		p := tim
		p.Mechanisms = []string{"SCRAM-SHA-256"}
		require.Equal(t, "SCRAM-SHA-256 n", first(t, p, e.client, s.Mechanisms(e.server)...))
	})
	t.Run("a caller who wants binding", func(t *testing.T) {
		t.Parallel()
		p := tim
		p.Mechanisms = []string{"SCRAM-SHA-256-PLUS"}
		_, err := p.Client(t.Context(), e.client, []string{"SCRAM-SHA-256", "PLAIN"})
		require.ErrorIs(t, err, ErrNoMechanism)
	})
	t.Run("flag p by the name without -PLUS", func(t *testing.T) {
		t.Parallel()
		client, err := tim.Client(t.Context(), e.client, []string{"SCRAM-SHA-256-PLUS"})
		require.NoError(t, err)
		_, err = login(t.Context(), s, e.server, "SCRAM-SHA-256", client)
		require.Error(t, err)
	})
	t.Run("flag n by the name with -PLUS", func(t *testing.T) {
		t.Parallel()
		client, err := tim.Client(t.Context(), secure, []string{"SCRAM-SHA-256"})
		require.NoError(t, err)
		_, err = login(t.Context(), s, e.server, "SCRAM-SHA-256-PLUS", client)
		require.Error(t, err)
	})
	t.Run("a type that the server does not know", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5802-6-9")
		x, err := s.Start(t.Context(), e.server, "SCRAM-SHA-256-PLUS")
		require.NoError(t, err)
		_, _, err = x.Next(t.Context(), []byte("p=tls-unique,,n=tim,r=abc")) // which TLS 1.3 has not
		require.ErrorIs(t, err, ErrCredentials)
		require.ErrorIs(t, err, ErrChannelBinding)
	})
	t.Run("a type that the connection has not", func(t *testing.T) {
		t.Parallel()
		for _, cs := range []ConnectionState{e.client, cleartext} {
			p := tim
			p.Binding, p.InsecureAllowCleartext = "tls-unique", true // which TLS 1.3 has not
			_, err := p.Client(t.Context(), cs, []string{"SCRAM-SHA-256", "PLAIN"})
			require.ErrorIs(t, err, ErrNoMechanism)
			_, _, err = p.UserPassword(cs)
			require.ErrorIs(t, err, ErrNoMechanism, "nor by USER and PASS")
		}
	})
	t.Run("without TLS", func(t *testing.T) {
		t.Parallel()
		_, err := tim.Client(t.Context(), cleartext, []string{"SCRAM-SHA-256", "PLAIN"})
		require.ErrorIs(t, err, ErrCleartext, "STARTTLS stripped")
		require.Empty(t, s.Mechanisms(cleartext))
		require.True(t, s.NeedsTLS(cleartext))
		p := tim
		p.InsecureAllowCleartext, p.Mechanisms = true, []string{"SCRAM-SHA-256"}
		require.Equal(t, "SCRAM-SHA-256 n", first(t, p, cleartext, "SCRAM-SHA-256", "PLAIN"))
		_, err = p.Client(t.Context(), cleartext, []string{"PLAIN"})
		require.ErrorIs(t, err, ErrNoMechanism)
		open := &Server{Secrets: s.Secrets, Passwords: s.Passwords, InsecureAllowCleartext: true}
		require.Equal(t, []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}, open.Mechanisms(cleartext))
		require.False(t, open.NeedsTLS(ConnectionState{Identity: &Identity{}}))
		_, err = open.Start(t.Context(), cleartext, "SCRAM-SHA-256-PLUS")
		require.Equal(t, ErrCleartext, err)
	})
}
