package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailhost is the example program, running.
type mailhost struct {
	addrs map[string]string
	dir   string

	mu  sync.Mutex
	log bytes.Buffer
}

// build makes a program of the examples.
func build(t *testing.T, program string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), program)
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", name, "./examples/"+program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// startMailhost runs it for Alice and Bob, with POP before SMTP.
func startMailhost(t *testing.T, args ...string) *mailhost {
	t.Helper()
	h := &mailhost{dir: t.TempDir()}
	h.setPassword(t, "alice", "secret1")
	h.setPassword(t, "bob", "secret2")
	cmd := exec.Command(build(t, "mailhost"), append([]string{
		"-v", "-users", h.users(), "-maildir", filepath.Join(h.dir, "mail"),
		"-submission", "127.0.0.1:0", "-pop3", "127.0.0.1:0", "-pop3s", "127.0.0.1:0",
	}, args...)...)
	cmd.Stderr = h
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, h.said())
	}
	if err := json.Unmarshal([]byte(line), &h.addrs); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return h
}

func (h *mailhost) users() string { return filepath.Join(h.dir, "users") }

// setPassword runs mailpasswd, and makes the file old enough to be read at once.
func (h *mailhost) setPassword(t *testing.T, user, password string) {
	t.Helper()
	cmd := exec.Command(build(t, "mailpasswd"), h.users(), user)
	cmd.Stdin = strings.NewReader(password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	then := time.Now().Add(-time.Minute)
	if err := os.Chtimes(h.users(), then, then); err != nil {
		t.Fatal(err)
	}
}

// Write takes what the program logs.
func (h *mailhost) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.Write(p)
}

func (h *mailhost) said() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

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

// fetchers are real clients that log in to the maildrop.
var fetchers = []struct {
	name  string
	fetch func(t *testing.T, h *mailhost, user, password string) *exec.Cmd
}{
	{"mpop", func(t *testing.T, h *mailhost, user, password string) *exec.Cmd {
		host, port, _ := net.SplitHostPort(h.addrs["pop3s"])
		return exec.Command("mpop", "-C", file(t, "mpoprc", fmt.Sprintf(
			"account default\nhost %s\nport %s\ntls on\ntls_starttls off\ntls_trust_file %s\nuser %s\npassword %s\ndelivery mbox %s\nuidls_file %s\n",
			host, port, h.addrs["ca"], user, password, filepath.Join(t.TempDir(), "mbox"), filepath.Join(t.TempDir(), "uidls"))))
	}},
	{"fetchmail", func(t *testing.T, h *mailhost, user, password string) *exec.Cmd {
		_, port, _ := net.SplitHostPort(h.addrs["pop3"])
		rc := file(t, "fetchmailrc", fmt.Sprintf(
			"poll localhost service %s protocol pop3 user %q password %q sslproto tls1.2+ sslcertck sslcertfile %q keep mda \"cat >%s\"\n",
			port, user, password, h.addrs["ca"], filepath.Join(t.TempDir(), "mbox")))
		cmd := exec.Command("fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--pidfile", filepath.Join(t.TempDir(), "pid"))
		cmd.Env = append(os.Environ(), "FETCHMAILHOME="+t.TempDir(), "HOME="+t.TempDir())
		return cmd
	}},
}

// fetch reports whether a client could log in.
func (h *mailhost) fetch(t *testing.T, cmd *exec.Cmd) bool {
	t.Helper()
	out, err := cmd.CombinedOutput()
	code := cmd.ProcessState.ExitCode()
	if err == nil || code == 1 && !bytes.Contains(out, []byte("refused")) && strings.HasSuffix(cmd.Path, "fetchmail") {
		return true // 1 says that there was no mail
	}
	t.Logf("%s: %v\n%s", cmd.Path, err, out)
	return false
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	openLab(t)
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
}

// TestPOPBeforeSMTP has real clients log in to the maildrop and another send without AUTH:
// refused before, taken then, refused from another address, as another sender, and when
// the password was changed.
func TestPOPBeforeSMTP(t *testing.T) {
	for _, f := range fetchers {
		t.Run(f.name, func(t *testing.T) {
			need(t, f.name, "swaks")
			h := startMailhost(t, "-pop-before-smtp", "15m")
			if h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatal("taken from a stranger")
			}
			if h.fetch(t, f.fetch(t, h, "alice", "wrong")) || h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatal("taken after a wrong password")
			}
			if !h.fetch(t, f.fetch(t, h, "alice", "secret1")) {
				t.Fatal("no login")
			}
			if !h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Fatalf("refused after a login\n%s", h.said())
			}
			if said := h.said(); strings.Count(said, "grant given") != 1 || strings.Count(said, "sent on a grant") != 1 || strings.Contains(said, "secret1") {
				t.Errorf("the log:\n%s", said)
			}
			if h.swaks(t, "127.0.0.2", "alice@example.test") {
				t.Error("taken from another address")
			}
			if h.swaks(t, "127.0.0.1", "bob@example.test") {
				t.Error("taken with the sender of another user")
			}
			h.setPassword(t, "alice", "another")
			for end := time.Now().Add(time.Minute); h.swaks(t, "127.0.0.1", "alice@example.test"); {
				if time.Now().After(end) {
					t.Fatal("taken although the password was changed")
				}
			}
			if !h.fetch(t, f.fetch(t, h, "alice", "another")) || !h.swaks(t, "127.0.0.1", "alice@example.test") {
				t.Error("refused with the new password")
			}
		})
	}
}

// TestPOPBeforeSMTPEnds when the window is over, and never begins without TLS or unasked.
func TestPOPBeforeSMTPEnds(t *testing.T) {
	need(t, "mpop", "swaks")
	mpop := fetchers[0].fetch
	h := startMailhost(t, "-pop-before-smtp", "3s")
	if !h.fetch(t, mpop(t, h, "alice", "secret1")) || !strings.Contains(h.said(), "grant given") {
		t.Fatalf("no grant\n%s", h.said())
	}
	for end := time.Now().Add(time.Minute); h.swaks(t, "127.0.0.1", "alice@example.test"); {
		if time.Now().After(end) {
			t.Fatal("taken after the window")
		}
	}
	h = startMailhost(t)
	if !h.fetch(t, mpop(t, h, "alice", "secret1")) || h.swaks(t, "127.0.0.1", "alice@example.test") {
		t.Error("taken although nobody asked for it")
	}
}
