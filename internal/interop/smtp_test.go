package interop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// only restricts credentials to one mechanism, so that each is tried.
type only struct {
	auth.Credentials
	mechanism string
}

func (o only) Client(ctx context.Context, cs auth.ConnectionState, offered []string) (sasl.Client, error) {
	for _, m := range offered {
		if m == o.mechanism {
			return o.Credentials.Client(ctx, cs, []string{m})
		}
	}
	return nil, fmt.Errorf("%w: %s is not among %q", auth.ErrNoMechanism, o.mechanism, offered)
}

// TestSubmission sends through each server by each way of protecting the
// connection and each mechanism, and finds the message in the Maildir of its
// recipient.
func TestSubmission(t *testing.T) {
	l := openLab(t)
	for _, server := range []string{"POSTFIX", "EXIM", "DOVECOT"} {
		for _, way := range []struct {
			name, service string
			mode          smtp.TLSMode
			credentials   auth.Credentials
		}{
			{"plain", "_SUBMISSION", smtp.InsecureNoTLS, auth.InsecurePassword("alice", "secret1")},
			{"starttls", "_SUBMISSION", smtp.StartTLS, auth.Password("alice", "secret1")},
			{"implicit", "_SUBMISSIONS", smtp.ImplicitTLS, auth.Password("alice", "secret1")},
		} {
			for _, mechanism := range []string{"PLAIN", "LOGIN"} {
				t.Run(server+"/"+way.name+"/"+mechanism, func(t *testing.T) {
					cfg := &smtp.ClientConfig{TLS: way.mode, TLSConfig: l.tls(t), Hello: "client.example.test", Auth: only{way.credentials, mechanism}}
					l.sendAndFind(t, l.addr(t, server+way.service), cfg)
				})
			}
		}
	}
}

// TestExchange sends without authentication to the servers as an MX.
func TestExchange(t *testing.T) {
	l := openLab(t)
	for _, server := range []string{"POSTFIX", "EXIM", "OPENSMTPD"} {
		t.Run(server, func(t *testing.T) {
			cfg := &smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Hello: "client.example.test"}
			l.sendAndFind(t, l.addr(t, server+"_MX"), cfg)
		})
	}
}

// TestOnBehalfOf speaks for a client, whom the server then writes down as the one
// who sent the letter. Servers that trust nobody with XCLIENT are left out.
func TestOnBehalfOf(t *testing.T) {
	l := openLab(t)
	cfg := &smtp.ClientConfig{TLS: smtp.InsecureOpportunisticTLS, TLSConfig: l.tls(t), Hello: "proxy.example.test", OnBehalfOf: &auth.ConnectionState{
		RemoteAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("198.51.100.7:50000")), Hello: "laptop.example.test",
	}}
	for _, server := range []string{"POSTFIX", "EXIM"} {
		t.Run(server, func(t *testing.T) {
			addr := l.addr(t, server+"_MX")
			c, err := smtp.Dial(t.Context(), addr, cfg)
			var missing *smtp.ExtensionError
			if errors.As(err, &missing) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Quit(t.Context())
			if got := l.sendAndFind(t, addr, cfg); !strings.Contains(got, "198.51.100.7") {
				t.Errorf("not from the client: %.400q", got)
			}
		})
	}
}

// TestRefusedRecipient sends to one recipient that exists and one that does
// not, and gets an answer for each.
func TestRefusedRecipient(t *testing.T) {
	l := openLab(t)
	for _, server := range []string{"POSTFIX", "EXIM"} {
		t.Run(server, func(t *testing.T) {
			cfg := &smtp.ClientConfig{TLSConfig: l.tls(t), Hello: "client.example.test", Auth: auth.Password("alice", "secret1")}
			env := envelope(t, "bob@example.test", "nobody@example.test")
			result, err := smtp.Send(t.Context(), l.addr(t, server+"_SUBMISSION"), cfg, env, strings.NewReader(letter(token())))
			var refused *smtp.Error
			if result == nil || !errors.As(err, &refused) || refused.Code/100 != 5 {
				t.Fatalf("result %v, error %v; want a partial result with a 5yz", result, err)
			}
			if got := []smtp.Outcome{result.Recipients[0].Outcome, result.Recipients[1].Outcome}; got[0] != smtp.Accepted || got[1] != smtp.Refused {
				t.Errorf("outcomes %v, want accepted and refused", got)
			}
		})
	}
}

// TestWrongPassword is refused, with a reply.
func TestWrongPassword(t *testing.T) {
	l := openLab(t)
	for _, server := range []string{"POSTFIX", "EXIM", "DOVECOT"} {
		t.Run(server, func(t *testing.T) {
			cfg := &smtp.ClientConfig{TLSConfig: l.tls(t), Hello: "client.example.test", Auth: auth.Password("alice", "wrong")}
			_, err := smtp.Dial(t.Context(), l.addr(t, server+"_SUBMISSION"), cfg)
			var refused *smtp.Error
			if !errors.As(err, &refused) || refused.Code != 535 {
				t.Errorf("got %v, want a 535", err)
			}
		})
	}
}

func envelope(t *testing.T, to ...string) smtp.Envelope {
	t.Helper()
	var env smtp.Envelope
	var err error
	if env.From, err = smtp.ParseAddress("alice@example.test"); err != nil {
		t.Fatal(err)
	}
	for _, s := range to {
		a, err := smtp.ParseAddress(s)
		if err != nil {
			t.Fatal(err)
		}
		env.To = append(env.To, smtp.Recipient{Address: a})
	}
	return env
}

const text = ".\r\n..\r\n.dot\r\n\r\n" + "a line that ends in a blank \r\nlast\r\n"

func letter(token string) string {
	return "From: <alice@example.test>\r\nTo: <bob@example.test>\r\nSubject: " + token + "\r\n\r\n" + text
}

// sendAndFind sends a letter and finds it in Bob's Maildir with its body as it
// was sent. It returns what it finds.
func (l lab) sendAndFind(t *testing.T, addr string, cfg *smtp.ClientConfig) string {
	t.Helper()
	tok := token()
	result, err := smtp.Send(t.Context(), addr, cfg, envelope(t, "bob@example.test"), strings.NewReader(letter(tok)))
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != smtp.Accepted {
		t.Fatalf("outcome %v", result.Outcome)
	}
	deadline := time.Now().Add(15 * time.Second)
	for {
		got := find(t, filepath.Join(l["LAB_MAIL"], "bob"), tok)
		if got != "" {
			_, body, _ := strings.Cut(strings.ReplaceAll(got, "\r\n", "\n"), "\n\n")
			if want := strings.ReplaceAll(text, "\r\n", "\n"); body != want {
				t.Errorf("body %q, want %q", body, want)
			}
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("accepted with %v, but not delivered", result.Reply)
		}
		time.Sleep(50 * time.Millisecond) // the server's own queue is what we wait for
	}
}

// find returns the message below dir that holds the token.
func find(t *testing.T, dir, token string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || found != "" || filepath.Base(filepath.Dir(name)) == "tmp" {
			return nil // files come and go
		}
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), token) {
			found = string(b)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
