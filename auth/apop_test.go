package auth

import (
	"context"
	"crypto/md5"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
)

func TestApop(t *testing.T) {
	t.Parallel()
	const stamp = "<1896.697170952@dbc.mtview.ca.us>"
	broken := errors.New("disk on fire")
	secrets := SecretFunc(func(ctx context.Context, user string) (string, error) {
		switch user {
		case "outage":
			return "", broken
		case "empty":
			return "", nil
		case "unfit":
			return "a\u0007", nil
		}
		return Passwords{"mrose": "tanstaaf", "j\u00fcrgen": "gr\u00fc\u00dfe", "IX": "pass word", "\ue000": "x", "\U0001F4EE": "x"}.Secret(ctx, user)
	})
	for _, tt := range []struct {
		name, user, secret string
		want               string // the identity
		err                error
	}{
		{"the example", "mrose", "tanstaaf", "mrose", nil},
		{"a wrong secret", "mrose", "tanstaafl", "", ErrCredentials},
		{"an unknown user", "ghost", "", "", ErrCredentials},
		{"no secret", "empty", "", "", ErrCredentials},
		{"a secret that cannot be prepared", "unfit", "", "", ErrCredentials},
		{"an unknown user, by what is hashed instead", "ghost", noSecret, "", ErrCredentials},
		{"no secret, by what is hashed instead", "empty", noSecret, "", ErrCredentials},
		{"an outage", "outage", "x", "", broken},
		{"no user", "", "", "", ErrCredentials},
		{"a user who is nobody when prepared", "\u00ad", "", "", ErrCredentials},
		{"a user prohibited", "\ue000", "x", "", ErrCredentials},
		{"a user of Unicode that is newer than 3.2", "\U0001F4EE", "x", "\U0001F4EE", nil},
		{"a user not UTF-8", "\xff", "", "", ErrCredentials},
		{"UTF-8", "j\u00fcrgen", "gr\u00fc\u00dfe", "j\u00fcrgen", nil},
		{"UTF-8, decomposed", "ju\u0308rgen", "gr\u00fc\u00dfe", "j\u00fcrgen", nil},
		{"prepared", "I\u00adX", "pass word", "IX", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc6856-2.2-2", "rfc6856-2.2-3", "rfc6856-2.2-4")
			var events observed
			s := &Server{Secrets: secrets, Observe: events.add}
			id, err := s.Apop(t.Context(), cleartext, stamp, tt.user, md5.Sum([]byte(stamp+tt.secret)))
			require.ErrorIs(t, err, tt.err)
			require.Len(t, events, 1)
			require.Equal(t, "APOP", events[0].Mechanism)
			require.Equal(t, err, events[0].Err)
			if tt.err != nil {
				require.Nil(t, id)
				return
			}
			require.Equal(t, &Identity{User: tt.want, Name: tt.want, Mechanism: "APOP"}, id)
			require.Equal(t, id, events[0].Identity)
		})
	}
	_, err := (*Server)(nil).Apop(t.Context(), cleartext, stamp, "mrose", [16]byte{})
	require.Equal(t, ErrMechanism, err)
	_, err = (&Server{Passwords: table}).Apop(t.Context(), cleartext, stamp, "mrose", [16]byte{})
	require.Equal(t, ErrMechanism, err)
	_, err = (&Server{Secrets: secrets}).Apop(t.Context(), known, stamp, "mrose", [16]byte{})
	require.Equal(t, ErrAuthenticated, err)
}
