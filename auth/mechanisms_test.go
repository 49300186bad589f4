package auth

import (
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"
)

// TestOffers says which verifier brings which mechanisms.
func TestOffers(t *testing.T) {
	t.Parallel()
	verified := ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true, VerifiedChains: [][]*x509.Certificate{{{}}}}}
	claimed := ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true, PeerCertificates: []*x509.Certificate{{}}}}
	sha256Only := scramTable{SCRAMParams{Iterations: 4096}, map[string]SCRAMKeys{"tim": {Hash: SCRAMSHA256}}}
	anybody := func(context.Context, ConnectionState, string) (string, error) { return "guest", nil }
	whose := CertificateFunc(func(context.Context, *x509.Certificate) (string, error) { return "tim", nil })
	for _, row := range []struct {
		name   string
		server *Server
		cs     ConnectionState
		want   string
	}{
		{"SCRAM with keys of one hash", &Server{SCRAM: sha256Only}, secure, "SCRAM-SHA-256"},
		{"SCRAM with keys before secrets", &Server{SCRAM: sha256Only, Secrets: Passwords{}}, secure, "SCRAM-SHA-256"},
		{"SCRAM of secrets", &Server{Secrets: Passwords{}}, secure, "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1"},
		{"CRAM-MD5 when asked for", &Server{Secrets: Passwords{}, InsecureCRAMMD5: true}, secure, "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5"},
		{"CRAM-MD5 without secrets", &Server{InsecureCRAMMD5: true}, secure, ""},
		{"tokens", &Server{Tokens: TokenFunc(tokens)}, secure, "OAUTHBEARER XOAUTH2"},
		{"certificate verified", &Server{Certificates: whose}, verified, "EXTERNAL"},
		{"certificate not verified", &Server{Certificates: whose}, claimed, ""},
		{"no certificate", &Server{Certificates: whose}, secure, ""},
		{"anonymous", &Server{Anonymous: anybody}, secure, "ANONYMOUS"},
		{"anonymous without TLS", &Server{Anonymous: anybody, Passwords: table, Tokens: TokenFunc(tokens), Certificates: whose, Secrets: Passwords{}}, cleartext, "ANONYMOUS"},
		{"everything", &Server{Anonymous: anybody, Passwords: table, Tokens: TokenFunc(tokens), Certificates: whose, SCRAM: sha256Only}, verified, "SCRAM-SHA-256 EXTERNAL OAUTHBEARER XOAUTH2 PLAIN LOGIN ANONYMOUS"},
		{"only some", &Server{Passwords: table, Tokens: TokenFunc(tokens), Only: []string{"plain", "XOAUTH2", "SCRAM-SHA-256"}}, secure, "XOAUTH2 PLAIN"},
		{"only none", &Server{Passwords: table, Only: []string{}}, secure, ""},
		{"nothing twice", &Server{Passwords: table, Anonymous: anybody}, known, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := row.server.Mechanisms(row.cs)
			require.Equal(t, row.want, strings.Join(got, " "))
			for _, o := range mechanisms {
				_, err := row.server.Start(t.Context(), row.cs, strings.ToLower(o.name))
				require.Equal(t, offers(got, o.name), err == nil, o.name)
			}
			for _, never := range []string{"DIGEST-MD5", "NTLM", "GSSAPI", "SCRAM-SHA-224", "SCRAM", "-PLUS", ""} {
				_, err := row.server.Start(t.Context(), row.cs, never)
				require.Equal(t, ErrMechanism, err, never)
			}
		})
	}
	s := &Server{Passwords: table, Only: []string{"LOGIN"}}
	_, err := s.Password(t.Context(), secure, "tim", "tanstaaftanstaaf")
	require.Equal(t, ErrMechanism, err, "USER goes with PLAIN")
	_, err = (&Server{Certificates: whose}).Start(t.Context(), cleartext, "EXTERNAL")
	require.Equal(t, ErrCleartext, err)
}

// TestCRAMMD5Example is the one of RFC 2195 section 2.
func TestCRAMMD5Example(t *testing.T) {
	t.Parallel()
	const (
		challenge = "<1896.697170952@postoffice.reston.mci.net>"
		response  = "tim b913a602c7eda7a495b4e6e7334d3890"
	)
	p := PasswordCredentials{User: "tim", Password: "tanstaaftanstaaf", Mechanisms: []string{"CRAM-MD5"}}
	client, err := p.Client(t.Context(), secure, []string{"CRAM-MD5", "PLAIN"})
	require.NoError(t, err)
	mechanism, ir, err := client.Start()
	require.NoError(t, err)
	require.Equal(t, "CRAM-MD5", mechanism)
	require.Nil(t, ir)
	got, err := client.Next([]byte(challenge))
	require.NoError(t, err)
	require.Equal(t, response, string(got))
	_, err = client.Next([]byte(challenge))
	require.ErrorIs(t, err, sasl.ErrUnexpectedServerChallenge)

	s := &Server{Secrets: Passwords{"tim": "tanstaaftanstaaf"}, InsecureCRAMMD5: true}
	x, err := s.Start(t.Context(), secure, "CRAM-MD5")
	require.NoError(t, err)
	x.steps.(*cramServer).challenge = challenge
	text, done, err := x.Next(t.Context(), nil)
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, challenge, string(text))
	_, done, err = x.Next(t.Context(), []byte(response))
	require.NoError(t, err)
	require.True(t, done)
	require.Equal(t, &Identity{User: "tim", Name: "tim", Mechanism: "CRAM-MD5"}, x.Identity())
}

func TestCRAMMD5(t *testing.T) {
	t.Parallel()
	secrets := SecretFunc(func(ctx context.Context, user string) (string, error) {
		if user == "outage" {
			return "", errOutage
		}
		return Passwords{"tim": "tanstaaf", "a b": "x", "IX": "pass word"}.Secret(ctx, user)
	})
	s := &Server{Secrets: secrets, InsecureCRAMMD5: true, Budget: endless}
	p := func(user, password string) PasswordCredentials {
		return PasswordCredentials{User: user, Password: password, Mechanisms: []string{"CRAM-MD5"}}
	}
	for _, row := range []struct {
		name string
		p    PasswordCredentials
		as   string
		err  error
	}{
		{"right", p("tim", "tanstaaf"), "tim", nil},
		{"name with a blank", p("a b", "x"), "a b", nil},
		{"prepared", p("I\u00adX", "pass\u00a0word"), "IX", nil},
		{"wrong password", p("tim", "x"), "", ErrCredentials},
		{"unknown user", p("tom", "x"), "", ErrCredentials},
		{"unknown user, by what is hashed instead", p("tom", noSecret), "", ErrCredentials},
		{"outage", p("outage", "x"), "", errOutage},
	} {
		client, err := row.p.Client(t.Context(), secure, s.Mechanisms(secure))
		require.NoError(t, err, row.name)
		id, err := login(t.Context(), s, secure, "", client)
		require.ErrorIs(t, err, row.err, row.name)
		if row.as != "" {
			require.Equal(t, &Identity{User: row.as, Name: row.as, Mechanism: "CRAM-MD5"}, id)
		}
	}
	for _, bad := range []PasswordCredentials{p("t\u0007m", "x"), p("tim", "\u0007"), p("\u00ad", "x"), p("tim", "\u00ad")} {
		_, err := bad.Client(t.Context(), secure, []string{"CRAM-MD5"})
		require.ErrorIs(t, err, ErrCredentials, "%q", bad.User)
	}
	for _, user := range []string{"\u00ad", "a\u0627"} { // prepared to nothing, and to be read in two directions
		x, err := s.Start(t.Context(), secure, "CRAM-MD5")
		require.NoError(t, err)
		_, _, err = x.Next(t.Context(), nil)
		require.NoError(t, err)
		_, _, err = x.Next(t.Context(), []byte(user+" b913a602c7eda7a495b4e6e7334d3890"))
		require.ErrorIs(t, err, ErrCredentials, "%q", user)
	}
	_, err := Password("tim", "x").Client(t.Context(), secure, []string{"CRAM-MD5"})
	require.ErrorIs(t, err, ErrNoMechanism, "only when it is named")

	challenges := map[string]bool{}
	for _, response := range []string{
		"", " ", "tim", "tim ", " b913a602c7eda7a495b4e6e7334d3890", "tim b913a602c7eda7a495b4e6e7334d389",
		"tim B913A602C7EDA7A495B4E6E7334D3890", "tim b913a602c7eda7a495b4e6e7334d38900", "t\x00m b913a602c7eda7a495b4e6e7334d3890",
		"t\xffm b913a602c7eda7a495b4e6e7334d3890", long("u") + "u b913a602c7eda7a495b4e6e7334d3890",
	} {
		x, err := s.Start(t.Context(), secure, "CRAM-MD5")
		require.NoError(t, err)
		challenge, _, err := x.Next(t.Context(), nil)
		require.NoError(t, err)
		require.Regexp(t, `^<[!-;=?-~]+@localhost>$`, string(challenge))
		require.False(t, challenges[string(challenge)])
		challenges[string(challenge)] = true
		_, done, err := x.Next(t.Context(), []byte(response))
		require.False(t, done)
		bad := (*MalformedError)(nil)
		require.ErrorAs(t, err, &bad, "%q", response)
	}
	x, err := s.Start(t.Context(), secure, "CRAM-MD5")
	require.NoError(t, err)
	_, _, err = x.Next(t.Context(), []byte("tim b913a602c7eda7a495b4e6e7334d3890"))
	bad := (*MalformedError)(nil)
	require.ErrorAs(t, err, &bad, "an initial response")
	require.Equal(t, md5.Size, len(cramDigest("", "")))
}

func TestExternal(t *testing.T) {
	t.Parallel()
	leaf := &x509.Certificate{Raw: []byte("leaf")}
	cs := ConnectionState{TLS: &tls.ConnectionState{HandshakeComplete: true, VerifiedChains: [][]*x509.Certificate{{leaf, {}}}}}
	whose := "tim"
	var fails error
	s := &Server{Certificates: CertificateFunc(func(_ context.Context, cert *x509.Certificate) (string, error) {
		require.Same(t, leaf, cert)
		return whose, fails
	})}
	for _, row := range []struct {
		name string
		user string
		err  error
		as   string // asked for
		want string
	}{
		{"own name", "tim", nil, "", "tim"},
		{"own name said", "tim", nil, "tim", "tim"},
		{"another name", "tim", nil, "root", ""},
		{"NUL in the name", "tim", nil, "tim\x00", ""},
		{"not UTF-8", "tim", nil, "\xff", ""},
		{"nobody's", "", ErrCredentials, "", ""},
		{"no name", "", nil, "", ""},
		{"outage", "", errOutage, "", ""},
	} {
		whose, fails = row.user, row.err
		client, err := External(row.as).Client(t.Context(), cs, s.Mechanisms(cs))
		require.NoError(t, err)
		id, err := login(t.Context(), s, cs, "", client)
		require.Equal(t, row.want != "", err == nil, row.name)
		if row.err != nil {
			require.ErrorIs(t, err, row.err)
		}
		if row.want != "" {
			require.Equal(t, &Identity{User: "tim", Name: row.want, Mechanism: "EXTERNAL"}, id)
		}
	}
	x, err := s.Start(t.Context(), cs, "EXTERNAL")
	require.NoError(t, err)
	challenge, done, err := x.Next(t.Context(), nil)
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, []byte{}, challenge)

	_, err = External("").Client(t.Context(), cleartext, []string{"EXTERNAL"})
	require.ErrorIs(t, err, ErrCleartext)
	_, err = External("").Client(t.Context(), secure, []string{"PLAIN"})
	require.ErrorIs(t, err, ErrNoMechanism)
	require.Equal(t, Identity{User: "x", Name: "x"}, External("x").(Identifier).Identity())
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	full := errors.New("no more guests")
	s := &Server{Anonymous: func(_ context.Context, _ ConnectionState, trace string) (string, error) {
		if trace == "full" {
			return "", full
		}
		return "guest", nil
	}}
	for trace, ok := range map[string]bool{
		"":                            true,
		"sirhc":                       true, // RFC 4505 section 4
		"tim@example.org":             true,
		"a b\u00a0c\u3000":            true,
		"\u00e9\u0301":                true,
		strings.Repeat("\u00e9", 255): true,
		strings.Repeat("\u00e9", 256): false,
		"full":                        false,
		"a\x00":                       false,
		"a\r\n":                       false,
		"\xff":                        false,
		"\ue000":                      false,
		"\u0627a":                     false,
	} {
		id, err := converse(t.Context(), s, "ANONYMOUS", trace)
		require.Equal(t, ok, err == nil, "%q: %v", trace, err)
		client, err := Anonymous(trace).Client(t.Context(), cleartext, []string{"ANONYMOUS"})
		require.Equal(t, ok || trace == "full", err == nil, "%q: %v", trace, err)
		if !ok {
			continue
		}
		require.Equal(t, &Identity{User: "guest", Name: "guest", Mechanism: "ANONYMOUS"}, id)
		require.True(t, id.Anonymous())
		_, ir, err := client.Start()
		require.NoError(t, err)
		require.Equal(t, trace, string(ir))
	}
	require.True(t, (*Identity)(nil).Anonymous())
	require.False(t, (&Identity{User: "tim", Mechanism: "PLAIN"}).Anonymous())
	_, err := Anonymous("").Client(t.Context(), secure, []string{"PLAIN"})
	require.ErrorIs(t, err, ErrNoMechanism)

	x, err := s.Start(t.Context(), secure, "ANONYMOUS")
	require.NoError(t, err)
	challenge, done, err := x.Next(t.Context(), nil)
	require.NoError(t, err)
	require.False(t, done)
	require.Equal(t, []byte{}, challenge)
}
