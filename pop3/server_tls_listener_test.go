package pop3_test

import (
	"crypto/tls"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/pop3/pop3test"
)

// TestServerTLSListener: a listener of crypto/tls gives connections that have TLS, so that
// passwords are taken.
func TestServerTLSListener(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := pop3test.NewTLS(t, pop3test.CertGood)
		ln := pop3test.NewListener("pop3.test:995")
		srv := &pop3.Server{TLSConfig: server, Auth: &auth.Server{Passwords: auth.Passwords{"user": "secret"}}, Store: new(pop3test.Store)}
		done := make(chan error, 1)
		go func() { done <- srv.Serve(tls.NewListener(ln, server)) }()
		c, err := pop3.Dial(t.Context(), "pop3.test", &pop3.ClientConfig{TLS: pop3.ImplicitTLS, TLSConfig: client, Dialer: ln, Auth: auth.Password("user", "secret")})
		require.NoError(t, err)
		require.False(t, c.Capabilities().Has("STLS"))
		require.NoError(t, c.Quit(t.Context()))
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, pop3.ErrServerClosed)
	})
}
