package interop

import (
	"bufio"
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
	log   said
}

// programs are what build has made, in a folder that goes with the test that made
// the first.
var programs struct {
	sync.Mutex
	dir string
}

// TestMain ends the servers that the tests have started, and removes what they have built.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, d := range []*daemon{postfix, exim, dovecot, openSMTPD} {
		d.stop()
	}
	if programs.dir != "" {
		_ = os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// build makes a program of the examples, once.
func build(t *testing.T, program string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if programs.dir == "" {
		var err error
		if programs.dir, err = os.MkdirTemp("", "interop"); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(programs.dir, program)
	if _, err := os.Stat(name); err == nil {
		return name
	}
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", name, "./examples/"+program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return name
}

// startMailhost runs it for Alice and Bob, with every service.
func startMailhost(t *testing.T, args ...string) *mailhost {
	t.Helper()
	h := &mailhost{dir: t.TempDir()}
	if err := os.WriteFile(h.users(), []byte("alice:secret1\nbob:secret2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const free = "127.0.0.1:0"
	cmd := exec.Command(build(t, "mailhost"), append([]string{
		"-v", "-users", h.users(), "-maildir", filepath.Join(h.dir, "mail"), "-mx", free,
		"-submission", free, "-submissions", free, "-pop3", free, "-pop3s", free,
	}, args...)...)
	cmd.Stderr = &h.log
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

// said returns what the program has logged.
func (h *mailhost) said() string { return h.log.String() }

// account is how a client gets in: at a service of a mailhost, as a user of its.
type account struct {
	port      string // of localhost
	way       string // plain, starttls (or STLS) or implicit
	mechanism string
	ca        string // file of the certificate to trust
	user      string
	password  string
	home      string // a folder of the client's own, with a Maildir, mail, in it
}

// account returns that of a user at a service, for a client that starts anew.
func (h *mailhost) account(t *testing.T, service, way, mechanism, user, password string) account {
	t.Helper()
	_, port, err := net.SplitHostPort(h.addrs[service])
	if err != nil {
		t.Fatalf("%s: %v", service, err)
	}
	home := t.TempDir()
	for _, sub := range []string{"new", "cur", "tmp"} {
		if err := os.MkdirAll(filepath.Join(home, "mail", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return account{port, way, mechanism, h.addrs["ca"], user, password, home}
}

// mode returns one of three words, by the way in which TLS begins, if it does.
func (a account) mode(plain, starttls, implicit string) string {
	return map[string]string{"plain": plain, "starttls": starttls, "implicit": implicit}[a.way]
}

// args are those of the programs here: WAY MECHANISM PORT CA USER PASSWORD, and what
// follows.
func (a account) args(more ...string) []string {
	return append([]string{a.way, a.mechanism, a.port, a.ca, a.user, a.password}, more...)
}

// curl is the beginning of a command.
func (a account) curl() []string {
	args := []string{"curl", "-sS", "--login-options", "AUTH=" + a.mechanism}
	if a.way != "plain" {
		args = append(args, "--ssl-reqd", "--cacert", a.ca)
	}
	if a.mechanism == "OAUTHBEARER" || a.mechanism == "XOAUTH2" {
		return append(args, "-u", a.user+":", "--oauth2-bearer", a.password)
	}
	return append(args, "-u", a.user+":"+a.password)
}

// loggedIn makes sure that somebody has logged in by a mechanism.
func (h *mailhost) loggedIn(t *testing.T, mechanism string) {
	t.Helper()
	if said := h.saidWith("mechanism=" + mechanism); !strings.Contains(said, "mechanism="+mechanism) {
		t.Errorf("nobody has logged in by %s\n%s", mechanism, said)
	}
}

// saidWith returns what the program has logged, when a text is among it or will never
// be: what it does is done before its log is here.
func (h *mailhost) saidWith(text string) string {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if said := h.said(); strings.Contains(said, text) || time.Now().After(end) {
			return said
		}
	}
}

// file writes a file for the client, and returns its name.
func (a account) file(t *testing.T, name, format string, args ...any) string {
	t.Helper()
	name = filepath.Join(a.home, name)
	if err := os.WriteFile(name, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// maildrop returns the messages of a user that are on the disk, by file name.
func (h *mailhost) maildrop(t *testing.T, user string) map[string]string {
	t.Helper()
	found := map[string]string{}
	names, err := filepath.Glob(filepath.Join(h.dir, "mail", user, "[cn]*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(b)
	}
	return found
}
