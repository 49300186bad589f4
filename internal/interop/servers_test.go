package interop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// taken is a message that a library's server took.
type taken struct {
	From string
	To   []string
	Text []byte
}

// libraries are servers of other libraries, which take mail for everybody but nobody,
// and with TLS from Alice alone. Each message that they have taken comes out of a channel.
var libraries = []struct {
	name       string
	mechanisms string // by which it lets Alice in
	serve      func(t *testing.T, mode smtp.TLSMode, cert certificate) (addr string, messages <-chan taken)
}{
	{"smtp-server", "PLAIN LOGIN CRAM-MD5 XOAUTH2", serveNode},
	{"go-smtp", "PLAIN OAUTHBEARER", serveGoSMTP},
}

// TestLibraryServers has our client send to each library, in the clear, by STARTTLS and
// by TLS from the start, and with TLS log in by each mechanism: letters of all kinds
// arrive as they were, a refused recipient and a wrong password are told as what they
// are.
func TestLibraryServers(t *testing.T) {
	t.Parallel()
	cert := newCertificate(t)
	for _, library := range libraries {
		for name, mode := range map[string]smtp.TLSMode{"plain": smtp.InsecureNoTLS, "starttls": smtp.StartTLS, "implicit": smtp.ImplicitTLS} {
			t.Run(library.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				addr, messages := library.serve(t, mode, cert)
				cfg := &smtp.ClientConfig{TLS: mode, TLSConfig: &tls.Config{RootCAs: cert.Pool, ServerName: "localhost"}, Hello: "client.example.test"}
				for _, mechanism := range strings.Fields(library.mechanisms) {
					if mode == smtp.InsecureNoTLS {
						break // nobody is asked
					}
					cfg.Auth = credentials(mechanism, "wrong")
					if _, err := smtp.Dial(t.Context(), addr, cfg); !errors.Is(err, auth.ErrCredentials) {
						t.Errorf("a wrong password by %s: %v", mechanism, err)
					}
					cfg.Auth = credentials(mechanism, "secret1")
					c, err := smtp.Dial(t.Context(), addr, cfg)
					if err != nil {
						t.Fatalf("%s: %v", mechanism, err)
					}
					if got := c.ConnectionState().Identity.Mechanism; got != mechanism {
						t.Errorf("logged in by %s, not %s", got, mechanism)
					}
					if err := c.Quit(t.Context()); err != nil {
						t.Error(err)
					}
				}
				c, err := smtp.Dial(t.Context(), addr, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				line := "a line that is like any other\r\n"
				for _, text := range []string{letter("dots"), letter("64 KB") + strings.Repeat(line, 2200), letter("300 KB") + strings.Repeat(line+".\r\n", 9_000)} {
					if _, err := c.Send(t.Context(), envelope(t, bob), strings.NewReader(text)); err != nil {
						t.Fatal(err)
					}
					if got := <-messages; got.From != alice || fmt.Sprint(got.To) != "["+bob+"]" || string(got.Text) != text {
						t.Errorf("%d octets from %s to %s arrived, want %d", len(got.Text), got.From, got.To, len(text))
					}
				}
				result, err := c.Send(t.Context(), envelope(t, bob, "nobody@example.test"), strings.NewReader(letter("one of two")))
				var refused *smtp.Error
				if !errors.As(err, &refused) || refused.Code != 550 || result.Recipients[0].Outcome != smtp.Accepted || result.Recipients[1].Outcome != smtp.Refused {
					t.Errorf("%v, %v; want the second recipient refused", result, err)
				}
				<-messages
				if err := c.Quit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// credentials are Alice's for a mechanism.
func credentials(mechanism, password string) auth.Credentials {
	if mechanism == "OAUTHBEARER" || mechanism == "XOAUTH2" {
		return auth.Token("alice", func(context.Context, string) (string, error) { return password, nil })
	}
	return auth.PasswordCredentials{User: "alice", Password: password, Mechanisms: []string{mechanism}}
}

// serveNode runs smtp-server.
func serveNode(t *testing.T, mode smtp.TLSMode, cert certificate) (addr string, messages <-chan taken) {
	t.Helper()
	needNode(t, "smtp-server")
	word := map[smtp.TLSMode]string{smtp.InsecureNoTLS: "plain", smtp.StartTLS: "starttls", smtp.ImplicitTLS: "implicit"}[mode]
	cmd := exec.Command("node", "node/serve.js", word, cert.file, cert.key, "alice", "secret1")
	var said bytes.Buffer
	cmd.Stderr = &said
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	out := make(chan taken, 8)
	var reading sync.WaitGroup
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		reading.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, said.String())
		}
	})
	lines := bufio.NewReader(stdout)
	port, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	reading.Go(func() {
		defer close(out)
		for decoder := json.NewDecoder(lines); ; {
			var m taken
			if decoder.Decode(&m) != nil {
				return
			}
			out <- m
		}
	})
	return "localhost:" + strings.TrimSpace(port), out
}

// serveGoSMTP runs go-smtp.
func serveGoSMTP(t *testing.T, mode smtp.TLSMode, cert certificate) (addr string, messages <-chan taken) {
	t.Helper()
	out := make(chan taken, 8)
	open := mode == smtp.InsecureNoTLS
	srv := gosmtp.NewServer(gosmtp.BackendFunc(func(*gosmtp.Conn) (gosmtp.Session, error) {
		return &goSMTPSession{in: open, out: out}, nil
	}))
	srv.Domain, srv.EnableBINARYMIME, srv.EnableSMTPUTF8, srv.AllowInsecureAuth = "localhost", true, true, false
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	cfg := &tls.Config{Certificates: []tls.Certificate{cert.Chain}}
	switch mode {
	case smtp.StartTLS:
		srv.TLSConfig = cfg
	case smtp.ImplicitTLS:
		ln = tls.NewListener(ln, cfg)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served
	})
	return addr, out
}

// goSMTPSession is a session of go-smtp's server.
type goSMTPSession struct {
	in  bool
	now taken
	out chan<- taken
}

func (s *goSMTPSession) AuthMechanisms() []string { return []string{sasl.Plain, sasl.OAuthBearer} }

func (s *goSMTPSession) Auth(mechanism string) (sasl.Server, error) {
	if mechanism == sasl.OAuthBearer {
		return sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if s.in = o.Username == "alice" && o.Token == "secret1"; !s.in {
				return &sasl.OAuthBearerError{Status: "invalid_token"}
			}
			return nil
		}), nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.in = user == "alice" && password == "secret1"; !s.in {
			return gosmtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *goSMTPSession) Mail(from string, _ *gosmtp.MailOptions) error {
	if !s.in {
		return gosmtp.ErrAuthRequired
	}
	s.now.From = from
	return nil
}

func (s *goSMTPSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.now.To = append(s.now.To, to)
	return nil
}

func (s *goSMTPSession) Data(r io.Reader) (err error) {
	if s.now.Text, err = io.ReadAll(r); err == nil {
		s.out <- s.now
	}
	return err
}

func (s *goSMTPSession) Reset()        { s.now = taken{} }
func (s *goSMTPSession) Logout() error { return nil }
