package smtp_test

import (
	"context"
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// TestServerTLSListener: a listener of crypto/tls gives connections that have TLS, in the
// eyes of hooks, mechanisms and policies too.
func TestServerTLSListener(t *testing.T) {
	t.Parallel()
	for _, offersTLS := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server, client := smtptest.NewTLS(t, smtptest.CertGood)
			ln := smtptest.NewListener("smtp.test:465")
			seen := make(chan auth.ConnectionState, 2)
			srv := &smtp.Server{
				Hostname: "smtp.test",
				Protocol: auth.Submission,
				Auth:     &auth.Server{Passwords: passwords},
				MaxConns: 1,
				Hooks: smtp.Hooks{Connect: func(_ context.Context, cs auth.ConnectionState) error {
					seen <- cs
					return nil
				}},
				Handler: smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
					seen <- tx.Conn
					_, err := io.Copy(io.Discard, tx.Body)
					return err
				}),
			}
			if offersTLS {
				srv.TLSConfig, srv.RequireTLS = server, true
			}
			done := make(chan error, 1)
			go func() { done <- srv.Serve(tls.NewListener(ln, server)) }()
			cfg := &smtp.ClientConfig{TLS: smtp.ImplicitTLS, TLSConfig: client, Dialer: ln, Auth: auth.Password("test", "1234")}
			c, err := smtp.Dial(t.Context(), "smtp.test", cfg)
			require.NoError(t, err)
			_, offered := c.Extension("STARTTLS")
			require.False(t, offered)
			env, err := smtp.NewEnvelope("a@example.org", "b@example.org")
			require.NoError(t, err)
			_, err = c.Send(t.Context(), env, strings.NewReader("Subject: x\r\n\r\n"))
			require.NoError(t, err)
			require.NotNil(t, (<-seen).TLS, "before the greeting")
			cs := <-seen
			require.NotNil(t, cs.TLS)
			require.Equal(t, "test", cs.Identity.User)
			require.Equal(t, int64(1), srv.Stats().Handshakes)

			_, err = smtp.Dial(t.Context(), "smtp.test", cfg)
			require.Error(t, err, "one too many: there is no word before a handshake")
			require.NoError(t, c.Quit(t.Context()))
			synctest.Wait()

			// Who makes no handshake has no session.
			nc, err := ln.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			start := time.Now()
			_, err = io.Copy(io.Discard, nc)
			require.NoError(t, err)
			require.Equal(t, 10*time.Second, time.Since(start))
			synctest.Wait()
			require.Equal(t, int64(1), srv.Stats().TLSFailed)
			require.NoError(t, srv.Close())
			require.ErrorIs(t, <-done, smtp.ErrServerClosed)
		})
	}
}
