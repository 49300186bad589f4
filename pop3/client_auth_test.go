package pop3_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// ownMechanism is a mechanism of the user's own, which may refuse to begin, and to
// believe in a success.
type ownMechanism struct {
	initial []byte
	start   error
	finish  error
}

func (m ownMechanism) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return m, nil
}

func (m ownMechanism) Start() (string, []byte, error) { return "X-OWN", m.initial, m.start }
func (m ownMechanism) Next([]byte) ([]byte, error)    { return []byte("x"), nil }

func (m ownMechanism) Finish(outcome error) error { return errors.Join(outcome, m.finish) }

// noPassword are credentials that are not there when they are asked for.
type noPassword struct{ err error }

func (n noPassword) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return nil, auth.ErrNoMechanism
}

func (n noPassword) UserPassword(auth.ConnectionState) (user, password string, err error) {
	return "", "", n.err
}

// What a login comes to when one side does not keep to what was agreed.
func TestClientLoginOdd(t *testing.T) {
	t.Parallel()
	errTicket := errors.New("no ticket")
	tokens := []string{"old", "new"}
	token := auth.Token("tim", func(context.Context, string) (string, error) {
		next := tokens[0]
		tokens = tokens[1:]
		return next, nil
	})
	const greeted, tls = "S: +OK\nC: CAPA\nS: +OK\nS: SASL X-OWN XOAUTH2\nS: USER\nS: .\n", "-- tls\n"
	for name, tt := range map[string]struct {
		auth auth.Credentials
		says string
		err  error // nil: none
		is   any   // nil: any
	}{
		"cannot start":            {ownMechanism{start: errTicket}, "-- drop\n", errTicket, nil},
		"no proof":                {ownMechanism{finish: auth.ErrServer}, "C: AUTH X-OWN\nS: + \nC: eA==\nS: +OK\n-- drop\n", auth.ErrServer, new(*pop3.ProtocolError)},
		"never ends":              {ownMechanism{}, "C: AUTH X-OWN\n" + strings.Repeat("S: + \nC: eA==\n", 16) + "-- drop\n", errAny, new(*pop3.ProtocolError)},
		"server gone":             {ownMechanism{}, "C: AUTH X-OWN\n-- close\n", errAny, nil},
		"gone when it is to stop": {&saslScript{name: "X-OWN"}, "C: AUTH X-OWN\nS: + eA==\nC: *\n-- close\n", sasl.ErrUnexpectedServerChallenge, nil},
		"no password":             {noPassword{errTicket}, "-- drop\n", errTicket, nil},
		"token renewed": {
			token, "C: AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgb2xkAQE=\nS: + eyJzdGF0dXMiOiI0MDEifQ==\nC: \nS: -ERR [AUTH] expired\n" +
				"C: AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgbmV3AQE=\nS: +OK\nC: CAPA\nS: +OK\nS: .\nC: QUIT\nS: +OK\n-- close\n", nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pop3test.NewScript(t, tls+greeted+tt.says)
			cfg := s.ClientConfig()
			cfg.TLS, cfg.Auth, cfg.ASCIIOnly = pop3.ImplicitTLS, tt.auth, true
			c, err := pop3.Dial(t.Context(), "pop.example.org:995", cfg)
			if tt.err == nil {
				require.NoError(t, err)
				require.NoError(t, c.Quit(t.Context()))
				return
			}
			require.Error(t, err)
			if tt.err != errAny {
				require.ErrorIs(t, err, tt.err)
			}
			if tt.is != nil {
				require.ErrorAs(t, err, tt.is)
			}
		})
	}
}

var errAny = errors.New("any error")
