package pop3_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

var errVerifier = errors.New("the directory is away")

const goodToken = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

// everyMechanism starts a server that verifies by every mechanism that needs no
// certificate. The user "outage" cannot be found out.
func everyMechanism(t *testing.T) (r *rig, client *tls.Config) {
	t.Helper()
	server, client := testnet.Cert(t, "dewey")
	return serverTest(t, func(s *pop3.Server, _ *dropStore) {
		s.TLSConfig = server
		s.Auth = everyVerifier(testPasswords)
	}), client
}

func everyVerifier(known auth.Passwords) *auth.Server {
	return &auth.Server{
		Passwords: auth.PasswordFunc(func(ctx context.Context, user, password string) error {
			if user == "outage" {
				return errVerifier
			}
			return known.VerifyPassword(ctx, user, password)
		}),
		Secrets: auth.SecretFunc(func(ctx context.Context, user string) (string, error) {
			if user == "outage" {
				return "", errVerifier
			}
			return known.Secret(ctx, user)
		}),
		Tokens: auth.TokenFunc(func(_ context.Context, t auth.BearerToken) (string, error) {
			switch t.Token {
			case goodToken:
				return "mrose", nil
			case "outage":
				return "", errVerifier
			}
			return "", &auth.TokenError{Status: "invalid_token", Scope: "mail"}
		}),
		InsecureCRAMMD5: true,
		Budget:          &auth.Budget{PerAccount: -1, PerNet: -1},
	}
}

// TestAuthMechanisms has our client log in to our server by each mechanism, with the
// right credentials, wrong ones, and such as nobody can judge now.
func TestAuthMechanisms(t *testing.T) {
	t.Parallel()
	r, clientTLS := everyMechanism(t)
	password := func(user, password, mechanism string) auth.Credentials {
		return auth.PasswordCredentials{User: user, Password: password, Mechanisms: []string{mechanism}}
	}
	endPoint := func(user, password string) auth.Credentials {
		return auth.PasswordCredentials{User: user, Password: password, Binding: "tls-server-end-point"}
	}
	token := func(token, mechanism string) auth.Credentials {
		return auth.TokenCredentials{
			User: "mrose", Mechanisms: []string{mechanism},
			Source: func(context.Context, string) (string, error) { return token, nil },
		}
	}
	login := func(t *testing.T, credentials auth.Credentials, oneLine bool) (*pop3.Client, error) {
		return pop3.NewClient(t.Context(), r.dial(t), "dewey", &pop3.ClientConfig{
			TLSConfig: clientTLS, Auth: credentials, NoInitialResponse: !oneLine,
		})
	}
	rows := []struct {
		mechanism            string
		right, wrong, outage auth.Credentials
	}{
		{"SCRAM-SHA-512-PLUS", auth.Password("mrose", "tanstaaf"), auth.Password("mrose", "x"), auth.Password("outage", "x")},
		{"SCRAM-SHA-512-PLUS", endPoint("mrose", "tanstaaf"), endPoint("mrose", "x"), endPoint("outage", "x")},
		{"OAUTHBEARER", token(goodToken, "OAUTHBEARER"), token("old", "OAUTHBEARER"), token("outage", "OAUTHBEARER")},
		{"XOAUTH2", token(goodToken, "XOAUTH2"), token("old", "XOAUTH2"), token("outage", "XOAUTH2")},
	}
	for _, m := range []string{"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "PLAIN", "LOGIN", "CRAM-MD5"} {
		row := rows[0]
		row.mechanism, row.right, row.wrong, row.outage = m, password("mrose", "tanstaaf", m), password("nobody", "x", m), password("outage", "x", m)
		rows = append(rows, row)
	}
	for _, row := range rows {
		for _, oneLine := range []bool{true, false} {
			name := row.mechanism + " in two lines"
			if oneLine {
				name = row.mechanism + " in one line"
			}
			t.Run(name, func(t *testing.T) {
				c, err := login(t, row.right, oneLine)
				require.NoError(t, err)
				require.Equal(t, &auth.Identity{User: "mrose", Name: "mrose", Mechanism: row.mechanism}, c.ConnectionState().Identity)
				for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
					require.Contains(t, fmt.Sprintf(verb, c), " client ", "and nothing else")
				}
				require.NoError(t, c.Quit(t.Context()))

				_, err = login(t, row.wrong, oneLine)
				require.ErrorIs(t, err, auth.ErrCredentials)
				var refused *pop3.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, pop3.CodeAuth, refused.Code)
				var told *auth.TokenError
				require.Equal(t, strings.Contains(row.mechanism, "OAUTH"), errors.As(err, &told))

				_, err = login(t, row.outage, oneLine)
				require.NotErrorIs(t, err, auth.ErrCredentials)
				require.ErrorAs(t, err, &refused)
				require.Equal(t, pop3.CodeSysTemp, refused.Code)
			})
		}
	}
	// The token is 300 octets long: more than fits on a line of POP3.
	long := strings.Repeat("t", 300)
	r.Auth.Tokens = auth.TokenFunc(func(_ context.Context, b auth.BearerToken) (string, error) {
		if b.Token == long {
			return "mrose", nil
		}
		return "", auth.ErrCredentials
	})
	c, err := login(t, token(long, "XOAUTH2"), true)
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))
}

// TestAuthDialogues say what no RFC shows.
func TestAuthDialogues(t *testing.T) {
	t.Parallel()
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	x := b64("user=mrose\x01auth=Bearer " + goodToken + "\x01\x01")
	bad := b64("user=mrose\x01auth=Bearer old\x01\x01")
	told := "+ " + b64(`{"status":"invalid_token","scope":"mail"}`)
	for _, row := range []struct {
		name  string
		lines []string // said, expected, said, ...
	}{
		{"XOAUTH2 in one line", []string{"AUTH XOAUTH2 " + x, "+OK "}},
		{"XOAUTH2 in two lines", []string{"AUTH XOAUTH2", "+ ", x, "+OK "}},
		{"XOAUTH2 refused", []string{"AUTH XOAUTH2 " + bad, told, "", "-ERR [AUTH] ", "AUTH XOAUTH2 " + x, "+OK "}},
		{"XOAUTH2 refused and cancelled", []string{"AUTH XOAUTH2 " + bad, told, "*", "-ERR [AUTH] ", "AUTH XOAUTH2 " + x, "+OK "}},
		{"OAUTHBEARER refused", []string{"AUTH OAUTHBEARER " + b64("n,,\x01auth=Bearer old\x01\x01"), "+ " + b64(`{"status":"invalid_token","scope":"mail"}`), "AQ==", "-ERR [AUTH] "}},
		{"CRAM-MD5 with an initial response", []string{"AUTH CRAM-MD5 " + b64("mrose x"), "-ERR malformed"}},
		{"CRAM-MD5 cancelled", []string{"AUTH CRAM-MD5", "+ P", "*", "-ERR authentication cancelled"}},
		{"SCRAM cancelled", []string{"AUTH SCRAM-SHA-256", "+ ", b64("n,,n=mrose,r=abc"), "+ cj1hYm", "*", "-ERR authentication cancelled"}},
		{"SCRAM that says y", []string{"AUTH SCRAM-SHA-256 " + b64("y,,n=mrose,r=abc"), "-ERR [AUTH] "}},
		{"DIGEST-MD5, never", []string{"AUTH DIGEST-MD5", "-ERR authentication mechanism not offered"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r, clientTLS := everyMechanism(t)
			nc := tls.Client(stls(t, r), clientTLS)
			lines := bufio.NewReader(nc)
			for i := 0; i < len(row.lines); i += 2 {
				_, err := nc.Write([]byte(row.lines[i] + "\r\n"))
				require.NoError(t, err)
				line, err := lines.ReadString('\n')
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(line, row.lines[i+1]), "%q", line)
			}
		})
	}
}

// stls says STLS, and leaves the handshake to do.
func stls(t *testing.T, r *rig) *testnet.Conn {
	t.Helper()
	nc := r.dial(t)
	_, err := nc.Write([]byte("STLS\r\n"))
	require.NoError(t, err)
	var answer []byte
	for bytes.Count(answer, []byte("\n")) < 2 {
		one := make([]byte, 1)
		_, err := nc.Read(one)
		require.NoError(t, err)
		answer = append(answer, one...)
	}
	require.Contains(t, string(answer), "\n+OK")
	return nc
}
