package smtp_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// modes are those with TLS.
var modes = []smtp.TLSMode{smtp.StartTLS, smtp.ImplicitTLS, smtp.InsecureOpportunisticTLS}

// secure returns a server in memory for a mode, and a client's configuration.
func secure(t *testing.T, mode smtp.TLSMode, change func(*smtptest.Server)) (*smtptest.Server, *smtp.ClientConfig) {
	s := smtptest.NewUnstartedServer(t)
	s.Memory, s.ImplicitTLS = true, mode == smtp.ImplicitTLS
	if change != nil {
		change(s)
	}
	s.Start()
	cfg := s.ClientConfig("user")
	cfg.TLS = mode
	return s, cfg
}

// secretless checks that a server was told neither secrets nor mail.
func secretless(t *testing.T, s *smtptest.Server) {
	t.Helper()
	s.Close()
	for _, verb := range []string{"C: AUTH", "C: MAIL", "C: RCPT", "C: DATA", "C: BDAT"} {
		require.NotContains(t, s.Transcript(), verb)
	}
}

// A certificate that is not good is refused in every mode, with an error that tells
// why, and never is it gone on in cleartext.
func TestClient_Certificates(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]smtptest.Certificate{
		"wrong name":    smtptest.CertWrongName,
		"address only":  smtptest.CertAddressOnly,
		"expired":       smtptest.CertExpired,
		"not yet valid": smtptest.CertNotYetValid,
		"self-signed":   smtptest.CertSelfSigned,
		"untrusted":     smtptest.CertUntrusted,
	} {
		for _, mode := range modes {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, cfg := secure(t, mode, nil)
					s.ShowCertificate(kind)
					result, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
					var invalid *tls.CertificateVerificationError
					require.ErrorAs(t, err, &invalid)
					require.Equal(t, smtp.Refused, result.Outcome)
					secretless(t, s)
				})
			})
		}
	}
}

// An address is a name like any other: a certificate has to have it.
func TestClient_CertificateForAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, cfg := secure(t, smtp.ImplicitTLS, nil)
		cfg.TLSConfig.ServerName = "" // what was dialled counts
		s.ShowCertificate(smtptest.CertAddressOnly)
		for addr, ok := range map[string]bool{"127.0.0.1:465": true, "[::1]:465": true, "127.0.0.2:465": false, "smtp.test:465": false} {
			_, err := smtp.Send(t.Context(), addr, cfg, post(t, "a"), mail())
			require.Equal(t, ok, err == nil, "%s: %v", addr, err)
		}
	})
}

// A server that knows nothing newer than TLS 1.1 is no server.
func TestClient_OldTLS(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		for _, mode := range modes {
			synctest.Test(t, func(t *testing.T) {
				s, cfg := secure(t, mode, func(s *smtptest.Server) {
					s.Config.TLSConfig.MinVersion, s.Config.TLSConfig.MaxVersion = version, version
				})
				_, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
				require.ErrorContains(t, err, "protocol version")
				secretless(t, s)
			})
		}
	}
}

// weakKey is an RSA key that is too short for crypto/rsa, which then has to be used by
// hand: as a server of bad will would do.
type weakKey struct {
	public *rsa.PublicKey
	d      *big.Int
}

func newWeakKey(t *testing.T) *weakKey {
	t.Helper()
	e := big.NewInt(65537)
	for {
		p, err := rand.Prime(rand.Reader, 256)
		require.NoError(t, err)
		q, err := rand.Prime(rand.Reader, 256)
		require.NoError(t, err)
		one := big.NewInt(1)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		if d := new(big.Int).ModInverse(e, phi); d != nil {
			return &weakKey{&rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, d}
		}
	}
}

func (k *weakKey) Public() crypto.PublicKey { return k.public }

// Sign makes a signature of RFC 8017 section 8.2 over a SHA-256 hash.
func (k *weakKey) Sign(_ io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	info := append([]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), digest...)
	padded := "\x00\x01" + strings.Repeat("\xff", 64-3-len(info)) + "\x00" + string(info)
	signature := new(big.Int).Exp(new(big.Int).SetBytes([]byte(padded)), k.d, k.public.N)
	return signature.FillBytes(make([]byte, 64)), nil
}

// A key that anybody can break is refused although an authority has signed it.
func TestClient_WeakKey(t *testing.T) {
	t.Parallel()
	key := newWeakKey(t)
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"smtp.test"}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	root, err := x509.CreateCertificate(rand.Reader, template, template, authority.Public(), authority)
	require.NoError(t, err)
	parent, err := x509.ParseCertificate(root)
	require.NoError(t, err)
	template.IsCA, template.SerialNumber = false, big.NewInt(2)
	leaf, err := x509.CreateCertificate(rand.Reader, template, parent, key.public, authority)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parent)
	for _, mode := range modes {
		synctest.Test(t, func(t *testing.T) {
			s, cfg := secure(t, mode, func(s *smtptest.Server) {
				s.Config.TLSConfig = &tls.Config{
					Certificates: []tls.Certificate{{
						Certificate: [][]byte{leaf}, PrivateKey: key,
						SupportedSignatureAlgorithms: []tls.SignatureScheme{tls.PKCS1WithSHA256},
					}},
					MaxVersion: tls.VersionTLS12,
				}
			})
			cfg.TLSConfig.RootCAs = pool
			_, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
			require.ErrorContains(t, err, "512-bit keys are insecure")
			secretless(t, s)
		})
	}
}

// Replies that come in cleartext behind the agreement to TLS are not taken for
// replies in it.
func TestClient_ResponseInjection(t *testing.T) {
	t.Parallel()
	for name, injected := range map[string]string{
		"EHLO":       "250-smtp.test\r\n250 AUTH PLAIN\r\n",
		"AUTH":       "250 smtp.test\r\n235 ok\r\n",
		"everything": "250-smtp.test\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n",
		"half":       "250",
	} {
		for _, mode := range []smtp.TLSMode{smtp.StartTLS, smtp.InsecureOpportunisticTLS} {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, cfg := secure(t, mode, nil)
					s.Misbehave(smtptest.Fault{At: smtptest.AtSTARTTLS, Say: "220 go\r\n" + injected})
					_, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
					require.ErrorIs(t, err, conn.ErrPlaintextBuffered)
					secretless(t, s)
				})
			})
		}
	}
}

// What was offered in cleartext counts for nothing in TLS.
func TestClient_ForgetsBeforeTLS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, cfg := secure(t, smtp.StartTLS, nil)
		s.Misbehave(smtptest.Fault{At: smtptest.AtEHLO, Times: 1, Say: "250-evil.test\r\n250-STARTTLS\r\n250-X-EVIL\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n"})
		c, err := smtp.Dial(t.Context(), s.Addr, cfg)
		require.NoError(t, err)
		defer c.Close()
		_, evil := c.Extension("X-EVIL")
		require.False(t, evil)
		require.Equal(t, "smtp.test", c.ConnectionState().Hello)
		_, err = c.Send(t.Context(), post(t, "a"), mail())
		require.NoError(t, err)
	})
}

// Whoever takes STARTTLS away gets nothing where it is required, and no secrets
// where it is not.
func TestClient_Stripping(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]smtptest.Fault{
		"not offered":    {At: smtptest.AtEHLO, Without: []string{"STARTTLS"}},
		"454":            {At: smtptest.AtSTARTTLS, Say: "454 4.7.0 not now\r\n"},
		"502":            {At: smtptest.AtSTARTTLS, Say: "502 5.5.1 what\r\n"},
		"500":            {At: smtptest.AtSTARTTLS, Say: "500 5.5.2 what\r\n"},
		"no EHLO":        {At: smtptest.AtEHLO, Say: "500 5.5.2 what\r\n", Times: 1},
		"no EHLO at all": {At: smtptest.AtEHLO, Say: "502 5.5.1 what\r\n"},
		"250":            {At: smtptest.AtSTARTTLS, Say: "354 go\r\n", Then: smtptest.Close},
		"dropped":        {At: smtptest.AtSTARTTLS, Mute: true, Then: smtptest.Close},
		"no handshake":   {At: smtptest.AtTLS, Say: "500 no\r\n", Then: smtptest.Close},
	} {
		for _, mode := range []smtp.TLSMode{smtp.StartTLS, smtp.InsecureOpportunisticTLS} {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s, cfg := secure(t, mode, nil)
					s.Misbehave(fault)
					_, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
					require.Error(t, err)
					require.True(t, typed(err), "%#v", err)
					secretless(t, s)
				})
			})
		}
	}
}

// TLS that is closed in one direction, or cut off, is never taken for the end of
// a reply or of a message.
func TestClient_HalfClosedTLS(t *testing.T) {
	t.Parallel()
	for _, at := range []smtptest.At{smtptest.AtEHLO, smtptest.AtMAIL, smtptest.AtDATA, smtptest.AtEnd} {
		for _, then := range []smtptest.Then{smtptest.HalfClose, smtptest.Reset} {
			synctest.Test(t, func(t *testing.T) {
				s, cfg := secure(t, smtp.ImplicitTLS, nil)
				cfg.NoChunking = true // else all of it is under way before the first reply
				s.Misbehave(smtptest.Fault{At: at, Cut: 5, Then: then})
				result, err := smtp.Send(t.Context(), s.Addr, cfg, post(t, "a"), mail())
				require.Error(t, err)
				require.Equal(t, at == smtptest.AtEnd, result.Outcome == smtp.Unknown, "%v: %v", at, err)
				require.NotEqual(t, smtp.Accepted, result.Outcome)
			})
		}
	}
}
