package interop

import (
	"crypto/tls"
	"errors"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/smtp"
)

// TestMechanisms logs in to each server by each mechanism that it offers of those that
// take a password, with the right one and with a wrong one. Auto is what a client takes
// that is not told.
func TestMechanisms(t *testing.T) {
	for _, server := range []struct {
		*daemon
		service, user, password string
		login                   func(t *testing.T, addr string, cfg *tls.Config, who auth.Credentials) (auth.ConnectionState, error)
	}{
		{postfix, "submission", "alice", "secret1", overSMTP},
		{exim, "submission", "alice", "secret1", overSMTP},
		{dovecot, "submission", "alice", "secret1", overSMTP},
		{dovecot, "pop3", "carol", "secret3", overPOP3},
	} {
		for _, mechanism := range []string{"auto", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"} {
			t.Run(server.name+"/"+server.service+"/"+mechanism, func(t *testing.T) {
				who := auth.PasswordCredentials{User: server.user, Password: server.password, Mechanisms: []string{mechanism}}
				want := mechanism
				if mechanism == "auto" {
					who.Mechanisms, want = nil, "SCRAM-SHA-256"
				}
				addr := server.addr(t, server.service)
				state, err := server.login(t, addr, server.tls(t), who)
				if errors.Is(err, auth.ErrNoMechanism) {
					t.Skip("not offered")
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := *state.Identity; got != (auth.Identity{User: server.user, Name: server.user, Mechanism: want}) {
					t.Errorf("logged in as %+v", got)
				}
				who.Password = "guess"
				if _, err := server.login(t, addr, server.tls(t), who); !errors.Is(err, auth.ErrCredentials) {
					t.Errorf("a wrong password: %v", err)
				}
			})
		}
	}
}

func overSMTP(t *testing.T, addr string, cfg *tls.Config, who auth.Credentials) (auth.ConnectionState, error) {
	c, err := smtp.Dial(t.Context(), addr, &smtp.ClientConfig{TLSConfig: cfg, Auth: who})
	if err != nil {
		return auth.ConnectionState{}, err
	}
	return c.ConnectionState(), c.Quit(t.Context())
}

func overPOP3(t *testing.T, addr string, cfg *tls.Config, who auth.Credentials) (auth.ConnectionState, error) {
	c, err := pop3.Dial(t.Context(), addr, &pop3.ClientConfig{TLSConfig: cfg, Auth: who})
	if err != nil {
		return auth.ConnectionState{}, err
	}
	state := c.ConnectionState()
	return state, c.Quit(t.Context())
}
