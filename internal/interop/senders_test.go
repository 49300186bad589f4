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
	noImplicit bool // it cannot begin with TLS
	send       func(t *testing.T, a account) error
}{
	{"swaks", program("swaks"), false, func(t *testing.T, a account) error {
		return run(t, a.home, "swaks", "--server", "localhost", "--port", a.port, a.mode("--tls", "--tls-on-connect"), "--tls-verify", "--tls-ca-path", a.ca,
			"--auth", "PLAIN", "--auth-user", a.user, "--auth-password", a.password, "--from", alice, "--to", bob, "--data", "@"+a.home+"/letter.cut")
	}},
	{"msmtp", program("msmtp"), false, func(t *testing.T, a account) error {
		rc := a.file(t, "msmtprc", "account default\nhost localhost\nport %s\ntls on\ntls_starttls %s\ntls_trust_file %s\nauth on\nuser %s\npassword %s\n",
			a.port, a.mode("on", "off"), a.ca, a.user, a.password)
		return run(t, a.home, "sh", "-c", "exec msmtp -C "+rc+" -f "+alice+" "+bob+" <"+a.home+"/letter.lf")
	}},
	{"curl", program("curl"), false, func(t *testing.T, a account) error {
		return run(t, a.home, "curl", "-sS", "--ssl-reqd", "--cacert", a.ca, "-u", a.user+":"+a.password, "--mail-from", alice, "--mail-rcpt", bob,
			"-T", a.home+"/letter", a.mode("smtp", "smtps")+"://localhost:"+a.port+"/client.example.test")
	}},
	{"mutt", program("mutt"), false, func(t *testing.T, a account) error {
		rc := a.file(t, "muttrc", "set smtp_url=%s://%s@localhost:%s/ smtp_pass=%s smtp_authenticators=scram-sha-256 from=%s use_envelope_from copy=no\n"+
			"set ssl_starttls ssl_force_tls ssl_ca_certificates_file=%s send_charset=utf-8 hostname=client.example.test\n",
			a.mode("smtp", "smtps"), a.user, a.port, a.password, alice, a.ca)
		return run(t, a.home, "sh", "-c", "cd "+a.home+" && exec mutt -n -F "+rc+" -s \"$(sed -n 's/^Subject: //p' letter.lf)\" -- "+bob+" <body.lf")
	}},
	{"Net::SMTP", perl("Net::SMTP", "IO::Socket::SSL", "Authen::SASL"), false, func(t *testing.T, a account) error {
		return run(t, a.home, "perl", "perl/send.pl", a.mode("starttls", "implicit"), a.port, a.ca, a.user, a.password, alice, bob, a.home+"/letter.lf")
	}},
	{"smtplib", program("python3"), false, func(t *testing.T, a account) error {
		return run(t, a.home, "python3", "python/send.py", a.mode("starttls", "implicit"), a.port, a.ca, a.user, a.password, alice, bob, a.home+"/letter")
	}},
	{"nodemailer", node("nodemailer"), false, func(t *testing.T, a account) error {
		return run(t, a.home, "node", "node/send.js", a.mode("starttls", "implicit"), a.port, a.ca, a.user, a.password, alice, bob, a.home+"/letter")
	}},
	{"net/smtp", nothing, true, func(t *testing.T, a account) error {
		c, err := nsmtp.Dial("localhost:" + a.port)
		if err != nil {
			return err
		}
		defer c.Close()
		return errors.Join(c.StartTLS(a.tls(t)), c.Auth(nsmtp.PlainAuth("", a.user, a.password, "localhost")),
			sendNetSMTP(c, a.letter(t)))
	}},
	{"go-smtp", nothing, false, func(t *testing.T, a account) error {
		dial := gosmtp.DialStartTLS
		if a.implicit {
			dial = gosmtp.DialTLS
		}
		c, err := dial("localhost:"+a.port, a.tls(t))
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.Auth(sasl.NewPlainClient("", a.user, a.password)); err != nil {
			return err
		}
		return errors.Join(c.SendMail(alice, []string{bob}, bytes.NewReader(a.letter(t))), c.Quit())
	}},
	{"go-mail", nothing, false, sendGoMail},
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

func sendNetSMTP(c *nsmtp.Client, letter []byte) error {
	if err := errors.Join(c.Mail(alice), c.Rcpt(bob)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = w.Write(letter)
	return errors.Join(err, w.Close(), c.Quit())
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
	c, err := gomail.NewClient("localhost", gomail.WithPort(port), gomail.WithTLSConfig(a.tls(t)), gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithSMTPAuth(gomail.SMTPAuthSCRAMSHA256), gomail.WithUsername(a.user), gomail.WithPassword(a.password))
	if err != nil {
		return err
	}
	c.SetSSL(a.implicit)
	return c.DialAndSendWithContext(t.Context(), m)
}

// TestSenders has each client send a letter by STARTTLS and by TLS from the start, and
// finds its body in Bob's maildrop as it was; with a wrong password it must fail, and
// nothing arrive.
func TestSenders(t *testing.T) {
	t.Parallel()
	for _, client := range senders {
		for _, service := range []string{"submission", "submissions"} {
			if service == "submissions" && client.noImplicit {
				continue
			}
			t.Run(client.name+"/"+service, func(t *testing.T) {
				t.Parallel()
				client.need(t)
				h := startMailhost(t, "-no-plus")
				send := func(password string) (tok string, err error) {
					tok = token()
					lines := strings.ReplaceAll(letter(tok), "\r\n", "\n")
					a := h.account(t, service, "alice", password)
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
