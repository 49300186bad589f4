package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/usersfile"
	"github.com/posthouse/posthouse/examples/internal/host"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/smtp"
)

// login logs in to POP3 and out again.
func login(t *testing.T, h *host.Host, user, password string) error {
	t.Helper()
	c, err := pop3.Dial(t.Context(), h.Addrs()["pop3"], &pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: auth.InsecurePassword(user, password)})
	if err != nil {
		return err
	}
	return c.Quit(t.Context())
}

// sendAs sends without AUTH and returns the code of the refusal; 0 if there is none.
func sendAs(t *testing.T, h *host.Host, from string) int {
	t.Helper()
	sender, err := smtp.ParseAddress(from)
	require.NoError(t, err)
	to, err := smtp.ParseAddress("bob@example.test")
	require.NoError(t, err)
	env := smtp.Envelope{From: sender, To: []smtp.Recipient{{Address: to}}}
	_, err = smtp.Send(t.Context(), h.Addrs()["submission"], &smtp.ClientConfig{TLS: smtp.InsecureNoTLS}, env, strings.NewReader("Subject: x\r\n\r\n"))
	if err == nil {
		return 0
	}
	var refused *smtp.Error
	require.ErrorAs(t, err, &refused)
	return refused.Code
}

func popBefore(cfg *host.Config) {
	cfg.POP3, cfg.POPBeforeSMTP = "127.0.0.1:0", time.Minute
}

func TestPOPBeforeSMTP(t *testing.T) {
	t.Parallel()
	h, dir := start(t, func(cfg *host.Config) { popBefore(cfg); cfg.POPMessages = 3 })
	require.Equal(t, 530, sendAs(t, h, "alice@example.test"))
	require.ErrorIs(t, login(t, h, "alice", "wrong"), auth.ErrCredentials)
	require.Equal(t, 530, sendAs(t, h, "alice@example.test"))
	require.NoError(t, login(t, h, "alice", "a"))
	require.Equal(t, 0, sendAs(t, h, "alice@example.test"))
	for _, other := range []string{"bob@example.test", "alice@elsewhere.test", "sales@example.test"} {
		require.Equal(t, 550, sendAs(t, h, other), other)
	}
	require.NoError(t, login(t, h, "bob", "b"))
	require.Equal(t, 0, sendAs(t, h, "sales@example.test"), "an alias of Bob's")
	require.Equal(t, 0, sendAs(t, h, "alice@example.test"), "whose login still counts")
	require.Equal(t, 0, sendAs(t, h, "alice@example.test"))
	require.Equal(t, 451, sendAs(t, h, "alice@example.test"), "used up")
	require.Len(t, mailOf(t, dir, "bob"), 4)
}

// TestUsersFile: one file for both protocols, that changes under a running host.
func TestUsersFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	set := func(user, password string) {
		secret, err := usersfile.Make(usersfile.Argon2id, password)
		require.NoError(t, err)
		require.NoError(t, usersfile.Set(file, user, secret))
		then := time.Now().Add(-time.Hour) // it is read when it is a second old
		require.NoError(t, os.Chtimes(file, then, then))
	}
	set("alice", "a")
	set("bob", "b")
	h, _ := start(t, func(cfg *host.Config) { popBefore(cfg); cfg.Users, cfg.UsersFile = nil, file })
	require.NoError(t, login(t, h, "alice", "a"))
	require.Equal(t, 0, sendAs(t, h, "alice@example.test"))
	_, err := send(t, h.Addrs()["submission"], auth.InsecurePassword("bob", "b"), "\r\n", "alice@example.test")
	require.NoError(t, err)

	set("alice", "another")
	require.Eventually(t, func() bool { return sendAs(t, h, "alice@example.test") == 530 }, time.Minute, 10*time.Millisecond,
		"a new password takes back what the old one has given")
	require.ErrorIs(t, login(t, h, "alice", "a"), auth.ErrCredentials)
	require.NoError(t, login(t, h, "alice", "another"))
}

func TestUsersFileThatAllCanRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(file, []byte("alice:a\n"), 0o600))
	require.NoError(t, os.Chmod(file, 0o644))
	h, _ := start(t, func(cfg *host.Config) {
		popBefore(cfg)
		cfg.Users, cfg.UsersFile, cfg.Aliases = nil, file, nil
	})
	require.NoError(t, login(t, h, "alice", "a"), "it is taken, with a warning")
}
