package host

import (
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

func newMailboxes(t *testing.T, users auth.Passwords) (b *mailboxes, folder string) {
	t.Helper()
	folder = t.TempDir()
	cfg := Config{Domain: "example.test", Hostname: "mail.example.test", Maildir: folder, Log: slog.New(slog.DiscardHandler)}
	b, err := openMailboxes(&cfg, accounts{table: users})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b, folder
}

func mailFor(t *testing.T, folder, user string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, user, "new", "*"))
	require.NoError(t, err)
	return len(names)
}

// TestUserRemovedMeanwhile: mail for a user who is removed when his address was accepted
// already is not accepted for nobody.
func TestUserRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[auth.Protocol][]smtp.Outcome{
		auth.SMTP: {smtp.Refused, smtp.Refused}, // and it comes again, for those who are left
		auth.LMTP: {smtp.Accepted, smtp.Refused},
	} {
		users := auth.Passwords{"alice": "a", "bob": "b"}
		b, folder := newMailboxes(t, users)
		srv := &smtp.Server{
			Hostname: "mail.example.test", Protocol: protocol, Local: b.local, Handler: smtp.HandlerFunc(b.deliver),
			Hooks: smtp.Hooks{Recipient: b.recipient, Data: func(context.Context, *smtp.Transaction) error {
				delete(users, "bob")
				return nil
			}},
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(ln) }()
		var env smtp.Envelope
		for _, s := range []string{"alice@example.test", "bob@example.test"} {
			a, err := smtp.ParseAddress(s)
			require.NoError(t, err)
			env.To = append(env.To, smtp.Recipient{Address: a})
		}
		cfg := &smtp.ClientConfig{Protocol: protocol, TLS: smtp.InsecureNoTLS}
		result, err := smtp.Send(t.Context(), ln.Addr().String(), cfg, env, strings.NewReader("Subject: x\r\n\r\n"))
		require.Error(t, err)
		for i, r := range result.Recipients {
			require.Equal(t, want[i], r.Outcome, "%s: %v", protocol, r.Err)
		}
		if protocol == auth.SMTP {
			require.True(t, smtp.SafeToRetry(err))
			require.Zero(t, mailFor(t, folder, "alice"))
		} else {
			require.Equal(t, 1, mailFor(t, folder, "alice"))
			require.False(t, result.Recipients[1].Temporary)
		}
		require.NoDirExists(t, filepath.Join(folder, "bob", "new"))
		require.NoError(t, srv.Shutdown(context.Background()))
		require.ErrorIs(t, <-ended, smtp.ErrServerClosed)
	}
}

// TestFailureIsItsOwn: a delivery that failed has its Maildir opened anew, and not the one
// that was opened anew already, in which others deliver by now.
func TestFailureIsItsOwn(t *testing.T) {
	t.Parallel()
	b, folder := newMailboxes(t, auth.Passwords{"bob": "b"})
	first, err := b.create("bob")
	require.NoError(t, err)
	second, err := b.create("bob")
	require.NoError(t, err)
	failing, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, b.commit(failing, first))
	third, err := b.create("bob")
	require.NoError(t, err)
	require.Error(t, b.commit(failing, second))
	require.NoError(t, b.commit(t.Context(), third))
	require.Equal(t, 1, mailFor(t, folder, "bob"))
}
