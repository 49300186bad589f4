package smtp

import (
	"bytes"
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/storm"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Whatever strings a caller passes, no line and no parameter is on the wire that
// he did not ask for: what was sent, read again, is what was to be sent.
func FuzzClientInjection(tf *testing.F) {
	f := storm.New(tf)
	for _, evil := range []string{
		"", "a", "a@example.org", "a@example.org> SIZE=1", "a\r\nDATA", "a\nRSET", "a\rb", "a\x00b", "a b", "<a>", "\"a b\"@example.org",
		"\"> ORCPT=x\"@b.example", "ü@example.org", "a@ü.example", "[1.2.3.4]", "X=Y", "X Y=Z", "a=b c=d", "\xff", "a\u2028b", "*", "FULL ENVID=x",
		"PLAIN", "#q\r\nRSET", "@example.org", "a.example.org", "rfc822;a+2Bb@example.org", "a+", "=",
	} {
		f.Add(evil, evil, evil, 0)
		f.Add("a@example.org", "X-TEST", evil, 7)
		f.Add(evil, "X-TEST", "v", 99)
		f.Add(evil, "PLAIN", evil, 2)
	}
	p := new(echo)
	var c *Client // to a server that offers all
	f.Fuzz(func(t *testing.T, address, keyword, value string, number int) {
		switch uint(number) % 4 {
		case 0:
			checkHello(t, value)
		case 1:
			checkPassword(t, address, value)
		case 2:
			checkSASL(t, keyword, value)
		case 3:
			checkXclient(t, address, value)
		}
		if c == nil || c.broken.get() != nil {
			*p = echo{offers: []string{
				"PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "DSN", "AUTH PLAIN", "RRVS", "MT-PRIORITY", "DELIVERBY", "FUTURERELEASE", "X-TEST", "X", "ETRN", "EXPN",
			}}
			var err error
			if c, err = NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "client.example.org"}); err != nil {
				t.Fatal(err)
			}
		}
		to, _ := ParseAddress(address)
		env := Envelope{
			From: to, To: []Recipient{{
				Address: to, Notify: Notify(number), Original: OriginalRecipient(value), NoSupport: NoSupport(number),
				ValidSince: time.Unix(int64(number), 0), Params: []Param{{Keyword: keyword, Value: value}},
			}},
			UTF8: number&1 != 0, Auth: to, HasAuth: number&2 != 0, Return: Return(number), ID: EnvelopeID(value),
			Priority: number, HoldFor: time.Duration(number) * time.Second, Params: []Param{{Keyword: value, Value: keyword}},
			Body: Body(number),
		}
		checkEnvelope(t, p, c, env)
		env.Params, env.ID = nil, "" // and now with less and less that may be refused
		checkEnvelope(t, p, c, env)
		env.Return, env.Priority, env.HoldFor, env.Body = 0, 0, 0, 0
		checkEnvelope(t, p, c, env)
		rcpt := &env.To[0]
		rcpt.Params, rcpt.Notify, rcpt.NoSupport, rcpt.Original = nil, 0, 0, NewOriginalRecipient(to)
		checkEnvelope(t, p, c, env)

		checkQuery(t, p, "VRFY", value, c.Verify)
		checkQuery(t, p, "EXPN", value, c.Expand)
		checkQuery(t, p, "HELP", value, c.Help)
		checkQuery(t, p, "ETRN", value, c.Dequeue)
	})
}

// checkHello checks how a client greets whose name is text.
func checkHello(t *testing.T, text string) {
	p := new(echo)
	c, err := NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: text})
	switch {
	case err != nil:
		p.expect(t, "QUIT")
		return
	case text != "": // else it has one of its own
		p.expect(t, "EHLO "+text)
	}
	c.Close()
}

// oneShot are credentials with one response.
type oneShot struct{ mechanism, response string }

func (o oneShot) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return o, nil
}

func (o oneShot) Start() (string, []byte, error) { return o.mechanism, []byte(o.response), nil }

func (o oneShot) Next([]byte) ([]byte, error) { return nil, sasl.ErrUnexpectedServerChallenge }

// checkSASL checks what credentials can bring on the wire that are not of this module.
func checkSASL(t *testing.T, mechanism, response string) {
	p := &echo{offers: []string{"AUTH X"}}
	cfg := ClientConfig{TLS: InsecureNoTLS, Hello: "c", Auth: oneShot{mechanism, response}}
	c, err := NewClient(t.Context(), p, "", &cfg)
	if err != nil {
		p.expect(t, "EHLO c", "QUIT")
		return
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(response))
	switch line := "AUTH " + mechanism + " " + encoded; {
	case len(line) > maxCommandLine-len(crlf):
		p.expect(t, "EHLO c", "AUTH "+mechanism)
	case encoded == "":
		p.expect(t, "EHLO c", line+"=")
	default:
		p.expect(t, "EHLO c", line)
	}
	c.Close()
}

// checkPassword checks what a name and a password bring on the wire.
func checkPassword(t *testing.T, user, password string) {
	p := &echo{offers: []string{"AUTH PLAIN"}}
	cfg := ClientConfig{TLS: InsecureNoTLS, Hello: "c", Auth: auth.InsecurePassword(user, password)}
	c, err := NewClient(t.Context(), p, "", &cfg)
	if err != nil {
		p.expect(t, "EHLO c", "QUIT")
		return
	}
	line := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password))
	if len(line) > maxCommandLine-len(crlf) {
		line = "AUTH PLAIN"
	}
	p.expect(t, "EHLO c", line)
	c.Close()
}

// checkXclient checks what a proxy tells of a client of that name and user.
func checkXclient(t *testing.T, user, hello string) {
	p := &echo{offers: []string{"XCLIENT HELO ADDR LOGIN"}}
	of := &auth.ConnectionState{Hello: hello, Identity: &auth.Identity{User: user}}
	c, err := NewClient(t.Context(), p, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "c", OnBehalfOf: of})
	if err != nil {
		t.Fatal(err) // a client cannot keep its proxy from connecting
	}
	words := strings.Split(p.lines(t, 3)[1], " ")
	if len(words) != 4 {
		t.Fatalf("%q for %q and %q", words, hello, user)
	}
	for i, said := range map[int]string{2: hello, 3: user} {
		_, encoded, _ := strings.Cut(words[i], "=")
		if text, ok := smtpwire.ParseXtext(encoded); !ok || text != said && text != smtpwire.XclientUnavailable {
			t.Fatalf("%q for %q", words[i], said)
		}
	}
	c.Close()
}

// checkQuery checks that a question is asked with the argument that was given, or
// not at all.
func checkQuery(t *testing.T, p *echo, verb, value string, ask func(context.Context, string) (Reply, error)) {
	p.wrote = p.wrote[:0]
	if _, err := ask(t.Context(), value); err != nil {
		p.expect(t)
		return
	}
	line := p.lines(t, 1)[0]
	if verb == "VRFY" || verb == "EXPN" { // the others have no parameter
		line = strings.TrimSuffix(line, " SMTPUTF8")
	}
	if got, ok := strings.CutPrefix(line, verb); !ok || strings.TrimPrefix(got, " ") != value {
		t.Fatalf("%q to ask %s for %q", line, verb, value)
	}
}

// checkEnvelope sends a message and checks that what is on the wire is nothing, or
// the transaction of the envelope.
func checkEnvelope(t *testing.T, p *echo, c *Client, env Envelope) {
	p.wrote = p.wrote[:0]
	result, err := c.Send(t.Context(), env, strings.NewReader("x\r\n"))
	if checkHonest(t, result, err) == 0 {
		p.expect(t)
		return
	}
	lines := p.lines(t, 4)
	if !slices.Equal(lines[2:], []string{"BDAT 3 LAST", "x"}) {
		t.Fatalf("%q for a message of 3 octets", lines[2:])
	}

	var mail smtpwire.Mail
	if err := mail.Parse(strings.TrimPrefix(lines[0], "MAIL ")); err != nil {
		t.Fatalf("%q: %v", lines[0], err)
	}
	got := envelopeOf(&mail, time.Now())
	switch {
	case got.From != env.From, got.ID != env.ID, got.Return != env.Return, got.Priority != env.Priority,
		got.HoldFor != env.HoldFor, got.Auth != env.Auth, got.HasAuth != (env.HasAuth || !env.Auth.IsZero()),
		!slices.Equal(got.Params, env.Params):
		t.Fatalf("%q for %+v", lines[0], env)
	}
	checkWords(t, lines[0], "MAIL FROM:", env.From, count(
		mail.UTF8, mail.Body != 0, got.HasAuth, env.Return != 0, env.ID != "", mail.HasPriority, env.HoldFor != 0, len(env.Params) > 0,
	))

	rcpt, want := smtpwire.Rcpt{UTF8: mail.UTF8}, env.To[0]
	if err := rcpt.Parse(strings.TrimPrefix(lines[1], "RCPT ")); err != nil {
		t.Fatalf("%q: %v", lines[1], err)
	}
	to := recipientOf(&rcpt)
	switch {
	case to.Address != want.Address, to.Notify != want.Notify, to.Original != want.Original, !to.ValidSince.Equal(want.ValidSince),
		!slices.Equal(to.Params, want.Params):
		t.Fatalf("%q for %+v", lines[1], want)
	}
	checkWords(t, lines[1], "RCPT TO:", want.Address, count(
		want.Notify != 0, want.Original != "", !want.ValidSince.IsZero(), len(want.Params) > 0,
	))
}

// checkWords checks, without the parser of commands, that a line is a path and so
// many parameters.
func checkWords(t *testing.T, line, begin string, path Address, params int) {
	rest, ok := strings.CutPrefix(line, begin+"<"+path.String()+">")
	if !ok || strings.Count(rest, " ") != params || len(strings.Fields(rest)) != params {
		t.Fatalf("%q for %q and %d parameters", line, path, params)
	}
	quoted := false
	for text := path.String(); text != ""; text = text[1:] {
		switch c := text[0]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\' && len(text) > 1:
			text = text[1:]
		case c < ' ', c == 0x7f, !quoted && (c == ' ' || c == '<' || c == '>'):
			t.Fatalf("path %q", path)
		}
	}
}

func count(conditions ...bool) (n int) {
	for _, met := range conditions {
		if met {
			n++
		}
	}
	return n
}

// echo is a server that accepts all, and remembers what it was sent.
type echo struct {
	plenty
	offers  []string
	greeted bool
	wrote   []byte
}

func (e *echo) Read(b []byte) (int, error) {
	if !e.greeted {
		e.greeted = true
		e.answers = append(e.answers, "220 hi\r\n"...)
	}
	return e.plenty.Read(b)
}

func (e *echo) Write(b []byte) (int, error) {
	e.wrote = append(e.wrote, b...)
	if bytes.HasPrefix(b, []byte("EHLO ")) {
		e.answers = append(e.answers, "250-mx\r\n"...)
		for _, offer := range e.offers {
			e.answers = append(append(append(e.answers, "250-"...), offer...), crlf...)
		}
		e.answers = append(e.answers, "250 X-END\r\n"...)
		return len(b), nil
	}
	chunk := bytes.Count(b, []byte("BDAT 3 LAST"))
	for range bytes.Count(b, crlf) - chunk {
		e.answers = append(e.answers, "250 ok\r\n"...)
	}
	return len(b), nil
}

// expect checks that these lines were sent and nothing else.
func (e *echo) expect(t *testing.T, lines ...string) {
	if want := strings.Join(append(lines, ""), "\r\n"); string(e.wrote) != want {
		t.Fatalf("%q is not %q", e.wrote, want)
	}
}

// lines are those that were sent, without their ends; want is how many it must be.
func (e *echo) lines(t *testing.T, want int) []string {
	lines := strings.Split(strings.TrimSuffix(string(e.wrote), "\r\n"), "\r\n")
	if len(lines) != want {
		t.Fatalf("%d lines of %q", want, lines)
	}
	return lines
}
