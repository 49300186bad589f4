package smtp_test

import (
	"context"
	"math"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
)

// TestLongestTimeouts: timeouts that mean "never" do not overflow to "at once" when a
// body earns more time.
func TestLongestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &smtp.Server{Timeout: math.MaxInt64, DataTimeout: math.MaxInt64})
		c, err := smtp.Dial(t.Context(), "mx.example.org", &smtp.ClientConfig{
			TLS: smtp.InsecureNoTLS, Timeout: math.MaxInt64, DataTimeout: math.MaxInt64,
			Dialer: dialerFunc(func(ctx context.Context) (net.Conn, error) { return s.ln.Dial(ctx) }),
		})
		require.NoError(t, err)
		to, err := smtp.ParseAddress("bob@example.org")
		require.NoError(t, err)
		_, err = c.Send(t.Context(), smtp.Envelope{To: []smtp.Recipient{{Address: to}}},
			strings.NewReader(strings.Repeat("a line of text\r\n", 100_000)))
		require.NoError(t, err)
		require.NoError(t, c.Quit(t.Context()))
	})
}

type dialerFunc func(ctx context.Context) (net.Conn, error)

func (f dialerFunc) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return f(ctx) }
