package auth_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/pop3"
	"github.com/posthouse/posthouse/smtp"
)

const token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

// outcome is how a server ends, or goes on with, an attempt to log in.
type outcome int

const (
	accepted outcome = iota
	challenged
	refused     // the credentials
	malformed   // what was sent
	cancelled   // by the client
	notOffered  // the mechanism
	needsTLS    // the mechanism
	unavailable // what there is to verify with
	tooLate     // it is authenticated already
	tooLong     // the line; the connection ends
)

// answers are what the outcomes are on the wire.
var answers = map[string]map[outcome]string{
	"SMTP": {
		accepted: "235 2.7.0 ", challenged: "334 ", refused: "535 5.7.8 ", malformed: "501 5.5.2 ", cancelled: "501 5.7.0 ",
		notOffered: "504 5.5.4 ", needsTLS: "538 5.7.11 ", unavailable: "454 4.7.0 ", tooLate: "503 5.5.1 ", tooLong: "500 5.5.6 ",
	},
	"POP3": {
		accepted: "+OK ", challenged: "+ ", refused: "-ERR [AUTH] ", malformed: "-ERR malformed", cancelled: "-ERR authentication cancelled",
		notOffered: "-ERR authentication mechanism not offered", needsTLS: "-ERR not without TLS", unavailable: "-ERR [SYS/TEMP] ",
		tooLate: "-ERR ", tooLong: "-ERR line too long",
	},
}

// attacks are, each by a name of its own, what a server of either protocol has to stand.
// (What a client has to is in TestSCRAMClientRefuses and TestSCRAMDowngrade; guessing, in
// the tests of Budget; what can be measured, in TestRefusalsCostTheSame.)
var attacks = []struct {
	name string
	run  func(p *attacker)
}{
	{"PLAIN: right, to begin with", plain("\x00tim\x00tanstaaf", accepted)},
	{"PLAIN: authzid of another", plain("ann\x00tim\x00tanstaaf", refused)},
	{"PLAIN: authzid of nobody", plain("nobody\x00tim\x00tanstaaf", refused)},
	{"PLAIN: authzid is the user", plain("tim\x00tim\x00tanstaaf", accepted)},
	{"PLAIN: one NUL", plain("tim\x00tanstaaf", malformed)},
	{"PLAIN: three NULs", plain("\x00tim\x00tanstaaf\x00", malformed)},
	{"PLAIN: no user", plain("\x00\x00tanstaaf", malformed)},
	{"PLAIN: no password", plain("\x00tim\x00", malformed)},
	{"PLAIN: user of 256 octets", plain("\x00"+strings.Repeat("u", 256)+"\x00x", malformed)},
	{"PLAIN: password of 256 octets", plain("\x00tim\x00"+strings.Repeat("p", 256), malformed)},
	{"PLAIN: not UTF-8", plain("\x00tim\x00\xff", malformed)},
	{"PLAIN: prepared by SASLprep", plain("\x00t\u00adim\x00tan\u00adstaaf", accepted)},
	{"PLAIN: what SASLprep prohibits", plain("\x00tim\x00tanstaaf\a", refused)},
	{"PLAIN: SASLprep leaves nothing", plain("\x00tim\x00\u00ad", refused)},
	{"PLAIN: unknown user", plain("\x00nobody\x00tanstaaf", refused)},
	{"PLAIN: wrong password", plain("\x00tim\x00wrong", refused)},
	{"PLAIN: outage", plain("\x00outage\x00x", unavailable)},

	{"base64: blank at the end", line("AHRpbQB0YW5zdGFhZg== ", malformed)},
	{"base64: blank within", line("AHRpbQB0 YW5zdGFhZg==", malformed)},
	{"base64: no padding", line("AHRpbQB0YW5zdGFhZg", malformed)},
	{"base64: bits in the padding", line("AHRpbQB0YW5zdGFhZh==", malformed)},
	{"base64: the URL alphabet", line("-_-_", malformed)},
	{"base64: nothing", line("", malformed)},
	{"base64: 12,288 octets", line(strings.Repeat("A", 12288), malformed)},
	{"base64: 12,289 octets", line(strings.Repeat("A", 12289), tooLong)},
	{"base64: cancelled", line("*", cancelled)},
	{"base64: = is an empty initial response", func(p *attacker) {
		p.say("AUTH PLAIN =")
		p.expect(malformed) // and no challenge
	}},
	{"base64: initial response to a mechanism that has none", func(p *attacker) {
		p.say("AUTH CRAM-MD5 " + b64("tim x"))
		p.expect(malformed)
	}},

	{"SCRAM: nonce without the server's part", scram(func(final string) string {
		before, proof, _ := strings.Cut(final, ",p=")
		_, rest, _ := strings.Cut(before, ",r=")
		return strings.Replace(final, rest, rest[:3], 1) + proof[:0]
	}, malformed)},
	{"SCRAM: an earlier login said again", func(p *attacker) {
		before := p.login("SCRAM-SHA-256")
		p = p.another()
		p.say("AUTH SCRAM-SHA-256")
		for _, response := range before {
			p.expect(challenged)
			p.say(response)
		}
		p.expect(malformed) // the server's nonce is a new one
	}},
	{"SCRAM: mandatory extension", first("n,,m=x,n=tim,r=abc", malformed)},
	{"SCRAM: binding of another header", scram(func(final string) string {
		return strings.Replace(final, "c=biws", "c=eSws", 1)
	}, refused)},
	{"SCRAM: proof changed", scram(func(final string) string {
		return final[:len(final)-5] + strings.Repeat("A", 3) + final[len(final)-2:]
	}, refused)},
	{"SCRAM: -PLUS taken off the list", first("y,,n=tim,r=abc", refused)},
	{"SCRAM: -PLUS without a binding", func(p *attacker) {
		p.say("AUTH SCRAM-SHA-256-PLUS")
		p.expect(challenged)
		p.say(b64("n,,n=tim,r=abc"))
		p.expect(malformed)
	}},
	{"SCRAM: -PLUS of another connection", func(p *attacker) {
		other := p.another()
		client, err := auth.PasswordCredentials{User: "tim", Password: "tanstaaf", Mechanisms: []string{"SCRAM-SHA-256-PLUS"}}.
			Client(p.t.Context(), other.state(), []string{"SCRAM-SHA-256-PLUS"})
		require.NoError(p.t, err)
		p.dialogue(client, nil)
		p.expect(refused)
	}},
	{"SCRAM: unknown user has a salt, always the same", func(p *attacker) {
		salts := map[string]bool{}
		for range 2 {
			p.say("AUTH SCRAM-SHA-256")
			p.expect(challenged)
			p.say(b64("n,,n=nobody,r=abc"))
			_, salt, _ := strings.Cut(string(p.expect(challenged)), ",")
			require.True(p.t, strings.HasPrefix(salt, "s=") && strings.HasSuffix(salt, ",i=4096"), salt)
			salts[salt] = true
			p.say("*")
			p.expect(cancelled)
		}
		require.Len(p.t, salts, 1)
	}},
	{"SCRAM: outage", first("n,,n=outage,r=abc", unavailable)},

	{"tokens: refused, and told why", func(p *attacker) {
		p.say("AUTH OAUTHBEARER")
		p.expect(challenged)
		p.say(b64("n,,\x01auth=Bearer old\x01\x01"))
		require.JSONEq(p.t, `{"status":"invalid_token","scope":"mail"}`, string(p.expect(challenged)))
		p.say(b64("\x01"))
		p.expect(refused)
		p.say("AUTH XOAUTH2")
		p.expect(challenged)
		p.say(b64("user=tim\x01auth=Bearer old\x01\x01"))
		require.JSONEq(p.t, `{"status":"401","scope":"mail"}`, string(p.expect(challenged)))
		p.say("")
		p.expect(refused)
	}},
	{"tokens: control characters", func(p *attacker) {
		for _, bad := range []string{"a\x00b", "a\x02b", "a\r\nb", "a b", "\x7f"} {
			p.say("AUTH OAUTHBEARER")
			p.expect(challenged)
			p.say(b64("n,,\x01auth=Bearer " + bad + "\x01\x01"))
			p.expect(malformed)
		}
	}},
	{"tokens: of another's", func(p *attacker) {
		p.say("AUTH OAUTHBEARER")
		p.expect(challenged)
		p.say(b64("n,a=ann,\x01auth=Bearer " + token + "\x01\x01"))
		p.expect(challenged)
		p.say(b64("\x01"))
		p.expect(refused)
	}},

	{"EXTERNAL: no certificate", func(p *attacker) {
		p.say("AUTH EXTERNAL")
		p.expect(notOffered)
	}},
	{"DIGEST-MD5: never", func(p *attacker) {
		p.say("AUTH DIGEST-MD5")
		p.expect(notOffered)
	}},
	{"CRAM-MD5: unknown user and wrong digest", func(p *attacker) {
		for _, user := range []string{"nobody", "tim"} {
			p.say("AUTH CRAM-MD5")
			p.expect(challenged)
			p.say(b64(user + " " + hex.EncodeToString(make([]byte, md5.Size))))
			p.expect(refused)
		}
	}},
	{"LOGIN: unknown user is asked for the password too", func(p *attacker) {
		for _, user := range []string{"nobody", "tim"} {
			p.say("AUTH LOGIN")
			p.expect(challenged)
			p.say(b64(user))
			require.Equal(p.t, "Password:", string(p.expect(challenged)))
			p.say(b64("wrong"))
			p.expect(refused)
		}
	}},
	{"AUTH twice", func(p *attacker) {
		p.login("SCRAM-SHA-256")
		p.say("AUTH PLAIN")
		p.expect(tooLate)
	}},
}

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// plain says a message of PLAIN.
func plain(message string, want outcome) func(*attacker) { return line(b64(message), want) }

// line says a line in an exchange of PLAIN.
func line(text string, want outcome) func(*attacker) {
	return func(p *attacker) {
		p.say("AUTH PLAIN")
		p.expect(challenged)
		p.say(text)
		p.expect(want)
	}
}

// first says the first message of SCRAM.
func first(message string, want outcome) func(*attacker) {
	return func(p *attacker) {
		p.say("AUTH SCRAM-SHA-256")
		p.expect(challenged)
		p.say(b64(message))
		p.expect(want)
	}
}

// scram goes through SCRAM with the right password and a last message that is changed.
func scram(change func(final string) string, want outcome) func(*attacker) {
	return func(p *attacker) {
		p.dialogue(p.client("SCRAM-SHA-256"), change)
		p.expect(want)
	}
}

// attacker is a client on a connection with TLS that says what it likes.
type attacker struct {
	*tls.Conn
	t        *testing.T
	protocol string
	lines    *bufio.Reader
	another  func() *attacker
}

func (p *attacker) say(text string) {
	p.t.Helper()
	_, err := io.WriteString(p, text+"\r\n")
	require.NoError(p.t, err)
}

// expect reads an answer, and returns the challenge if it is one.
func (p *attacker) expect(want outcome) []byte {
	p.t.Helper()
	text, err := p.lines.ReadString('\n')
	require.NoError(p.t, err)
	rest, ok := strings.CutPrefix(strings.TrimSuffix(text, "\r\n"), answers[p.protocol][want])
	require.True(p.t, ok, "%q instead of %q", text, answers[p.protocol][want])
	if want != challenged {
		return nil
	}
	challenge, err := base64.StdEncoding.DecodeString(rest)
	require.NoError(p.t, err)
	return challenge
}

func (p *attacker) state() auth.ConnectionState {
	state := p.ConnectionState()
	return auth.ConnectionState{TLS: &state}
}

func (p *attacker) client(mechanism string) sasl.Client {
	client, err := auth.PasswordCredentials{User: "tim", Password: "tanstaaf", Mechanisms: []string{mechanism}}.
		Client(p.t.Context(), p.state(), []string{mechanism})
	require.NoError(p.t, err)
	return client
}

// dialogue goes through SCRAM to the last message, and returns what was said.
func (p *attacker) dialogue(client sasl.Client, change func(final string) string) (said []string) {
	name, response, err := client.Start()
	require.NoError(p.t, err)
	p.say("AUTH " + name)
	p.expect(challenged)
	said = append(said, b64(string(response)))
	p.say(said[0])
	response, err = client.Next(p.expect(challenged))
	require.NoError(p.t, err)
	if change != nil {
		response = []byte(change(string(response)))
	}
	said = append(said, b64(string(response)))
	p.say(said[1])
	return said
}

// login logs in, and returns what was said.
func (p *attacker) login(mechanism string) []string {
	said := p.dialogue(p.client(mechanism), nil)
	p.expect(challenged)
	p.say("")
	p.expect(accepted)
	return said
}

// besieged is a server of each protocol, with TLS from the start and without.
type besieged struct {
	secure, open map[string]*testnet.Listener
	tls          *tls.Config
}

func besiege(t *testing.T) *besieged {
	server, client := testnet.Cert(t, "mail.example.org")
	known := auth.Passwords{"tim": "tanstaaf", "ann": "secret"}
	verifier := &auth.Server{
		Passwords: auth.PasswordFunc(func(ctx context.Context, user, password string) error {
			if user == "outage" {
				return errors.New("the directory is away")
			}
			return known.VerifyPassword(ctx, user, password)
		}),
		Secrets: auth.SecretFunc(func(ctx context.Context, user string) (string, error) {
			if user == "outage" {
				return "", errors.New("the directory is away")
			}
			return known.Secret(ctx, user)
		}),
		Tokens: auth.TokenFunc(func(_ context.Context, t auth.BearerToken) (string, error) {
			if t.Token != token {
				return "", &auth.TokenError{Scope: "mail"}
			}
			return "tim", nil
		}),
		Certificates: auth.CertificateFunc(func(context.Context, *x509.Certificate) (string, error) {
			return "tim", nil
		}),
		InsecureCRAMMD5: true,
		Budget:          &auth.Budget{PerAccount: -1, PerNet: -1},
	}
	submission := &smtp.Server{
		Hostname: "mail.example.org", Protocol: auth.Submission, TLSConfig: server, Auth: verifier, MaxAuthFailures: -1, ErrorDelay: -1,
		Handler: smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil }),
	}
	pop := &pop3.Server{Hostname: "mail.example.org", TLSConfig: server, Auth: verifier, Store: empty{}, FailureDelay: time.Nanosecond, ErrorDelay: -1}
	b := &besieged{map[string]*testnet.Listener{}, map[string]*testnet.Listener{}, client}
	done := make(chan error)
	serve := func(listeners map[string]*testnet.Listener, protocol string, serve func(net.Listener) error) {
		ln := testnet.NewListener()
		listeners[protocol] = ln
		go func() { done <- serve(ln) }()
	}
	serve(b.open, "SMTP", submission.Serve)
	serve(b.secure, "SMTP", submission.ServeTLS)
	serve(b.open, "POP3", pop.Serve)
	serve(b.secure, "POP3", pop.ServeTLS)
	t.Cleanup(func() {
		require.NoError(t, errors.Join(submission.Close(), pop.Close()))
		require.NoError(t, errors.Join(submission.Shutdown(context.Background()), pop.Shutdown(context.Background())))
		for range 4 {
			<-done
		}
	})
	return b
}

// empty are maildrops without messages.
type empty struct{}

func (empty) Open(context.Context, *auth.Identity) (pop3.Maildrop, error) { return empty{}, nil }
func (empty) List(context.Context) ([]pop3.Info, error)                   { return nil, nil }
func (empty) Message(context.Context, pop3.Info) (io.ReadCloser, error)   { return nil, io.EOF }
func (empty) Commit(context.Context, []pop3.Info) error                   { return nil }
func (empty) Close() error                                                { return nil }

func (b *besieged) attack(t *testing.T, protocol string) *attacker {
	nc, err := b.secure[protocol].Dial(t.Context())
	require.NoError(t, err)
	c := tls.Client(nc, b.tls)
	t.Cleanup(func() { _ = c.Close() })
	p := &attacker{c, t, protocol, bufio.NewReader(c), func() *attacker { return b.attack(t, protocol) }}
	_, err = p.lines.ReadString('\n')
	require.NoError(t, err)
	if protocol == "SMTP" {
		p.say("EHLO client.example.org")
		for text := "250-"; text[3] != ' '; {
			text, err = p.lines.ReadString('\n')
			require.NoError(t, err)
		}
	}
	return p
}

// TestAttacks plays the attacks at a server of either protocol.
func TestAttacks(t *testing.T) {
	t.Parallel()
	b := besiege(t)
	for protocol := range answers {
		for _, attack := range attacks {
			t.Run(protocol+"/"+attack.name, func(t *testing.T) {
				t.Parallel()
				attack.run(b.attack(t, protocol))
			})
		}
	}
}

// TestNothingIsShownInCleartext: without TLS no mechanism that shows a password, or
// something to try passwords against, is offered, nor can it be had.
func TestNothingIsShownInCleartext(t *testing.T) {
	t.Parallel()
	b := besiege(t)
	for protocol, hello := range map[string]string{"SMTP": "EHLO client.example.org\r\n", "POP3": "CAPA\r\n"} {
		for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2"} {
			nc, err := b.open[protocol].Dial(t.Context())
			require.NoError(t, err)
			_, err = io.WriteString(nc, hello+"AUTH "+mechanism+"\r\nQUIT\r\n")
			require.NoError(t, err)
			var said bytes.Buffer
			_, _ = said.ReadFrom(nc)
			require.NotContains(t, said.String(), mechanism, "%s: not offered", protocol)
			require.Contains(t, said.String(), "\n"+answers[protocol][needsTLS], "%s: %s", protocol, mechanism)
			require.NoError(t, nc.Close())
		}
	}
}
