package smtp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

const goodToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

var errVerifier = errors.New("the directory is away")

// everyMechanism verifies by every mechanism. The user "outage" cannot be found out.
func everyMechanism() *auth.Server {
	return &auth.Server{
		Passwords: auth.PasswordFunc(func(ctx context.Context, user, password string) error {
			if user == "outage" {
				return errVerifier
			}
			return passwords.VerifyPassword(ctx, user, password)
		}),
		Secrets: auth.SecretFunc(func(ctx context.Context, user string) (string, error) {
			if user == "outage" {
				return "", errVerifier
			}
			return passwords.Secret(ctx, user)
		}),
		Tokens: auth.TokenFunc(func(_ context.Context, t auth.BearerToken) (string, error) {
			switch t.Token {
			case goodToken:
				return "tim", nil
			case "outage":
				return "", errVerifier
			}
			return "", &auth.TokenError{Status: "invalid_token", Scope: "mail"}
		}),
		Certificates: auth.CertificateFunc(func(_ context.Context, cert *x509.Certificate) (string, error) {
			return cert.Subject.CommonName, nil
		}),
		Anonymous:       func(context.Context, auth.ConnectionState, string) (string, error) { return "guest", nil },
		InsecureCRAMMD5: true,
		Budget:          &auth.Budget{PerAccount: -1, PerNet: -1},
	}
}

// transcripts is a log of the lines of all connections.
type transcripts struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *transcripts) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *transcripts) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// TestAuthMechanisms has our client log in to our server by each mechanism, with the
// right credentials, wrong ones, and such as nobody can judge now.
func TestAuthMechanisms(t *testing.T) {
	t.Parallel()
	password := func(user, password string, mechanism string) auth.Credentials {
		return auth.PasswordCredentials{User: user, Password: password, Mechanisms: []string{mechanism}}
	}
	endPoint := func(password string) auth.Credentials {
		return auth.PasswordCredentials{User: "tim", Password: password, Binding: "tls-server-end-point", Mechanisms: []string{"SCRAM-SHA-256-PLUS"}}
	}
	token := func(token, mechanism string) auth.Credentials {
		return auth.TokenCredentials{
			User: "tim", Mechanisms: []string{mechanism},
			Source: func(context.Context, string) (string, error) { return token, nil },
		}
	}
	srv := withTLS(t, &smtp.Server{Protocol: auth.Submission, Auth: everyMechanism()})
	srv.MaxAuthFailures = -1
	cert := srv.TLSConfig.Certificates[0]
	srv.TLSConfig.Certificates = nil
	srv.TLSConfig.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil } // as ACME has it
	var log transcripts
	s := newSite(t, srv)
	dial := func(t *testing.T, credentials auth.Credentials) (*smtp.Client, error) {
		nc, err := s.ln.Dial(t.Context())
		require.NoError(t, err)
		c, err := smtp.NewClient(t.Context(), nc, "mx.example.org", &smtp.ClientConfig{TLSConfig: s.tls, Auth: credentials, Transcript: &log})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
		return c, err
	}
	for _, row := range []struct {
		mechanism            string
		right, wrong, outage auth.Credentials
	}{
		{"SCRAM-SHA-1", password("tim", "tanstaaftanstaaf", "SCRAM-SHA-1"), password("tim", "x", "SCRAM-SHA-1"), password("outage", "x", "SCRAM-SHA-1")},
		{"SCRAM-SHA-256", password("tim", "tanstaaftanstaaf", "SCRAM-SHA-256"), password("tim", "x", "SCRAM-SHA-256"), password("outage", "x", "SCRAM-SHA-256")},
		{"SCRAM-SHA-512", password("tim", "tanstaaftanstaaf", "SCRAM-SHA-512"), password("nobody", "x", "SCRAM-SHA-512"), password("outage", "x", "SCRAM-SHA-512")},
		{"SCRAM-SHA-1-PLUS", password("tim", "tanstaaftanstaaf", "SCRAM-SHA-1-PLUS"), password("tim", "x", "SCRAM-SHA-1-PLUS"), password("outage", "x", "SCRAM-SHA-1-PLUS")},
		{"SCRAM-SHA-256-PLUS", password("tim", "tanstaaftanstaaf", "SCRAM-SHA-256-PLUS"), password("tim", "x", "SCRAM-SHA-256-PLUS"), password("outage", "x", "SCRAM-SHA-256-PLUS")},
		{"SCRAM-SHA-512-PLUS", auth.Password("tim", "tanstaaftanstaaf"), auth.Password("tim", "x"), auth.Password("outage", "x")},
		{"SCRAM-SHA-256-PLUS", endPoint("tanstaaftanstaaf"), endPoint("x"), password("outage", "x", "SCRAM-SHA-256-PLUS")},
		{"PLAIN", password("tim", "tanstaaftanstaaf", "PLAIN"), password("tim", "x", "PLAIN"), password("outage", "x", "PLAIN")},
		{"LOGIN", password("tim", "tanstaaftanstaaf", "LOGIN"), password("tim", "x", "LOGIN"), password("outage", "x", "LOGIN")},
		{"CRAM-MD5", password("tim", "tanstaaftanstaaf", "CRAM-MD5"), password("tim", "x", "CRAM-MD5"), password("outage", "x", "CRAM-MD5")},
		{"OAUTHBEARER", token(goodToken, "OAUTHBEARER"), token("old", "OAUTHBEARER"), token("outage", "OAUTHBEARER")},
		{"XOAUTH2", token(goodToken, "XOAUTH2"), token("old", "XOAUTH2"), token("outage", "XOAUTH2")},
		{"ANONYMOUS", auth.Anonymous("tim@example.org"), nil, nil},
	} {
		t.Run(row.mechanism, func(t *testing.T) {
			t.Parallel()
			c, err := dial(t, row.right)
			require.NoError(t, err)
			require.Equal(t, row.mechanism, c.ConnectionState().Identity.Mechanism)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				require.Contains(t, fmt.Sprintf(verb, c), " client ", "and nothing else")
			}
			require.NoError(t, c.Quit(t.Context()))
			if row.wrong == nil {
				return
			}
			require.Equal(t, "tim", c.ConnectionState().Identity.Name)
			_, err = dial(t, row.wrong)
			require.ErrorIs(t, err, auth.ErrCredentials)
			var refused *smtp.Error
			require.ErrorAs(t, err, &refused)
			require.Equal(t, 535, refused.Code)
			require.Equal(t, smtp.EnhancedCode{5, 7, 8}, refused.Enhanced)
			var told *auth.TokenError
			require.Equal(t, strings.Contains(row.mechanism, "OAUTH"), errors.As(err, &told))

			_, err = dial(t, row.outage)
			require.NotErrorIs(t, err, auth.ErrCredentials)
			require.ErrorAs(t, err, &refused)
			require.Equal(t, 454, refused.Code)
			require.Equal(t, smtp.EnhancedCode{4, 7, 0}, refused.Enhanced)
		})
	}
	t.Cleanup(func() {
		for _, secret := range []string{goodToken, "tanstaaf", base64.StdEncoding.EncodeToString([]byte(goodToken))[:20], "biws", "v="} {
			require.NotContains(t, log.String(), secret)
		}
	})
}

// TestAuthExternal logs in with a certificate, and with none, and with one that nobody has
// vouched for.
func TestAuthExternal(t *testing.T) {
	t.Parallel()
	cert, authority := testnet.ClientCert(t, "tim")
	stranger, _ := testnet.ClientCert(t, "tim")
	srv := withTLS(t, &smtp.Server{Protocol: auth.Submission, Auth: everyMechanism()})
	srv.TLSConfig.ClientAuth, srv.TLSConfig.ClientCAs = tls.VerifyClientCertIfGiven, authority
	s := newSite(t, srv)
	login := func(certs ...tls.Certificate) (*smtp.Client, error) {
		nc, err := s.ln.Dial(t.Context())
		require.NoError(t, err)
		cfg := s.tls.Clone()
		cfg.Certificates = certs
		return smtp.NewClient(t.Context(), nc, "mx.example.org", &smtp.ClientConfig{TLSConfig: cfg, Auth: auth.External("")})
	}
	c, err := login(cert)
	require.NoError(t, err)
	require.Equal(t, "EXTERNAL", c.ConnectionState().Identity.Mechanism)
	require.NoError(t, c.Quit(t.Context()))
	_, err = login()
	require.ErrorIs(t, err, auth.ErrNoMechanism)
	_, err = login(stranger)
	require.Error(t, err)
}

// TestAuthAnonymousRelaysNothing: to have logged in as nobody opens nothing.
func TestAuthAnonymousRelaysNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{Auth: everyMechanism()})
	p := s.greeted()
	p.say("AUTH ANONYMOUS =\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<b@example.org>\r\n")
	p.expect("235 ", "250 ", "550 5.7.1 ", "250 ")

	s = newSite(t, &smtp.Server{Protocol: auth.Submission, Auth: everyMechanism()})
	p = s.greeted()
	p.say("AUTH ANONYMOUS =\r\nMAIL FROM:<a@example.com>\r\n")
	p.expect("235 ", "530 5.7.0 ")
}

// secured is a connection with TLS to a server with every mechanism, greeted.
func secured(t *testing.T, change func(*smtp.Server)) *peer {
	t.Helper()
	srv := withTLS(t, &smtp.Server{Protocol: auth.Submission, Auth: everyMechanism()})
	if change != nil {
		change(srv)
	}
	s := newSite(t, srv)
	p := s.greeted()
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	p.startTLS(s.tls)
	p.say("EHLO client.example.com\r\n")
	p.expect("250-")
	return p
}

// TestAuthDialogues are what no RFC shows for SMTP, or shows with line breaks.
func TestAuthDialogues(t *testing.T) {
	t.Parallel()
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const oauth = "AUTH OAUTHBEARER bixhPXRpbSwBaG9zdD1zZXJ2ZXIuZXhhbXBsZS5jb20BcG9ydD01ODcBYXV0aD1CZWFyZXIgdkY5ZGZ0NHFtVGMyTnZiM1JsY2tCaGJIUmhkbWx6ZEdFdVkyOXRDZz09AQE=\r\n"
	x := b64("user=tim\x01auth=Bearer " + goodToken + "\x01\x01")
	bad := b64("user=tim\x01auth=Bearer old\x01\x01")
	told := "334 " + b64(`{"status":"invalid_token","scope":"mail"}`)
	for _, row := range []struct {
		name  string
		lines []string // said, expected, said, ...
	}{
		{"OAUTHBEARER in one line", []string{oauth, "235 2.7.0 "}},
		{"OAUTHBEARER refused", []string{
			"AUTH OAUTHBEARER " + b64("n,,\x01auth=Bearer old\x01\x01") + "\r\n", "334 " + b64(`{"status":"invalid_token","scope":"mail"}`),
			"AQ==\r\n", "535 5.7.8 ", "AUTH XOAUTH2 " + x + "\r\n", "235 ",
		}},
		{"XOAUTH2 in one line", []string{"AUTH XOAUTH2 " + x + "\r\n", "235 2.7.0 "}},
		{"XOAUTH2 in two lines", []string{"AUTH XOAUTH2\r\n", "334 ", x + "\r\n", "235 2.7.0 "}},
		{"XOAUTH2 refused, in two lines", []string{"AUTH XOAUTH2\r\n", "334 ", bad + "\r\n", told, "\r\n", "535 5.7.8 "}},
		{"XOAUTH2 refused and cancelled", []string{"AUTH XOAUTH2 " + bad + "\r\n", told, "*\r\n", "501 5.7.0 ", "AUTH XOAUTH2 " + x + "\r\n", "235 "}},
		{"CRAM-MD5 with an initial response", []string{"AUTH CRAM-MD5 " + b64("tim x") + "\r\n", "501 5.5.2 "}},
		{"CRAM-MD5 cancelled", []string{"AUTH CRAM-MD5\r\n", "334 P", "*\r\n", "501 5.7.0 "}},
		{"SCRAM with an empty initial response", []string{"AUTH SCRAM-SHA-256 =\r\n", "501 5.5.2 "}},
		{"SCRAM asked for the first message", []string{"AUTH SCRAM-SHA-256\r\n", "334 ", b64("n,,n=tim,r=abc") + "\r\n", "334 " + b64("r=abc")[:6], "*\r\n", "501 5.7.0 "}},
		{"SCRAM that says y", []string{"AUTH SCRAM-SHA-256 " + b64("y,,n=tim,r=abc") + "\r\n", "535 5.7.8 "}},
		{"SCRAM-PLUS of a type that TLS 1.3 has not", []string{"AUTH SCRAM-SHA-256-PLUS " + b64("p=tls-unique,,n=tim,r=abc") + "\r\n", "535 5.7.8 "}},
		{"EXTERNAL without a certificate", []string{"AUTH EXTERNAL =\r\n", "504 5.5.4 "}},
		{"DIGEST-MD5, never", []string{"AUTH DIGEST-MD5\r\n", "504 5.5.4 "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := secured(t, nil)
			for i := 0; i < len(row.lines); i += 2 {
				p.say(row.lines[i])
				p.expect(row.lines[i+1])
			}
		})
	}
}

// TestAuthRefusalsThatAreCancelledCount: a client cannot try tokens for ever by leaving
// each exchange before its end.
func TestAuthRefusalsThatAreCancelledCount(t *testing.T) {
	t.Parallel()
	p := secured(t, func(srv *smtp.Server) { srv.MaxAuthFailures = 2 })
	try := "AUTH XOAUTH2 " + base64.StdEncoding.EncodeToString([]byte("user=tim\x01auth=Bearer old\x01\x01")) + "\r\n"
	p.say(try)
	p.expect("334 ")
	p.say("*\r\n")
	p.expect("501 5.7.0 ")
	p.say(try)
	p.expect("334 ")
	p.say("*\r\n")
	p.expect("421 4.7.0 ")
}

// TestAuthSCRAMOnTheWire looks at what goes over the wire: the server's signature is a
// challenge, and the answer to it an empty line.
func TestAuthSCRAMOnTheWire(t *testing.T) {
	t.Parallel()
	p := secured(t, nil)
	client, err := auth.PasswordCredentials{User: "tim", Password: "tanstaaftanstaaf", Mechanisms: []string{"SCRAM-SHA-256"}}.
		Client(t.Context(), auth.ConnectionState{TLS: new(tls.ConnectionState)}, []string{"SCRAM-SHA-256"})
	require.NoError(t, err)
	name, response, err := client.Start()
	require.NoError(t, err)
	p.say("AUTH " + name + " " + base64.StdEncoding.EncodeToString(response) + "\r\n")
	for _, begins := range []string{"r=", "v="} {
		line := p.hear()
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "334 "))
		require.NoError(t, err, line)
		require.True(t, bytes.HasPrefix(challenge, []byte(begins)), "%s", challenge)
		response, err = client.Next(challenge)
		require.NoError(t, err)
		p.say(base64.StdEncoding.EncodeToString(response) + "\r\n")
	}
	require.Empty(t, response)
	p.expect("235 2.7.0 ")
	require.NoError(t, auth.Finish(client, nil))
}
