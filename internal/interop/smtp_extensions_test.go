package interop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp"
)

// place is a service of a server, and how a client of its gets in.
type place struct {
	name    string
	server  *daemon
	service string
	cfg     smtp.ClientConfig
}

// open is how a client gets in where nothing is asked of it.
var open = smtp.ClientConfig{TLS: smtp.InsecureNoTLS, Hello: "client.example.test"}

// places are those that take mail for Bob. Their TLS is that of the server.
func places() []place {
	lmtp, secure := open, open
	lmtp.Protocol = auth.LMTP
	secure.TLS = smtp.StartTLS
	submission := secure
	submission.Auth = auth.Password("alice", "secret1")
	return []place{
		{"Postfix", postfix, "mx", open},
		{"Postfix with TLS", postfix, "mx", secure},
		{"Exim", exim, "mx", open},
		{"Exim with TLS", exim, "mx", secure},
		{"OpenSMTPD", openSMTPD, "mx", open},
		{"Dovecot submission", dovecot, "submission", submission},
		{"Dovecot LMTP", dovecot, "lmtp", lmtp},
	}
}

// dial connects to a place, and keeps the transcript.
func (p place) dial(t *testing.T) (*smtp.Client, *bytes.Buffer) {
	t.Helper()
	transcript := new(bytes.Buffer)
	p.cfg.TLSConfig, p.cfg.Transcript = p.server.tls(t), transcript
	c, err := smtp.Dial(t.Context(), p.server.addr(t, p.service), &p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, transcript
}

// box returns the server in whose Maildirs it arrives.
func (p place) box() *daemon {
	if p.server.relay != nil && p.service != "lmtp" {
		return p.server.relay
	}
	return p.server
}

// arrived waits for the message with a token in a user's Maildir, and returns its
// header and body with lines that end in LF.
func (p place) arrived(t *testing.T, user, token string) (header, body string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		for _, name := range p.unread(t, user) {
			got, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(got, []byte(token)) {
				continue // files come and go
			}
			_ = os.Remove(name) // so that it is not read again and again
			header, body, _ = strings.Cut(strings.ReplaceAll(string(got), "\r\n", "\n"), "\n\n")
			return header, body
		}
		if time.Now().After(deadline) {
			t.Fatalf("accepted, but not delivered to %s\n%s", user, p.box().log())
		}
		time.Sleep(50 * time.Millisecond) // the server's own queue is what we wait for
	}
}

// unread lists what has arrived in a user's Maildir.
func (p place) unread(t *testing.T, user string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(p.box().maildir(user), "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// letterWith is a letter with a token and a body of some kind.
func letterWith(token, body string) string {
	return "From: <alice@example.test>\r\nTo: <bob@example.test>\r\nSubject: " + token +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
}

// TestBodies sends bodies of all kinds and sizes, by BDAT where that is offered and by
// DATA, and finds each as it was.
func TestBodies(t *testing.T) {
	line := "gr\xc3\xbc\xc3\x9fe, and a line that is like any other\r\n"
	for _, p := range places() {
		for name, body := range map[string]string{
			"dots": text, "8-bit": line, "60 KB": strings.Repeat(line, 1300), "1.7 MB": strings.Repeat(line, 40_000),
		} {
			for _, kind := range []string{"memory", "stream", "DATA"} {
				t.Run(p.name+"/"+name+"/"+kind, func(t *testing.T) {
					p.cfg.NoChunking = kind == "DATA"
					c, transcript := p.dial(t)
					tok := token()
					var r io.Reader = strings.NewReader(letterWith(tok, body))
					if kind == "stream" {
						r = struct{ io.Reader }{r}
					}
					result, err := c.Send(t.Context(), envelope(t, "bob@example.test"), r)
					if err != nil {
						t.Fatal(err)
					}
					if result.Outcome != smtp.Accepted || result.Recipients[0].Reply.Code/100 != 2 {
						t.Fatalf("result %+v", result)
					}
					_, chunking := c.Extension("CHUNKING")
					if got := strings.Contains(transcript.String(), "C: BDAT"); got != (chunking && kind != "DATA") {
						t.Errorf("by BDAT: %v, offered %v", got, chunking)
					}
					_, eightBit := c.Extension("8BITMIME")
					needed := strings.Contains(body, "\xc3") || kind == "stream" && len(body) > 64<<10
					if got := strings.Contains(transcript.String(), "BODY=8BITMIME"); got != (eightBit && needed) {
						t.Errorf("BODY=8BITMIME: %v, needed %v", got, needed)
					}
					if _, got := p.arrived(t, "bob", tok); got != strings.ReplaceAll(body, "\r\n", "\n") {
						t.Errorf("a body of %d octets arrived as one of %d", len(body), len(got))
					}
				})
			}
		}
	}
}

// TestFlight sends many messages on one connection without waiting for answers.
func TestFlight(t *testing.T) {
	const n = 20
	for _, p := range places() {
		for _, noChunking := range []bool{false, true} {
			if noChunking && p.server == dovecot && p.service == "submission" {
				continue // Dovecot 2.3.19 dies of a command behind the final dot
			}
			t.Run(fmt.Sprintf("%s/DATA %v", p.name, noChunking), func(t *testing.T) {
				p.cfg.NoChunking = noChunking
				c, _ := p.dial(t)
				var tokens []string
				messages := func(yield func(smtp.Message) bool) {
					for i := range n {
						tokens = append(tokens, token())
						to := []string{"bob@example.test", "nobody@example.test"}[:1+i%2]
						if !yield(smtp.Message{Envelope: envelope(t, to...), Body: strings.NewReader(letter(tokens[i]))}) {
							return
						}
					}
				}
				i := 0
				for result, err := range c.SendAll(t.Context(), messages) {
					if result.Outcome != smtp.Accepted {
						t.Fatalf("message %d: %v", i, err)
					}
					if got := len(result.Recipients); got == 1 && err != nil || got == 2 && result.Recipients[1].Outcome == smtp.Accepted != (err == nil) {
						t.Errorf("message %d to %d: %v", i, got, err)
					}
					i++
				}
				if err := c.Quit(t.Context()); err != nil {
					t.Error(err)
				}
				for _, tok := range tokens {
					p.arrived(t, "bob", tok)
				}
			})
		}
	}
}

// TestSMTPUTF8 sends a header beyond ASCII, and to an address beyond it.
func TestSMTPUTF8(t *testing.T) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			c, transcript := p.dial(t)
			tok := token()
			result, err := c.Send(t.Context(), envelope(t, "bob@example.test"), strings.NewReader(letterWith(tok+" gr\xc3\xbc\xc3\x9fe", "x\r\n")))
			if _, offered := c.Extension("SMTPUTF8"); !offered {
				missing := new(smtp.ExtensionError)
				if !errors.As(err, &missing) || missing.Keyword != "SMTPUTF8" || strings.Contains(transcript.String(), "MAIL") {
					t.Errorf("got %v, want that SMTPUTF8 is missing", err)
				}
				return
			}
			if err != nil || !strings.Contains(transcript.String(), " SMTPUTF8\n") {
				t.Fatalf("%v, %v, %s", result, err, transcript)
			}
			if header, _ := p.arrived(t, "bob", tok); !strings.Contains(header, tok+" gr\xc3\xbc\xc3\x9fe") {
				t.Errorf("header %q", header)
			}
			if strings.HasPrefix(p.name, "Postfix") {
				tok := token()
				if _, err := c.Send(t.Context(), envelope(t, "δοκιμή@example.test"), strings.NewReader(letter(tok))); err != nil {
					t.Fatal(err)
				}
				p.arrived(t, "bob", tok)
			}
		})
	}
}

// TestDSN asks for a report of delivery, and gets it.
func TestDSN(t *testing.T) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			c, transcript := p.dial(t)
			id := token()
			env := envelope(t, "bob@example.test")
			env.ID, env.Return = smtp.NewEnvelopeID(id), smtp.ReturnHeaders
			env.To[0].Notify = smtp.NotifySuccess | smtp.NotifyFailure
			env.To[0].Original = smtp.NewOriginalRecipient(env.To[0].Address)
			_, err := c.Send(t.Context(), env, strings.NewReader(letter(token())))
			if _, offered := c.Extension("DSN"); !offered {
				missing := new(smtp.ExtensionError)
				if !errors.As(err, &missing) || missing.Keyword != "DSN" || strings.Contains(transcript.String(), "MAIL") {
					t.Errorf("got %v, want that DSN is missing", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, transcript)
			}
			if p.server == openSMTPD {
				return // it takes the parameters, and reports failures only
			}
			_, report := p.arrived(t, "alice", id)
			for _, want := range []string{": " + id, "Original-Recipient: rfc822;bob@example.test", "Action: "} {
				if !strings.Contains(strings.ReplaceAll(report, "rfc822; ", "rfc822;"), want) {
					t.Errorf("no %q in the report:\n%s", want, report)
				}
			}
		})
	}
}

// TestSize is told beforehand that a message is too large.
func TestSize(t *testing.T) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			c, transcript := p.dial(t)
			if limit, _ := c.Extension("SIZE"); limit == "" {
				return // nothing is stated
			}
			_, err := c.Send(t.Context(), envelope(t, "bob@example.test"), strings.NewReader(letterWith("x", strings.Repeat("ten octets\r\n", 5_000_000))))
			size := new(smtp.SizeError)
			if !errors.As(err, &size) || size.Max < 1<<20 || strings.Contains(transcript.String(), "MAIL") {
				t.Errorf("got %v, want a SizeError", err)
			}
			env := envelope(t, "bob@example.test")
			tok := token()
			if _, err := c.Send(t.Context(), env, strings.NewReader(letter(tok))); err != nil {
				t.Fatalf("the connection can be used: %v", err)
			}
			if !strings.Contains(transcript.String(), fmt.Sprintf("SIZE=%d", len(letter(tok)))) {
				t.Error("no size declared")
			}
		})
	}
}

// TestPRDR asks for an answer for each recipient.
func TestPRDR(t *testing.T) {
	p := place{"Exim", exim, "mx", open}
	p.cfg.PRDR = true
	c, transcript := p.dial(t)
	tok := token()
	result, err := c.Send(t.Context(), envelope(t, "bob@example.test", "alice@example.test", "nobody@example.test"), strings.NewReader(letter(tok)))
	if !strings.Contains(transcript.String(), " PRDR\n") {
		t.Fatalf("not asked for:\n%s", transcript)
	}
	refused := new(smtp.Error)
	if !errors.As(err, &refused) || result.Outcome != smtp.Accepted || result.Reply.Code != 250 {
		t.Fatalf("%+v, %v\n%s", result, err, transcript)
	}
	for i, want := range []smtp.Outcome{smtp.Accepted, smtp.Accepted, smtp.Refused} {
		if got := result.Recipients[i]; got.Outcome != want || got.Reply.Code == 0 {
			t.Errorf("recipient %d: %+v", i, got)
		}
	}
	p.arrived(t, "bob", tok)
	p.arrived(t, "alice", tok)
}

// TestLMTP gets an answer for each recipient, the same one twice included.
func TestLMTP(t *testing.T) {
	for _, noChunking := range []bool{false, true} {
		p := place{"Dovecot", dovecot, "lmtp", open}
		p.cfg.Protocol, p.cfg.NoChunking = auth.LMTP, noChunking
		t.Run(fmt.Sprintf("DATA %v", noChunking), func(t *testing.T) {
			c, transcript := p.dial(t)
			tok := token()
			result, err := c.Send(t.Context(), envelope(t, "bob@example.test", "nobody@example.test", "alice@example.test", "bob@example.test"), strings.NewReader(letter(tok)))
			refused := new(smtp.Error)
			if !errors.As(err, &refused) || refused.Code != 550 {
				t.Fatalf("%+v, %v\n%s", result, err, transcript)
			}
			for i, want := range []smtp.Outcome{smtp.Accepted, smtp.Refused, smtp.Accepted, smtp.Accepted} {
				if got := result.Recipients[i]; got.Outcome != want {
					t.Errorf("recipient %d: %+v", i, got)
				}
			}
			p.arrived(t, "bob", tok)
			p.arrived(t, "alice", tok)
			if _, err := c.Send(t.Context(), envelope(t, "nobody@example.test"), strings.NewReader(letter(tok))); !errors.As(err, &refused) {
				t.Errorf("got %v, want a refusal", err)
			}
			if err := c.Quit(t.Context()); err != nil {
				t.Errorf("still in step: %v", err)
			}
		})
	}
}

// TestCommands asks Postfix what else can be asked.
func TestCommands(t *testing.T) {
	c, _ := place{"Postfix", postfix, "mx", open}.dial(t)
	if reply, err := c.Verify(t.Context(), "bob@example.test"); err != nil || reply.Code/10 != 25 {
		t.Errorf("VRFY: %v, %v", reply, err)
	}
	refused := new(smtp.Error)
	if _, err := c.Dequeue(t.Context(), "example.test"); err != nil && !errors.As(err, &refused) {
		t.Errorf("ETRN: %v", err)
	}
	if _, err := c.Expand(t.Context(), "list"); !errors.As(err, &refused) {
		t.Errorf("EXPN: %v, want a refusal", err)
	}
	if err := c.Quit(t.Context()); err != nil {
		t.Error(err)
	}
}
