package pop3_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
)

// TestLoginWithoutShowingThePassword: both sides know a mechanism that does not, use it
// unasked, and bind it to the connection. A server that does not want to bind is no
// server from which somebody has taken that away.
func TestLoginWithoutShowingThePassword(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5034-4-25")
	keys := auth.Passwords{"mrose": "tanstaaf"}
	for want, only := range map[string][]string{"SCRAM-SHA-512-PLUS": nil, "SCRAM-SHA-256": {"SCRAM-SHA-256"}} {
		server, client := testnet.Cert(t, "dewey")
		r := serverTest(t, func(s *pop3.Server, _ *dropStore) {
			s.TLSConfig = server
			s.Auth = &auth.Server{Secrets: keys, Only: only} // nothing to verify a password with
		})
		nc, err := r.ln.Dial(t.Context())
		require.NoError(t, err)
		c, err := pop3.NewClient(t.Context(), nc, "dewey", &pop3.ClientConfig{TLSConfig: client, Auth: auth.Password("mrose", "tanstaaf")})
		require.NoError(t, err, want)
		require.Equal(t, want, c.ConnectionState().Identity.Mechanism)
		require.NoError(t, c.Quit(t.Context()))
	}
}
