package smtp

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
)

// The certificate has to be valid for the name that was dialled: in every mode,
// and no cleartext comes after one that is not.
func TestClient_CertificateRefused(t *testing.T) {
	t.Parallel()
	right, trusting := testnet.Cert(t, "mx.example.org")
	trusting.ServerName = ""
	for _, mode := range []TLSMode{StartTLS, ImplicitTLS, InsecureOpportunisticTLS} {
		for name, tt := range map[string]struct {
			host   string
			config *tls.Config
		}{
			"wrong name": {"mx.example.net", trusting},
			"untrusted":  {"mx.example.org", nil},
			"no name":    {"", trusting},
		} {
			t.Run(mode.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				rfc.Covers(t, "rfc4954-14-1", "rfc4954-14-2", "rfc4954-14-3", "rfc3207-4.1-1")
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					done := make(chan struct{})
					var after []byte
					go func() {
						defer close(done)
						if mode != ImplicitTLS {
							script(far, "220 hi\r\n", "250-hi\r\n250 STARTTLS\r\n", "220 go\r\n")
						}
						secure := tls.Server(far, right)
						if secure.Handshake() == nil {
							io.WriteString(secure, "220 hi\r\n250-hi\r\n250 AUTH PLAIN\r\n")
							after, _ = io.ReadAll(secure)
							return
						}
						after, _ = io.ReadAll(far)
					}()
					_, err := NewClient(t.Context(), near, tt.host, &ClientConfig{
						TLS: mode, TLSConfig: tt.config, Auth: auth.Password("tim", "secret"),
					})
					require.Error(t, err)
					var invalid *tls.CertificateVerificationError
					require.Equal(t, tt.host != "", errors.As(err, &invalid), "%v", err)
					<-done
					require.NotContains(t, string(after), "QUIT")
					require.NotContains(t, string(after), "AUTH")
				})
			})
		}
	}
}

// The name is the one that the caller gave, not one that the server gave.
func TestClient_CertificateAccepted(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4954-14-4", "rfc4954-14-5", "rfc4954-14-6", "rfc3207-4.2-4")
	right, trusting := testnet.Cert(t, "mx.example.org")
	trusting.ServerName = ""
	for _, greeting := range []string{"mx.example.org", "evil.example.net"} {
		synctest.Test(t, func(t *testing.T) {
			near, far := pipe(t)
			go func() {
				script(far, "220 "+greeting+"\r\n", "250-"+greeting+"\r\n250 STARTTLS\r\n", "220 go\r\n")
				secure := tls.Server(far, right)
				secure.Handshake()
				secure.Read(make([]byte, 100))
				io.WriteString(secure, "250 "+greeting+"\r\n")
			}()
			c, err := NewClient(t.Context(), near, "mx.example.org", &ClientConfig{TLSConfig: trusting})
			require.NoError(t, err)
			require.NotNil(t, c.ConnectionState().TLS)
			require.Equal(t, "mx.example.org", c.ConnectionState().TLS.ServerName)
			require.NotEmpty(t, c.ConnectionState().TLS.VerifiedChains)
			c.Close()
		})
	}
}

// A certificate without which there is no greeting: what stands before TLS was
// given up is an error of its own kind.
func TestErrPlaintextBuffered_IsTyped(t *testing.T) {
	t.Parallel()
	err := error(&opError{"TLS", fmt.Errorf("x: %w", conn.ErrPlaintextBuffered)})
	require.ErrorIs(t, err, conn.ErrPlaintextBuffered)
	require.EqualError(t, err, "smtp: TLS: x: cleartext received before the TLS handshake")
}
