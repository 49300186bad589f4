package interop

import (
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// TestSubmission sends through each server by each way of protecting the
// connection and each mechanism, and finds the message in the Maildir of its
// recipient.
func TestSubmission(t *testing.T) {
	for _, server := range []*daemon{postfix, exim, dovecot} {
		for way, mode := range map[string]smtp.TLSMode{"plain": smtp.InsecureNoTLS, "starttls": smtp.StartTLS, "implicit": smtp.ImplicitTLS} {
			for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"} {
				t.Run(server.name+"/"+way+"/"+mechanism, func(t *testing.T) {
					p := place{server: server, service: "submission", cfg: smtp.ClientConfig{TLS: mode, Hello: "client.example.test", Auth: auth.PasswordCredentials{
						User: "alice", Password: "secret1", Mechanisms: []string{mechanism}, InsecureAllowCleartext: way == "plain",
					}}}
					if way == "implicit" {
						p.service = "submissions"
					}
					p.sendAndFind(t)
				})
			}
		}
	}
}

// TestExchange sends without authentication to the servers as an MX.
func TestExchange(t *testing.T) {
	for _, server := range []*daemon{postfix, exim, openSMTPD} {
		t.Run(server.name, func(t *testing.T) {
			place{server: server, service: "mx", cfg: open}.sendAndFind(t)
		})
	}
}

// TestOnBehalfOf speaks for a client, whom Postfix then writes down as the one who
// sent the letter.
func TestOnBehalfOf(t *testing.T) {
	cfg := smtp.ClientConfig{TLS: smtp.StartTLS, Hello: "proxy.example.test", OnBehalfOf: &auth.ConnectionState{
		RemoteAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort("198.51.100.7:50000")), Hello: "laptop.example.test",
	}}
	if got := (place{"Postfix", postfix, "mx", cfg}).sendAndFind(t); !strings.Contains(got, "from laptop.example.test (localhost [198.51.100.7])") {
		t.Errorf("not from the client: %.400q", got)
	}
}

// TestRefusedRecipient sends to one recipient that exists and one that does
// not, and gets an answer for each.
func TestRefusedRecipient(t *testing.T) {
	for _, server := range []*daemon{postfix, exim} {
		t.Run(server.name, func(t *testing.T) {
			cfg := &smtp.ClientConfig{TLSConfig: server.tls(t), Hello: "client.example.test", Auth: auth.Password("alice", "secret1")}
			env := envelope(t, "bob@example.test", "nobody@example.test")
			result, err := smtp.Send(t.Context(), server.addr(t, "submission"), cfg, env, strings.NewReader(letter(token())))
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
	for _, server := range []*daemon{postfix, exim, dovecot} {
		t.Run(server.name, func(t *testing.T) {
			cfg := &smtp.ClientConfig{TLSConfig: server.tls(t), Hello: "client.example.test", Auth: auth.Password("alice", "wrong")}
			_, err := smtp.Dial(t.Context(), server.addr(t, "submission"), cfg)
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
// was sent. It returns its header.
func (p place) sendAndFind(t *testing.T) string {
	t.Helper()
	tok := token()
	addr := p.server.addr(t, p.service)
	p.cfg.TLSConfig = p.server.tls(t)
	result, err := smtp.Send(t.Context(), addr, &p.cfg, envelope(t, bob), strings.NewReader(letter(tok)))
	if err != nil {
		t.Fatal(err)
	}
	if result.Outcome != smtp.Accepted {
		t.Fatalf("outcome %v", result.Outcome)
	}
	header, body := p.arrived(t, "bob", tok)
	if want := strings.ReplaceAll(text, "\r\n", "\n"); body != want {
		t.Errorf("body %q, want %q", body, want)
	}
	return header
}

// token returns a word that no other message has in it.
func token() string { return rand.Text() }
