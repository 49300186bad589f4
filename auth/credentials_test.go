package auth

import (
	"fmt"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestPasswordPicksMechanism(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		offered []string
		want    string
	}{
		{"PLAIN before LOGIN", []string{"LOGIN", "CRAM-MD5", "PLAIN"}, "PLAIN"},
		{"LOGIN alone", []string{"DIGEST-MD5", "LOGIN"}, "LOGIN"},
		{"lower case", []string{"plain"}, "PLAIN"},
		{"neither", []string{"CRAM-MD5", "evil\r\nname"}, ""},
		{"nothing", nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client, err := Password("tim", "secret").Client(t.Context(), secure, row.offered)
			if row.want == "" {
				require.ErrorIs(t, err, ErrNoMechanism)
				require.NotContains(t, err.Error(), "\n")
				for _, o := range row.offered {
					require.Contains(t, err.Error(), fmt.Sprintf("%q", o))
				}
				return
			}
			require.NoError(t, err)
			mechanism, _, err := client.Start()
			require.NoError(t, err)
			require.Equal(t, row.want, mechanism)
		})
	}
}

func TestPasswordNeverInCleartext(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4616-1-1", "rfc4616-5-1")
	offered := []string{"PLAIN", "LOGIN"}
	_, err := Password("tim", "secret").Client(t.Context(), cleartext, offered)
	require.ErrorIs(t, err, ErrCleartext)
	_, _, err = Password("tim", "secret").(UserPasser).UserPassword(cleartext)
	require.ErrorIs(t, err, ErrCleartext)
	_, _, err = Password("tim", "secret").(UserPasser).UserPassword(secure)
	require.NoError(t, err)

	_, err = InsecurePassword("tim", "secret").Client(t.Context(), cleartext, offered)
	require.NoError(t, err)
	user, password, err := InsecurePassword("tim", "secret").(UserPasser).UserPassword(cleartext)
	require.NoError(t, err)
	require.Equal(t, []string{"tim", "secret"}, []string{user, password})
}

// USER and PASS are for who is himself, and where the mechanism is not named by the user.
func TestUserPasswordForAnother(t *testing.T) {
	t.Parallel()
	for _, p := range []PasswordCredentials{
		{User: "tim", Password: "secret", Name: "tom"},
		{User: "tim", Password: "secret", Mechanisms: []string{"PLAIN"}},
	} {
		_, _, err := p.UserPassword(secure)
		require.ErrorIs(t, err, ErrNoMechanism)
	}
	_, _, err := PasswordCredentials{User: "tim", Password: "secret", Mechanisms: []string{"USER"}}.UserPassword(secure)
	require.NoError(t, err)
	require.Equal(t, Identity{User: "tim", Name: "tom"}, PasswordCredentials{User: "tim", Name: "tom"}.Identity())
	require.Equal(t, Identity{User: "tim", Name: "tim"}, PasswordCredentials{User: "tim"}.Identity())
}

func TestPasswordRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, user, password, covers string }{
		{"no user", "", "p", ""},
		{"no password", "u", "", ""},
		{"NUL in the user", "u\x00", "p", "rfc4616-2-5"},
		{"NUL in the password", "u", "p\x00", "rfc4616-2-5"},
		{"user not UTF-8", "u\xff", "p", "rfc4616-2-4"},
		{"password not UTF-8", "u", "\xed\xa0\x80", "rfc4616-2-4"},
		{"password too long", "u", long("p") + "p", ""},
		{"user too long", long("u") + "u", "p", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.covers != "" {
				rfc.Covers(t, row.covers)
			}
			_, err := Password(row.user, row.password).Client(t.Context(), secure, []string{"PLAIN"})
			require.ErrorIs(t, err, ErrCredentials)
			_, _, err = Password(row.user, row.password).(UserPasser).UserPassword(secure)
			require.ErrorIs(t, err, ErrCredentials)
		})
	}
	_, err := Password(long("u"), long("p")).Client(t.Context(), secure, []string{"PLAIN"})
	require.NoError(t, err)
}

// TestPasswordIsShownAsItIs: who gets to see it prepares it, or the servers that do not
// prepare would never find it right.
func TestPasswordIsShownAsItIs(t *testing.T) {
	t.Parallel()
	const user, password = "I\u00adX", "pass\u00a0word"
	client, err := Password(user, password).Client(t.Context(), secure, []string{"PLAIN"})
	require.NoError(t, err)
	_, ir, err := client.Start()
	require.NoError(t, err)
	require.Equal(t, "\x00"+user+"\x00"+password, string(ir))
	shown, secret, err := Password(user, password).(UserPasser).UserPassword(secure)
	require.NoError(t, err)
	require.Equal(t, []string{user, password}, []string{shown, secret})
}

func TestCredentialsPrintWithoutPassword(t *testing.T) {
	t.Parallel()
	config := struct{ Auth Credentials }{Password("tim", "secret")}
	hidden := struct{ auth Credentials }{Password("tim", "secret")}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		require.NotContains(t, fmt.Sprintf(verb, hidden), "secret", verb)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, config), "secret", verb)
		require.NotContains(t, fmt.Sprintf(verb, config.Auth), "secret", verb)
		require.Contains(t, fmt.Sprintf(verb, config.Auth), "tim", verb)
	}
}

// TestBothSides lets our clients log in at our server, also without an initial
// response, as when it does not fit on the line.
func TestBothSides(t *testing.T) {
	t.Parallel()
	s := &Server{Passwords: table}
	for _, row := range []struct {
		name, mechanism string
		ask             bool
	}{
		{"PLAIN", "PLAIN", false},
		{"PLAIN without initial response", "PLAIN", true},
		{"LOGIN", "LOGIN", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			client, err := Password("tim", "tanstaaftanstaaf").Client(t.Context(), secure, []string{row.mechanism})
			require.NoError(t, err)
			name, response, err := client.Start()
			require.NoError(t, err)
			x, err := s.Start(t.Context(), secure, name)
			require.NoError(t, err)
			switch {
			case row.mechanism == "LOGIN":
				rfc.Covers(t, "rfc4422-5-4")
				require.Nil(t, response, "the server begins")
			case row.ask:
				challenge, done, err := x.Next(t.Context(), nil)
				require.NoError(t, err)
				require.False(t, done)
				require.Empty(t, challenge)
			}
			for done := false; !done; {
				var challenge []byte
				challenge, done, err = x.Next(t.Context(), response)
				require.NoError(t, err)
				if !done {
					response, err = client.Next(challenge)
					require.NoError(t, err)
				}
			}
			require.Equal(t, &Identity{User: "tim", Name: "tim", Mechanism: row.mechanism}, x.Identity())
			_, err = client.Next([]byte("and now?"))
			require.ErrorIs(t, err, sasl.ErrUnexpectedServerChallenge)
		})
	}
}

func TestTLSMode(t *testing.T) {
	t.Parallel()
	require.Equal(t, StartTLS, *new(TLSMode))
	for m := StartTLS; m <= InsecureNoTLS; m++ {
		parsed, err := ParseTLSMode(m.String())
		require.NoError(t, err)
		require.Equal(t, m, parsed)
	}
	require.Equal(t, "TLSMode(9)", TLSMode(9).String())
	for _, name := range []string{"", "none", "STARTTLS", "TLSMode(9)"} {
		_, err := ParseTLSMode(name)
		require.Error(t, err)
	}
}
