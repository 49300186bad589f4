package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fetchers are clients that fetch all of a maildrop, delete it, and leave each message
// as a file in the folder mail of their home, or deeper in there.
var fetchers = []struct {
	name       string
	need       func(t *testing.T)
	noSTLS     bool
	mechanisms string // that it can be told to log in by; USER is USER and PASS
	fetch      func(t *testing.T, a account) error
}{
	{"mpop", program("mpop"), false, "USER APOP PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2", func(t *testing.T, a account) error {
		rc := a.file(t, "mpoprc", "account default\nhost localhost\nport %s\ntls %s\ntls_starttls %s\ntls_trust_file %s\nauth %s\nuser %s\npassword %s\n"+
			"delivery maildir %s/mail\nuidls_file %s/uidls\nkeep off\nreceived_header off\n",
			a.port, a.mode("off", "on", "on"), a.mode("off", "on", "off"), a.ca, strings.ToLower(a.mechanism), a.user, a.password, a.home, a.home)
		return run(t, a.home, "mpop", "-C", rc)
	}},
	{"fetchmail", program("fetchmail"), false, "USER APOP CRAM-MD5", func(t *testing.T, a account) error {
		protocol, authenticate := "pop3", "password"
		switch a.mechanism {
		case "APOP":
			protocol = "apop"
		case "CRAM-MD5":
			authenticate = "cram-md5"
		}
		rc := a.file(t, "fetchmailrc", "set invisible\npoll localhost service %s protocol %s auth %s user %q password %q %s sslcertck sslcertfile %q nokeep mda \"cat >%s/mail/new/$$\"\n",
			a.port, protocol, authenticate, a.user, a.password, a.mode("sslproto ''", "sslproto tls1.2+", "ssl"), a.ca, a.home)
		err := run(t, a.home, "fetchmail", "-f", rc, "--nodetach", "--nosyslog", "--pidfile", a.home+"/pid")
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 && strings.Contains(err.Error(), "No mail") {
			return nil
		}
		return err
	}},
	{"getmail", program("getmail"), true, "USER APOP", fetchGetmail},
	{"curl", program("curl"), false, "APOP PLAIN LOGIN CRAM-MD5 OAUTHBEARER", fetchCurl},
	{"mutt", program("mutt"), false, "USER APOP PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER", func(t *testing.T, a account) error {
		need(t, "script")
		url := fmt.Sprintf("%s://%s@localhost:%s/", a.mode("pop", "pop", "pops"), a.user, a.port)
		rc := a.file(t, "muttrc", "set pop_pass=%s pop_oauth_refresh_command='echo %s' pop_authenticators=%s ssl_starttls=%s ssl_force_tls=%s ssl_ca_certificates_file=%s folder=%s\n"+
			"set delete=yes confirmcreate=no confirmappend=no mbox_type=Maildir pop_reconnect=no wait_key=no\n"+
			"push '<tag-pattern>~A<enter><tag-prefix><copy-message><kill-line>%s/mail<enter><delete-pattern>~A<enter><quit>'\n",
			a.password, a.password, strings.ToLower(a.mechanism), a.mode("no", "yes", "yes"), a.mode("no", "yes", "yes"), a.ca, a.home, a.home)
		out, err := output(t, a.home, "script", "-qec", "TERM=xterm exec mutt -n -F "+rc+" -f "+url, "/dev/null")
		if err == nil && bytes.Contains(out, []byte("ailed")) {
			err = fmt.Errorf("mutt: %q", out) // it ends well whatever happens
		}
		return err
	}},
	{"Net::POP3", perl("Net::POP3", "IO::Socket::SSL"), false, "USER APOP", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"perl", "perl/fetch.pl", "Net::POP3"}, a.args(a.home+"/mail/new")...)...)
	}},
	{"Mail::POP3Client", perl("Mail::POP3Client", "IO::Socket::SSL"), true, "USER APOP CRAM-MD5", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"perl", "perl/fetch.pl", "Mail::POP3Client"}, a.args(a.home+"/mail/new")...)...)
	}},
	{"poplib", program("python3"), false, "USER APOP", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"python3", "python/fetch.py"}, a.args(a.home+"/mail/new")...)...)
	}},
}

// fetchGetmail has getmail deliver as nobody when it is run by root, as whom it refuses to.
func fetchGetmail(t *testing.T, a account) error {
	deliverer := ""
	if os.Getuid() == 0 {
		deliverer = "user = nobody\n"
		if err := errors.Join(os.Chmod(filepath.Dir(a.home), 0o755), run(t, a.home, "chown", "-R", "nobody", a.home+"/mail")); err != nil {
			return err
		}
	}
	apop := ""
	if a.mechanism == "APOP" {
		apop = "use_apop = true\n"
	}
	rc := a.file(t, "getmailrc", "[retriever]\ntype = %s\nserver = localhost\nport = %s\nusername = %s\npassword = %s\n%s%s"+
		"[destination]\ntype = Maildir\npath = %s/mail/\n%s[options]\nread_all = true\ndelete = true\ndelivered_to = false\nreceived = false\n",
		a.mode("SimplePOP3Retriever", "", "SimplePOP3SSLRetriever"), a.port, a.user, a.password, apop, a.mode("", "", "ca_certs = "+a.ca+"\n"), a.home, deliverer)
	return run(t, a.home, "getmail", "--getmaildir", a.home, "--rcfile", rc)
}

// fetchCurl fetches each message and deletes it, from a session to the next: the first is
// always another.
func fetchCurl(t *testing.T, a account) error {
	if a.mechanism == "APOP" {
		a.mechanism = "+APOP" // as it calls it
	}
	url := fmt.Sprintf("%s://localhost:%s/", a.mode("pop3", "pop3", "pop3s"), a.port)
	curl := func(args ...string) ([]byte, error) { return output(t, a.home, append(a.curl(), args...)...) }
	list, err := curl(url)
	if err != nil {
		return err
	}
	for i := range strings.Count(string(list), "\n") {
		if _, err := curl("-o", fmt.Sprintf("%s/mail/new/%d", a.home, i), url+"1"); err != nil {
			return err
		}
		if _, err := curl("--request", "DELE", "--head", url+"1"); err != nil {
			return err
		}
	}
	return nil
}

func fetcherNamed(t *testing.T, name string) func(t *testing.T, a account) error {
	t.Helper()
	for _, f := range fetchers {
		if f.name == name {
			f.need(t)
			return f.fetch
		}
	}
	t.Fatalf("no fetcher %s", name)
	return nil
}

// TestFetchers has each client fetch a maildrop without TLS, by STLS and by TLS from
// the start, log in by each mechanism that it knows, and delete it: with a wrong
// password it must fail and all must stay, with the right one each message must come as
// it was, and none be left.
func TestFetchers(t *testing.T) {
	t.Parallel()
	for _, client := range fetchers {
		for _, way := range ways {
			if way.name == "starttls" && client.noSTLS {
				continue
			}
			for _, mechanism := range strings.Fields(client.mechanisms) {
				t.Run(client.name+"/"+way.name+"/"+mechanism, func(t *testing.T) {
					t.Parallel()
					client.need(t)
					h := startMailhost(t, options(way.name, mechanism)...)
					const n = 12
					want := h.fill(t, "alice", n)
					if err := client.fetch(t, h.account(t, way.pop3, way.name, mechanism, "alice", "wrong")); err == nil {
						t.Error("a wrong password went through")
					}
					if got := len(h.maildrop(t, "alice")); got != n {
						t.Fatalf("%d messages are left after a wrong password, want %d", got, n)
					}
					a := h.account(t, way.pop3, way.name, mechanism, "alice", "secret1")
					if err := client.fetch(t, a); err != nil {
						t.Fatal(err)
					}
					h.loggedIn(t, mechanism)
					if got := a.fetched(t); !slices.Equal(got, want) {
						t.Errorf("got %d messages, want %d; or they differ: %.300q, %.300q", len(got), len(want), got, want)
					}
					if left := h.maildrop(t, "alice"); len(left) != 0 {
						t.Errorf("%d messages are left", len(left))
					}
				})
			}
		}
	}
}

// fill empties a user's maildrop and puts n letters there. It returns their bodies, in
// order.
func (h *mailhost) fill(t *testing.T, user string, n int) (bodies []string) {
	t.Helper()
	for name := range h.maildrop(t, user) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(h.dir, "mail", user, "new")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	run := token()
	for i := range n {
		body := fmt.Sprintf("%02d\n.\n..\n.dot\n\n%sFrom here to there\nlast %d\n", i, strings.Repeat("gr\xc3\xbc\xc3\x9fe, and a line like any other \n", i*i*10), i)
		text := fmt.Sprintf("From: <%s>\nTo: <%s>\nDate: Thu, 1 Jan 2026 00:00:%02d +0000\nMessage-ID: <%d.%s@example.test>\nSubject: number %d\n"+
			"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n%s", bob, alice, i, i, run, i, body)
		name := filepath.Join(folder, fmt.Sprintf("%d.M%dP%s.interop", 1_700_000_000+i, i, run))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// fetched returns the bodies of what a client has left at home, in order.
func (a account) fetched(t *testing.T) (bodies []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(a.home, "mail"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		_, body, _ := strings.Cut(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n\n")
		bodies = append(bodies, body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(bodies)
	return bodies
}
