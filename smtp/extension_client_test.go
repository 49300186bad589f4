package smtp_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// client connects a Client to a site.
func (s *site) client(mode smtp.TLSMode, config *tls.Config) *smtp.Client {
	s.t.Helper()
	nc, err := s.ln.Dial(s.t.Context())
	require.NoError(s.t, err)
	c, err := smtp.NewClient(s.t.Context(), nc, "mx.example.org", &smtp.ClientConfig{TLS: mode, TLSConfig: config, Hello: "client.example.com"})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	return c
}

// TestClientSMTPUTF8: SMTPUTF8 is asked for when the envelope or the header needs it and
// at no other time, and what needs it is not sent without.
func TestClientSMTPUTF8(t *testing.T) {
	t.Parallel()
	plain, gruen := mailbox("", "bob@example.org").Address, mailbox("", "gr\u00fcn@example.org").Address
	for _, tt := range []struct {
		name     string
		from, to smtp.Address
		header   string
		needed   bool
	}{
		{"nothing", plain, plain, "Subject: hello\r\n", false},
		{"sender", gruen, plain, "Subject: hello\r\n", true},
		{"recipient", plain, gruen, "Subject: hello\r\n", true},
		{"header", plain, plain, "Subject: gr\u00fcn\r\n", true},
	} {
		env := smtp.Envelope{From: tt.from, To: []smtp.Recipient{{Address: tt.to}}}
		t.Run(tt.name+", offered", func(t *testing.T) {
			t.Parallel()
			if tt.needed {
				rfc.Covers(t, "rfc6531-3.4-1")
			} else {
				rfc.Covers(t, "rfc6531-3.4-3")
			}
			s := newSite(t, &smtp.Server{Offer: everything})
			_, err := s.client(smtp.InsecureNoTLS, nil).Send(t.Context(), env, strings.NewReader(tt.header+"\r\n\u00fc\r\n"))
			require.NoError(t, err)
			require.Equal(t, tt.needed, s.letters()[0].tx.Envelope.UTF8)
		})
		t.Run(tt.name+", not offered", func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc6531-3.2-4", "rfc6531-3.5-1")
			s := newSite(t, &smtp.Server{})
			_, err := s.client(smtp.InsecureNoTLS, nil).Send(t.Context(), env, strings.NewReader(tt.header+"\r\n\u00fc\r\n"))
			if !tt.needed {
				require.NoError(t, err)
				return
			}
			var missing *smtp.ExtensionError
			require.ErrorAs(t, err, &missing)
			require.Equal(t, "SMTPUTF8", missing.Keyword)
			require.Empty(t, s.letters())
		})
	}
}

// TestClientRequireTLS: REQUIRETLS is asked for over TLS with a certificate that verified,
// of a server that offers it, and nowhere else.
func TestClientRequireTLS(t *testing.T) {
	t.Parallel()
	env := smtp.Envelope{To: []smtp.Recipient{{Address: mailbox("", "bob@example.org").Address}}, RequireTLS: true}
	for _, tt := range []struct {
		name   string
		offer  bool
		mode   smtp.TLSMode
		verify bool
		ids    []string
		sent   bool
	}{
		{"verified", true, smtp.StartTLS, true, []string{"rfc8689-4.3-1"}, true},
		{"cleartext", true, smtp.InsecureNoTLS, true, nil, false},
		{"not verified", true, smtp.StartTLS, false, []string{"rfc8689-2-4", "rfc8689-4.2.1-3"}, false},
		{"not offered", false, smtp.StartTLS, true, []string{"rfc8689-4.2.1-1"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.ids != nil {
				rfc.Covers(t, tt.ids...)
			}
			s := newSite(t, withTLS(t, &smtp.Server{Offer: smtp.Offers{RequireTLS: tt.offer}}))
			config := s.tls.Clone()
			config.InsecureSkipVerify = !tt.verify
			_, err := s.client(tt.mode, config).Send(t.Context(), env, strings.NewReader("\r\n"))
			if !tt.sent {
				var failure *smtp.SendError
				require.ErrorAs(t, err, &failure)
				require.Equal(t, smtp.StepCheck, failure.Step)
				require.Empty(t, s.letters())
				return
			}
			require.NoError(t, err)
			require.True(t, s.letters()[0].tx.Envelope.RequireTLS)
		})
	}
}
