package interop

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	nsmtp "net/smtp"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	gomail "github.com/wneessen/go-mail"
)

// senders are clients that send a letter from Alice to Bob: programs, and libraries of
// other languages and of Go. The name of the letter's file is letter: its lines end in
// CRLF there, in LF in the file letter.lf, and in letter.cut the last has no end.
var senders = []struct {
	name       string
	need       func(t *testing.T)
	noImplicit bool   // it cannot begin with TLS
	mechanisms string // that it can be told to log in by
	send       func(t *testing.T, a account) error
}{
	{"swaks", program("swaks"), false, "PLAIN LOGIN CRAM-MD5", func(t *testing.T, a account) error {
		args := []string{
			"swaks", "--server", "localhost", "--port", a.port, "--auth", a.mechanism, "--auth-user", a.user, "--auth-password", a.password,
			"--from", alice, "--to", bob, "--data", "@" + a.home + "/letter.cut",
		}
		if a.way != "plain" {
			args = append(args, a.mode("", "--tls", "--tls-on-connect"), "--tls-verify", "--tls-ca-path", a.ca)
		}
		return run(t, a.home, args...)
	}},
	{"msmtp", program("msmtp"), false, "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER XOAUTH2", func(t *testing.T, a account) error {
		rc := a.file(t, "msmtprc", "account default\nhost localhost\nport %s\ntls %s\ntls_starttls %s\ntls_trust_file %s\nauth %s\nuser %s\npassword %s\n",
			a.port, a.mode("off", "on", "on"), a.mode("off", "on", "off"), a.ca, strings.ToLower(a.mechanism), a.user, a.password)
		return run(t, a.home, "sh", "-c", "exec msmtp -C "+rc+" -f "+alice+" "+bob+" <"+a.home+"/letter.lf")
	}},
	{"curl", program("curl"), false, "PLAIN LOGIN CRAM-MD5 OAUTHBEARER", func(t *testing.T, a account) error {
		return run(t, a.home, append(a.curl(), "--mail-from", alice, "--mail-rcpt", bob,
			"-T", a.home+"/letter", a.mode("smtp", "smtp", "smtps")+"://localhost:"+a.port+"/client.example.test")...)
	}},
	{"mutt", program("mutt"), false, "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 OAUTHBEARER", func(t *testing.T, a account) error {
		rc := a.file(t, "muttrc", "set smtp_url=%s://%s@localhost:%s/ smtp_pass=%s smtp_oauth_refresh_command='echo %s' smtp_authenticators=%s from=%s\n"+
			"set use_envelope_from copy=no ssl_starttls=%s ssl_force_tls=%s ssl_ca_certificates_file=%s send_charset=utf-8 hostname=client.example.test\n",
			a.mode("smtp", "smtp", "smtps"), a.user, a.port, a.password, a.password, strings.ToLower(a.mechanism), alice,
			a.mode("no", "yes", "yes"), a.mode("no", "yes", "yes"), a.ca)
		return run(t, a.home, "sh", "-c", "cd "+a.home+" && exec mutt -n -F "+rc+" -s \"$(sed -n 's/^Subject: //p' letter.lf)\" -- "+bob+" <body.lf")
	}},
	{"Net::SMTP", perl("Net::SMTP", "IO::Socket::SSL", "Authen::SASL"), false, "PLAIN LOGIN CRAM-MD5", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"perl", "perl/send.pl"}, a.args(alice, bob, a.home+"/letter.lf")...)...)
	}},
	{"smtplib", program("python3"), false, "PLAIN LOGIN CRAM-MD5", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"python3", "python/send.py"}, a.args(alice, bob, a.home+"/letter")...)...)
	}},
	{"nodemailer", node("nodemailer"), false, "PLAIN LOGIN CRAM-MD5 XOAUTH2", func(t *testing.T, a account) error {
		return run(t, a.home, append([]string{"node", "node/send.js"}, a.args(alice, bob, a.home+"/letter")...)...)
	}},
	{"net/smtp", nothing, true, "PLAIN CRAM-MD5", sendNetSMTP},
	{"go-smtp", nothing, false, "PLAIN LOGIN OAUTHBEARER", sendGoSMTPClient},
	{"go-mail", nothing, false, "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2", sendGoMail},
}

const (
	alice = "alice@example.test"
	bob   = "bob@example.test"
)

func nothing(*testing.T) {}

func program(name string) func(*testing.T)    { return func(t *testing.T) { need(t, name) } }
func node(pkg string) func(*testing.T)        { return func(t *testing.T) { needNode(t, pkg) } }
func perl(modules ...string) func(*testing.T) { return func(t *testing.T) { needPerl(t, modules...) } }

// tls returns a configuration that trusts what the account does.
func (a account) tls(t *testing.T) *tls.Config {
	t.Helper()
	return &tls.Config{RootCAs: roots(t, a.ca), ServerName: "localhost"}
}

func roots(t *testing.T, ca string) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", ca)
	}
	return pool
}

func (a account) letter(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(a.home + "/letter")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sendNetSMTP(t *testing.T, a account) error {
	c, err := nsmtp.Dial("localhost:" + a.port)
	if err != nil {
		return err
	}
	defer c.Close()
	if a.way != "plain" {
		if err := c.StartTLS(a.tls(t)); err != nil {
			return err
		}
	}
	who := nsmtp.PlainAuth("", a.user, a.password, "localhost")
	if a.mechanism == "CRAM-MD5" {
		who = nsmtp.CRAMMD5Auth(a.user, a.password)
	}
	if err := errors.Join(c.Auth(who), c.Mail(alice), c.Rcpt(bob)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = w.Write(a.letter(t))
	return errors.Join(err, w.Close(), c.Quit())
}

func sendGoSMTPClient(t *testing.T, a account) error {
	dial := map[string]func() (*gosmtp.Client, error){
		"plain":    func() (*gosmtp.Client, error) { return gosmtp.Dial("localhost:" + a.port) },
		"starttls": func() (*gosmtp.Client, error) { return gosmtp.DialStartTLS("localhost:"+a.port, a.tls(t)) },
		"implicit": func() (*gosmtp.Client, error) { return gosmtp.DialTLS("localhost:"+a.port, a.tls(t)) },
	}[a.way]
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	who := map[string]sasl.Client{
		"PLAIN":       sasl.NewPlainClient("", a.user, a.password),
		"LOGIN":       sasl.NewLoginClient(a.user, a.password),
		"OAUTHBEARER": sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{Username: a.user, Token: a.password}),
	}[a.mechanism]
	if err := c.Auth(who); err != nil {
		return err
	}
	return errors.Join(c.SendMail(alice, []string{bob}, bytes.NewReader(a.letter(t))), c.Quit())
}

func sendGoMail(t *testing.T, a account) error {
	port, err := strconv.Atoi(a.port)
	if err != nil {
		return err
	}
	header, body, _ := strings.Cut(string(a.letter(t)), "\r\n\r\n")
	_, subject, _ := strings.Cut(header, "Subject: ")
	m := gomail.NewMsg(gomail.WithEncoding(gomail.NoEncoding))
	if err := errors.Join(m.From(alice), m.To(bob)); err != nil {
		return err
	}
	m.Subject(subject)
	m.SetBodyString(gomail.TypeTextPlain, body)
	policy, mechanism := gomail.TLSMandatory, gomail.SMTPAuthType(a.mechanism)
	if a.way == "plain" {
		policy = gomail.NoTLS
		if a.mechanism == "PLAIN" || a.mechanism == "LOGIN" {
			mechanism += "-NOENC" // it knows that this is bold
		}
	}
	c, err := gomail.NewClient("localhost", gomail.WithPort(port), gomail.WithTLSConfig(a.tls(t)), gomail.WithTLSPolicy(policy),
		gomail.WithSMTPAuth(mechanism), gomail.WithUsername(a.user), gomail.WithPassword(a.password))
	if err != nil {
		return err
	}
	c.SetSSL(a.way == "implicit")
	return c.DialAndSendWithContext(t.Context(), m)
}

// ways are how a connection is protected, and the services of a mailhost for that.
var ways = []struct{ name, submission, pop3 string }{
	{"plain", "submission", "pop3"},
	{"starttls", "submission", "pop3"},
	{"implicit", "submissions", "pop3s"},
}

// options are the mailhost's for a way and a mechanism: it takes no password without
// TLS, and no weak mechanism, unless it is told to.
func options(way, mechanism string) []string {
	args := []string{"-no-plus"}
	if way == "plain" {
		args = append(args, "-allow-plaintext")
	}
	switch mechanism {
	case "CRAM-MD5":
		args = append(args, "-cram-md5")
	case "APOP":
		args = append(args, "-apop")
	case "OAUTHBEARER", "XOAUTH2":
		args = append(args, "-password-tokens")
	}
	return args
}

// TestSenders has each client send a letter without TLS, by STARTTLS and by TLS from
// the start, and log in by each mechanism that it knows: its body is in Bob's maildrop
// as it was. With a wrong password it must fail, and nothing arrive.
func TestSenders(t *testing.T) {
	t.Parallel()
	for _, client := range senders {
		for _, way := range ways {
			if way.name == "implicit" && client.noImplicit {
				continue
			}
			for _, mechanism := range strings.Fields(client.mechanisms) {
				t.Run(client.name+"/"+way.name+"/"+mechanism, func(t *testing.T) {
					t.Parallel()
					client.need(t)
					h := startMailhost(t, options(way.name, mechanism)...)
					send := func(password string) (tok string, err error) {
						tok = token()
						lines := strings.ReplaceAll(letter(tok), "\r\n", "\n")
						a := h.account(t, way.submission, way.name, mechanism, "alice", password)
						a.file(t, "letter", "%s", letter(tok))
						a.file(t, "letter.lf", "%s", lines)
						a.file(t, "letter.cut", "%s", strings.TrimSuffix(lines, "\n"))
						a.file(t, "body.lf", "%s", strings.ReplaceAll(text, "\r\n", "\n"))
						return tok, client.send(t, a)
					}
					tok, err := send("secret1")
					if err != nil {
						t.Fatal(err)
					}
					h.arrivedOnce(t, tok)
					h.loggedIn(t, mechanism)
					if _, err := send("wrong"); err == nil {
						t.Error("a wrong password went through")
					}
					if got := len(h.maildrop(t, "bob")); got != 1 {
						t.Errorf("%d letters arrived, want 1", got)
					}
				})
			}
		}
	}
}

// arrivedOnce finds the letter with a token in Bob's maildrop, once, with its body.
func (h *mailhost) arrivedOnce(t *testing.T, token string) {
	t.Helper()
	found := 0
	for _, message := range h.maildrop(t, "bob") {
		header, body, _ := strings.Cut(strings.ReplaceAll(message, "\r\n", "\n"), "\n\n")
		if !strings.Contains(header, token) {
			continue
		}
		found++
		if want := strings.ReplaceAll(text, "\r\n", "\n"); body != want {
			t.Errorf("body %q, want %q", body, want)
		}
	}
	if found != 1 {
		t.Errorf("found %d times", found)
	}
}
