package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth/usersfile"
)

// typed is standard input with a text in it.
func typed(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "stdin")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"secret\nmore\n":                 "secret",
		" se cret \r\n":                  " se cret ",
		"secret":                         "secret",
		"\n":                             "",
		"":                               "error",
		strings.Repeat("a", 2000) + "\n": "error",
	} {
		got, err := ask(t.Context(), typed(t, text), io.Discard)
		if want == "error" {
			require.Error(t, err, "%q", text)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestAskIsBrokenOff: SIGINT ends the program, and a terminal shows again what is typed.
func TestAskIsBrokenOff(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { w.Close(); r.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ask(ctx, r, io.Discard)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSet(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "users")
	require.NoError(t, set(name, "alice", "secret", []string{"argon2id"}))
	require.NoError(t, set(name, "bob", "secret", []string{"scram-sha-256", "scram-sha-1"}))
	require.Error(t, set(name, "carol", "", []string{"argon2id"}))
	require.Error(t, set(name, "carol", "secret", []string{"rot13"}))
	require.Error(t, set(name, "carol", "secret", []string{"argon2id", "plain"}))
	users, err := usersfile.Open(name, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"alice", "bob"}, users.Users())
	for _, user := range users.Users() {
		require.NoError(t, users.VerifyPassword(t.Context(), user, "secret"))
	}
}
