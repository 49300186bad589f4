package smtp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/transcript"
)

// ownMechanism is a mechanism of the user's own, which says what it is told to.
type ownMechanism struct {
	name     string
	initial  []byte
	start    error
	response []byte
}

func (m ownMechanism) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return m, nil
}
func (m ownMechanism) Start() (string, []byte, error) { return m.name, m.initial, m.start }
func (m ownMechanism) Next([]byte) ([]byte, error)    { return m.response, nil }

// Whatever a mechanism of the user's own does, the dialogue stays one, and
// nothing leaves that no server need take.
func TestClientAuth_OwnMechanism(t *testing.T) {
	t.Parallel()
	errStart := errors.New("no ticket")
	long := []byte(strings.Repeat("x", auth.MaxResponse))
	for name, tt := range map[string]struct {
		mechanism ownMechanism
		says      string // of AUTH
		err       error  // nil: any
	}{
		"cannot start":       {ownMechanism{start: errStart}, "", errStart},
		"has no name":        {ownMechanism{name: "A B\r\nNOOP"}, "", nil},
		"says too much":      {ownMechanism{name: "X", response: long}, "C: AUTH X\nS: 334 \nC: *\nS: 501 cancelled\n", nil},
		"begins too long":    {ownMechanism{name: "X", initial: long}, "C: AUTH X\nS: 334 \nC: *\nS: 501 cancelled\n", nil},
		"is asked too early": {ownMechanism{name: "X", initial: long[:400]}, "C: AUTH X\nS: 334 eA==\nC: *\nS: 501 cancelled\n", sasl.ErrUnexpectedServerChallenge},
		"never ends": {
			ownMechanism{name: "X", response: []byte("x")},
			"C: AUTH X\n" + strings.Repeat("S: 334 \nC: eA==\n", maxChallenges), nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				script := "S: 220 hi\nC: EHLO client.example.org\nS: 250-mx\nS: 250 AUTH X\n" + tt.says
				if name != "never ends" {
					script += "C: QUIT\n"
				}
				d, err := transcript.Parse([]byte(script + "-- drop\n"))
				require.NoError(t, err)
				done := make(chan struct{})
				go func() {
					defer close(done)
					d.PlayServer(t, far)
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org", Auth: tt.mechanism})
				require.Nil(t, c)
				require.Error(t, err)
				if tt.err != nil {
					require.ErrorIs(t, err, tt.err)
				}
				<-done
			})
		})
	}
}

// TestClientAuth_WithoutTLS: where neither end would have it, the error is that TLS is
// missing, and not that the server can do less.
func TestClientAuth_WithoutTLS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		credentials auth.Credentials
		want        string
	}{
		{auth.Password("alice", "secret"), "smtp: AUTH: auth: refused without TLS"},
		{auth.External(""), "smtp: AUTH: auth: refused without TLS"},
		{auth.InsecurePassword("alice", "secret"), "smtp: server does not offer AUTH"},
		{auth.Anonymous(""), "smtp: server does not offer AUTH"},
	} {
		near, far := pipe(t)
		s := (&sink{conn: far}).start()
		_, err := NewClient(t.Context(), near, "mx.example.org", &ClientConfig{TLS: InsecureNoTLS, Auth: tt.credentials})
		require.EqualError(t, err, tt.want)
		require.False(t, SafeToRetry(err))
		<-s.done
	}
}
