package interop

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// swaks sends without AUTH from an address of this machine, and reports whether the
// message was taken.
func (h *mailhost) swaks(t *testing.T, from, sender string) bool {
	t.Helper()
	out, err := exec.Command("swaks", "--server", h.addrs["submission"], "--local-interface", from, "--tls", "--tls-ca-path", h.addrs["ca"],
		"--from", sender, "--to", "bob@example.test", "--timeout", "30", "--suppress-data").CombinedOutput()
	sent := bytes.Contains(out, []byte("accepted as"))
	if refused := bytes.Contains(out, []byte("<~* 5")); sent == refused || sent != (err == nil) {
		t.Fatalf("swaks: %v\n%s", err, out)
	}
	return sent
}

// login reports whether a fetching client can log in.
func (h *mailhost) login(t *testing.T, client, password string) bool {
	t.Helper()
	err := fetcherNamed(t, client)(t, h.account(t, "pop3s", "implicit", "USER", "alice", password))
	if err != nil {
		t.Log(err)
	}
	return err == nil
}

// TestPOPBeforeSMTP has real clients log in to the maildrop and another send without AUTH:
// refused before, taken then, refused from another address, as another sender, and when
// the password was changed.
func TestPOPBeforeSMTP(t *testing.T) {
	for _, client := range []string{"mpop", "fetchmail"} {
		t.Run(client, func(t *testing.T) {
			need(t, "swaks")
			h := startMailhost(t, "-pop-before-smtp", "15m")
			if h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatal("taken from a stranger")
			}
			if h.login(t, client, "wrong") || h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatal("taken after a wrong password")
			}
			if !h.login(t, client, "secret1") {
				t.Fatal("no login")
			}
			if !h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatalf("refused after a login\n%s", h.said())
			}
			if said := h.saidWith("sent on a grant"); strings.Count(said, "grant given") != 1 || strings.Count(said, "sent on a grant") != 1 || strings.Contains(said, "secret1") {
				t.Errorf("the log:\n%s", said)
			}
			if h.swaks(t, "127.0.0.2", "alice@example.test") {
				t.Error("taken from another address")
			}
			if h.swaks(t, "127.0.0.1", "bob@example.test") {
				t.Error("taken with the sender of another user")
			}
			h.setPassword(t, "alice", "another")
			for end := time.Now().Add(patience); h.swaks(t, "127.0.0.1", "alice@example.test"); {
				if time.Now().After(end) {
					t.Fatal("taken although the password was changed")
				}
			}
			if !h.login(t, client, "another") || !h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Error("refused with the new password")
			}
		})
	}
}

// TestPOPBeforeSMTPEnds when the window is over, and never begins without TLS or unasked.
func TestPOPBeforeSMTPEnds(t *testing.T) {
	need(t, "swaks")
	h := startMailhost(t, "-pop-before-smtp", "3s")
	if !h.login(t, "mpop", "secret1") || !strings.Contains(h.saidWith("grant given"), "grant given") {
		t.Fatalf("no grant\n%s", h.said())
	}
	for end := time.Now().Add(patience); h.swaks(t, "127.0.0.1", "alice@example.test"); {
		if time.Now().After(end) {
			t.Fatal("taken after the window")
		}
	}
	h = startMailhost(t)
	if !h.login(t, "mpop", "secret1") || h.swaks(t, "127.0.0.1", "alice@example.test") {
		t.Error("taken although nobody asked for it")
	}
}
