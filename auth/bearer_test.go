package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"
)

// The token of the examples in RFC 7628 section 4.
const vF9 = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

// tokens verifies for the tests.
func tokens(_ context.Context, t BearerToken) (string, error) {
	switch t.Token {
	case vF9:
		return "user@example.com", nil
	case "outage":
		return "", errOutage
	case "nobody":
		return "", nil
	case "narrow":
		return "", &TokenError{Status: "insufficient_scope", Scope: "mail"}
	case "":
		return "", errors.New("asked without a token")
	}
	return "", fmt.Errorf("%w: token expired", ErrCredentials)
}

// TestOAuthBearerExamples are those of RFC 7628 sections 4.1, 4.3 and 4.4.
func TestOAuthBearerExamples(t *testing.T) {
	t.Parallel()
	const success = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
	credentials := TokenCredentials{User: "user@example.com", Source: fixed(vF9), Host: "server.example.com", Port: 587}
	client, err := credentials.Client(t.Context(), secure, []string{"LOGIN", "PLAIN", "OAUTHBEARER"})
	require.NoError(t, err)
	mechanism, ir, err := client.Start()
	require.NoError(t, err)
	require.Equal(t, "OAUTHBEARER", mechanism)
	require.Equal(t, success, string(AppendBase64(nil, ir)))

	var seen BearerToken
	s := &Server{Tokens: TokenFunc(func(ctx context.Context, b BearerToken) (string, error) {
		seen = b
		return tokens(ctx, b)
	})}
	id, err := converse(t.Context(), s, "OAUTHBEARER", string(ir))
	require.NoError(t, err)
	require.Equal(t, &Identity{User: "user@example.com", Name: "user@example.com", Mechanism: "OAUTHBEARER"}, id)
	require.Equal(t, BearerToken{vF9, "user@example.com", "server.example.com", 587}, seen)

	// Section 4.3: a client without a token, which learns what is wanted.
	asks, err := base64.StdEncoding.DecodeString("bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=")
	require.NoError(t, err)
	x, err := s.Start(t.Context(), secure, "OAUTHBEARER")
	require.NoError(t, err)
	challenge, done, err := x.Next(t.Context(), asks)
	require.NoError(t, err)
	require.False(t, done)
	require.JSONEq(t, `{"status":"invalid_token"}`, string(challenge))
	_, done, err = x.Next(t.Context(), []byte{1})
	require.ErrorIs(t, err, ErrCredentials)
	require.False(t, done)

	// What the server says there, and in section 4.4, is understood.
	for text, want := range map[string]TokenError{
		"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=": {"invalid_token", "example_scope", "https://example.com/.well-known/openid-configuration"},
		"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NoZW1lcyI6ImJlYXJlciBtYWMiLCJzY29wZSI6Imh0dHBzOi8vbWFpbC5leGFtcGxlLmNvbS8ifQ==":                                                         {"invalid_token", "https://mail.example.com/", ""},
	} {
		message, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		client, err := credentials.Client(t.Context(), secure, []string{"OAUTHBEARER"})
		require.NoError(t, err)
		response, err := client.Next(message)
		require.NoError(t, err)
		require.Equal(t, []byte{1}, response)
		err = Finish(client, errOutage)
		var told *TokenError
		require.ErrorAs(t, err, &told)
		require.Equal(t, want, *told)
		require.ErrorIs(t, err, ErrCredentials)
		require.ErrorIs(t, err, errOutage)
		require.ErrorIs(t, Finish(client, nil), ErrServer)
		_, err = client.Next(message)
		require.ErrorIs(t, err, sasl.ErrUnexpectedServerChallenge)
		// And goes back the same way.
		require.Equal(t, want, *parseTokenError((&want).encode("")))
	}
}

func fixed(token string) TokenSource {
	return func(context.Context, string) (string, error) { return token, nil }
}

func TestBearerServer(t *testing.T) {
	t.Parallel()
	const (
		header = "n,a=user@example.com,\x01"
		good   = "auth=Bearer " + vF9 + "\x01\x01"
	)
	for _, row := range []struct {
		name, mechanism, response string
		as                        string // let in
		told                      string // refused with this message
		err                       error  // temporary
	}{
		{"right", "OAUTHBEARER", header + good, "user@example.com", "", nil},
		{"no authzid", "OAUTHBEARER", "n,,\x01" + good, "user@example.com", "", nil},
		{"flag y", "OAUTHBEARER", "y,,\x01" + good, "user@example.com", "", nil},
		{"unknown keys", "OAUTHBEARER", "n,,\x01mthd=POST\x01x=\x01" + good, "user@example.com", "", nil},
		{"scheme in another case", "OAUTHBEARER", "n,,\x01auth=bEaReR " + vF9 + "\x01\x01", "user@example.com", "", nil},
		{"authzid granted", "OAUTHBEARER", "n,a=shared@example.com,\x01" + good, "shared@example.com", "", nil},
		{"authzid of another", "OAUTHBEARER", "n,a=other@example.com,\x01" + good, "", `{"status":"invalid_token"}`, nil},
		{"authzid prepared", "OAUTHBEARER", "n,a=us\u00ader@example.com,\x01" + good, "user@example.com", "", nil},
		{"authzid prepared to nothing", "OAUTHBEARER", "n,a=\u00ad,\x01" + good, "", `{"status":"invalid_token"}`, nil},
		{"authzid prohibited", "OAUTHBEARER", "n,a=\ue000,\x01" + good, "", `{"status":"invalid_token"}`, nil},
		{"user prepared to nothing", "XOAUTH2", "user=\u00ad\x01" + good, "", `{"status":"401"}`, nil},
		{"bad token", "OAUTHBEARER", "n,,\x01auth=Bearer xyz\x01\x01", "", `{"status":"invalid_token"}`, nil},
		{"token of too little scope", "OAUTHBEARER", "n,,\x01auth=Bearer narrow\x01\x01", "", `{"status":"insufficient_scope","scope":"mail"}`, nil},
		{"no token", "OAUTHBEARER", "n,,\x01auth=\x01\x01", "", `{"status":"invalid_token"}`, nil},
		{"outage", "OAUTHBEARER", "n,,\x01auth=Bearer outage\x01\x01", "", "", errOutage},
		{"token of nobody", "OAUTHBEARER", "n,,\x01auth=Bearer nobody\x01\x01", "", "", errors.New("")},
		{"nothing", "OAUTHBEARER", "", "", "", nil},
		{"the dummy at once", "OAUTHBEARER", "\x01", "", "", nil},
		{"no auth", "OAUTHBEARER", "n,,\x01host=x\x01\x01", "", "", nil},
		{"auth twice", "OAUTHBEARER", "n,,\x01auth=Bearer a\x01" + good, "", "", nil},
		{"one separator at the end", "OAUTHBEARER", "n,,\x01auth=Bearer " + vF9 + "\x01", "", "", nil},
		{"three separators at the end", "OAUTHBEARER", "n,,\x01" + good + "\x01", "", "", nil},
		{"no separator behind the header", "OAUTHBEARER", "n,,auth=Bearer " + vF9 + "\x01\x01", "", "", nil},
		{"flag p", "OAUTHBEARER", "p=tls-exporter,,\x01" + good, "", "", nil},
		{"user= for a=", "OAUTHBEARER", "n,user=someuser@example.com,\x01" + good, "", "", nil},
		{"key with a digit", "OAUTHBEARER", "n,,\x01a1=x\x01" + good, "", "", nil},
		{"value with NUL", "OAUTHBEARER", "n,,\x01a=x\x00\x01" + good, "", "", nil},
		{"basic", "OAUTHBEARER", "n,,\x01auth=Basic eDp5\x01\x01", "", "", nil},
		{"token with a blank", "OAUTHBEARER", "n,,\x01auth=Bearer a b\x01\x01", "", "", nil},
		{"port 0", "OAUTHBEARER", "n,,\x01port=0\x01" + good, "", "", nil},
		{"port 65536", "OAUTHBEARER", "n,,\x01port=65536\x01" + good, "", "", nil},
		{"port with a zero before", "OAUTHBEARER", "n,,\x01port=025\x01" + good, "", "", nil},
		{"port empty", "OAUTHBEARER", "n,,\x01port=\x01" + good, "", "", nil},

		{"right", "XOAUTH2", "user=user@example.com\x01" + good, "user@example.com", "", nil},
		{"user of another", "XOAUTH2", "user=other@example.com\x01" + good, "", `{"status":"401"}`, nil},
		{"bad token", "XOAUTH2", "user=user@example.com\x01auth=Bearer xyz\x01\x01", "", `{"status":"401"}`, nil},
		{"outage", "XOAUTH2", "user=user@example.com\x01auth=Bearer outage\x01\x01", "", "", errOutage},
		{"no user", "XOAUTH2", "user=\x01" + good, "", "", nil},
		{"no auth", "XOAUTH2", "user=user@example.com\x01\x01", "", "", nil},
		{"something between", "XOAUTH2", "user=user@example.com\x01host=x\x01" + good, "", "", nil},
		{"one separator at the end", "XOAUTH2", "user=user@example.com\x01auth=Bearer " + vF9 + "\x01", "", "", nil},
		{"basic", "XOAUTH2", "user=user@example.com\x01auth=Basic eDp5\x01\x01", "", "", nil},
		{"user with NUL", "XOAUTH2", "user=us\x00er\x01" + good, "", "", nil},
		{"user not UTF-8", "XOAUTH2", "user=us\xffer\x01" + good, "", "", nil},
	} {
		t.Run(row.mechanism+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			var events observed
			s := &Server{Tokens: TokenFunc(tokens), Observe: events.add, Authorize: func(_ context.Context, id Identity) error {
				if id.Name == "shared@example.com" {
					return nil
				}
				return ErrCredentials
			}}
			x, err := s.Start(t.Context(), secure, row.mechanism)
			require.NoError(t, err)
			challenge, done, err := x.Next(t.Context(), nil)
			require.NoError(t, err)
			require.False(t, done)
			require.Equal(t, []byte{}, challenge)

			challenge, done, err = x.Next(t.Context(), []byte(row.response))
			require.Len(t, events, 1, "decided now, whatever the client does then")
			require.Equal(t, row.as == "", events[0].Err != nil)
			require.NotContains(t, fmt.Sprintf("%+v", events[0]), vF9)
			switch {
			case row.as != "":
				require.NoError(t, err)
				require.True(t, done)
				require.Equal(t, &Identity{User: "user@example.com", Name: row.as, Mechanism: row.mechanism}, x.Identity())
				return
			case row.told != "":
				require.NoError(t, err)
				require.False(t, done)
				require.Equal(t, row.told, string(challenge))
				_, done, err = x.Next(t.Context(), []byte("whatever"))
				require.ErrorIs(t, err, ErrCredentials)
			case row.err != nil:
				require.NotErrorIs(t, err, ErrCredentials)
				if row.err == errOutage {
					require.ErrorIs(t, err, errOutage)
				}
			default:
				bad := (*MalformedError)(nil)
				require.ErrorAs(t, err, &bad)
			}
			require.Error(t, err)
			require.False(t, done)
			require.Nil(t, x.Identity())
			require.Len(t, events, 1)
			_, _, err = x.Next(t.Context(), []byte{})
			require.Equal(t, errOver, err)
			require.NoError(t, x.Cancel())
		})
	}
}

// A client that cancels when it is told that its token is no good has failed.
func TestCancelAfterRefusal(t *testing.T) {
	t.Parallel()
	var events observed
	s := &Server{Tokens: TokenFunc(tokens), Observe: events.add}
	x, err := s.Start(t.Context(), secure, "XOAUTH2")
	require.NoError(t, err)
	require.NoError(t, x.Cancel(), "nothing was shown yet")
	require.Empty(t, events)

	x, err = s.Start(t.Context(), secure, "XOAUTH2")
	require.NoError(t, err)
	_, _, err = x.Next(t.Context(), []byte("user=u\x01auth=Bearer xyz\x01\x01"))
	require.NoError(t, err)
	require.ErrorIs(t, x.Cancel(), ErrCredentials)
	require.Len(t, events, 1)
	_, _, err = x.Next(t.Context(), []byte{})
	require.Equal(t, errOver, err)
}

func TestTokenCredentials(t *testing.T) {
	t.Parallel()
	both := []string{"PLAIN", "XOAUTH2", "OAUTHBEARER"}
	for _, row := range []struct {
		name        string
		credentials TokenCredentials
		cs          ConnectionState
		offered     []string
		want        string
		err         error
	}{
		{"OAUTHBEARER before XOAUTH2", TokenCredentials{User: "u", Source: fixed("t")}, secure, both, "n,a=u,\x01auth=Bearer t\x01\x01", nil},
		{"XOAUTH2 alone", TokenCredentials{User: "u", Source: fixed("t")}, secure, []string{"xoauth2"}, "user=u\x01auth=Bearer t\x01\x01", nil},
		{"XOAUTH2 wanted", TokenCredentials{User: "u", Source: fixed("t"), Mechanisms: []string{"XOAUTH2"}}, secure, both, "user=u\x01auth=Bearer t\x01\x01", nil},
		{"no user", TokenCredentials{Source: fixed("t")}, secure, both, "n,,\x01auth=Bearer t\x01\x01", nil},
		{"user quoted", TokenCredentials{User: "a,b=c", Source: fixed("t")}, secure, both, "n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01", nil},
		{"no user for XOAUTH2", TokenCredentials{Source: fixed("t")}, secure, []string{"XOAUTH2"}, "", ErrNoMechanism},
		{"neither", TokenCredentials{User: "u", Source: fixed("t")}, secure, []string{"PLAIN"}, "", ErrNoMechanism},
		{"without TLS", TokenCredentials{User: "u", Source: fixed("t")}, cleartext, both, "", ErrCleartext},
		{"empty token", TokenCredentials{User: "u", Source: fixed("")}, secure, both, "", ErrCredentials},
		{"token with a separator", TokenCredentials{User: "u", Source: fixed("t\x01auth=x")}, secure, both, "", ErrCredentials},
		{"user with a separator", TokenCredentials{User: "u\x01", Source: fixed("t")}, secure, both, "", ErrCredentials},
		{"host with a separator", TokenCredentials{User: "u", Host: "h\x01", Source: fixed("t")}, secure, both, "", ErrCredentials},
		{"source fails", TokenCredentials{User: "u", Source: func(context.Context, string) (string, error) { return "", errOutage }}, secure, both, "", errOutage},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client, err := row.credentials.Client(t.Context(), row.cs, row.offered)
			require.ErrorIs(t, err, row.err)
			if row.err == nil {
				_, ir, err := client.Start()
				require.NoError(t, err)
				require.Equal(t, row.want, string(ir))
				require.Equal(t, Identity{User: row.credentials.User, Name: row.credentials.User}, row.credentials.Identity())
			}
		})
	}
	config := struct {
		T BearerToken
	}{BearerToken{Token: "secret", Name: "u"}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, config), "secret", verb)
	}
}

// TestTokenIsRenewed has a server refuse a token that has expired, and the client come
// with another one, once.
func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		source    []string // what it gives, one after the other
		attempts  int
		succeeded bool
	}{
		{"new one", []string{"expired", vF9}, 2, true},
		{"good at once", []string{vF9}, 1, true},
		{"the same again", []string{"expired", "expired"}, 1, false},
		{"two that have expired", []string{"expired", "older", vF9}, 2, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var events observed
			var refused []string
			s := &Server{Tokens: TokenFunc(tokens), Observe: events.add}
			credentials := Token("user@example.com", func(_ context.Context, old string) (string, error) {
				refused = append(refused, old)
				return row.source[len(refused)-1], nil
			})
			client, err := credentials.Client(t.Context(), secure, s.Mechanisms(secure))
			require.NoError(t, err)
			_, err = login(t.Context(), s, secure, "", client)
			for client != nil && err != nil {
				var failed error
				client, failed = Renew(t.Context(), client, err)
				require.NoError(t, failed)
				if client != nil {
					_, err = login(t.Context(), s, secure, "", client)
				}
			}
			require.Equal(t, row.succeeded, err == nil)
			require.Len(t, events, row.attempts)
			require.Empty(t, refused[0])
			if len(refused) > 1 {
				require.Equal(t, row.source[0], refused[1])
			}
		})
	}
	client, err := Token("u", fixed("t")).Client(t.Context(), secure, []string{"XOAUTH2"})
	require.NoError(t, err)
	again, err := Renew(t.Context(), client, errOutage)
	require.NoError(t, err)
	require.Nil(t, again, "an outage is no reason for a new token")
}

// A server's error message may be anything.
func TestTokenErrorsOfAllKinds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[]", `{"status":400}`, strings.Repeat("[", 5000), "\xff"} {
		require.Equal(t, "unknown", parseTokenError([]byte(text)).Status, text)
	}
	require.Equal(t, TokenError{Status: "400"}, *parseTokenError([]byte(`{"status":"400","schemes":"Bearer","extra":{}}`)))
	require.NotContains(t, (&TokenError{Status: "a\r\nb"}).Error(), "\r")
}
