package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// registered are the keywords of EHLO that IANA knows, as far as a server of ours could
// offer them, and PRDR.
var registered = []string{
	"8BITMIME", "AUTH", "BINARYMIME", "CHUNKING", "DELIVERBY", "DSN", "ENHANCEDSTATUSCODES", "ETRN", "EXPN", "FUTURERELEASE", "HELP",
	"LIMITS", "MT-PRIORITY", "PIPELINING", "PRDR", "REQUIRETLS", "RRVS", "SIZE", "SMTPUTF8", "STARTTLS", "VRFY",
}

// TestServerKeywords: EHLO is answered with extensions, all of them registered but one,
// and what is offered works.
func TestServerKeywords(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-2.2.1-1", "rfc5321-2.2.1-2", "rfc5321-2.2.2-3")
	s := newSite(t, withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords}}))
	p := s.dial()
	p.expect("220 ")
	for _, secure := range []bool{false, true} {
		p.say("EHLO client.example.com\r\n")
		lines := strings.Split(p.hear(), "\n")
		require.Greater(t, len(lines), 5)
		for _, line := range lines[1:] {
			keyword, _, _ := strings.Cut(line[len("250-"):], " ")
			require.True(t, slices.Contains(registered, keyword) || keyword[0] == 'X', keyword)
		}
		p.say("MAIL FROM:<alice@example.com> SIZE=7 BODY=8BITMIME\r\nRSET\r\n")
		p.expect("250 ", "250 ")
		if !secure {
			p.say("STARTTLS\r\n")
			p.expect("220 ")
			p.startTLS(s.tls)
		}
	}
}

// TestServerHeaderIsNotJudged: what a message has for a header is the business of those
// who read it. It is taken as it comes, and not an octet of it is changed.
func TestServerHeaderIsNotJudged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, message string
		ids           []string
	}{
		{"Resent fields that do not match", "Resent-To: bob@example.org\r\nResent-To: carol@example.org\r\nResent-Date: x\r\nFrom: a@b\r\n\r\ntext\r\n", []string{"rfc5321-3.3-9", "rfc5321-3.3-10"}},
		{"trace fields in no format", "Received: it came in the night\r\nReceived:\r\nReturn-Path: nobody\r\n\r\ntext\r\n", []string{"rfc5321-3.7.2-2"}},
		{"trace fields in a strange order", "Subject: x\r\nReceived: from a by b; x\r\nDate: x\r\nReceived: from c by d; y\r\n\r\ntext\r\n", []string{"rfc5321-4.4-5"}},
		{"what a corrector would correct", "subject: no date, no sender, no id\r\n\r\ntext\r\n", []string{"rfc5321-6.4-1"}},
		{"many recipients", "To: " + strings.Repeat("a@b, ", 2000) + "c@d\r\n\r\ntext\r\n", []string{"rfc5321-4.5.3.1.8-2"}},
		{"no header", "\r\ntext\r\n", nil},
		{"no message", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.ids != nil {
				rfc.Covers(t, tt.ids...)
			}
			s := newSite(t, &smtp.Server{})
			p := s.inData()
			p.say(tt.message + ".\r\n")
			p.expect("250 ")
			require.Equal(t, []string{tt.message}, s.bodies())
			require.Len(t, s.letters()[0].tx.Envelope.To, 1)
		})
	}
}

// TestServerLocalPart: what stands before the @ is nobody's but the handler's.
func TestServerLocalPart(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"BoB+x": "BoB+x", `"Some One"`: "Some One", `"a@b"`: "a@b", "a!b%c": "a!b%c",
		"@mx.example.org,@b.example:userc":   "userc",
		"@elsewhere.example:\"user \\c\"":    "user c",
		"@[192.0.2.1],@[IPv6:2001:db8::1]:u": "u",
	} {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			if strings.HasPrefix(given, "@") {
				rfc.Covers(t, "rfc5321-C-5", "rfc5321-4.1.2-1")
			} else {
				rfc.Covers(t, "rfc5321-2.3.11-1")
			}
			s := newSite(t, &smtp.Server{})
			p := s.greeted()
			p.say("MAIL FROM:<>\r\nRCPT TO:<" + given + "@example.org>\r\nDATA\r\n.\r\n")
			p.expect("250 ", "250 ", "354 ", "250 ")
			to := s.letters()[0].tx.Envelope.To
			require.Len(t, to, 1)
			require.Equal(t, want, to[0].Address.Local())
			require.Equal(t, "example.org", to[0].Address.Domain())
		})
	}
}

// TestServerAddressOctets: no octet but printable ASCII gets into an address, whatever
// BODY says, and no name that is a number.
func TestServerAddressOctets(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.2-6", "rfc5321-2.4-7", "rfc5321-4.1.1-2", "rfc5321-2.4-5", "rfc5321-F.4-1")
	p := newSite(t, &smtp.Server{MaxErrors: -1, MaxIdleCommands: -1}).greeted()
	refused := func(path, params string) {
		p.say("MAIL FROM:" + path + params + "\r\n")
		require.Regexp(t, `^5\d\d `, p.hear(), "%q", path)
		p.say("MAIL FROM:<>\r\nRCPT TO:" + path + "\r\n")
		p.expect("250 ")
		require.Regexp(t, `^5\d\d `, p.hear(), "%q", path)
		p.say("RSET\r\n")
		p.expect("250 ")
	}
	for c := 1; c < 256; c++ {
		if c >= ' ' && c < 0x7f || c == '\r' || c == '\n' {
			continue
		}
		for _, format := range []string{"<a%sb@example.org>", "<\"a%sb\"@example.org>", "<\"a\\%sb\"@example.org>", "<a@ex%sample.org>"} {
			refused(fmt.Sprintf(format, string([]byte{byte(c)})), "")
		}
	}
	refused("<\u00fcser@example.org>", " BODY=8BITMIME")
	refused("<user@ex\u00e4mple.org>", " BODY=8BITMIME")
	for _, path := range []string{"<a..b@example.org>", "<.a@example.org>", "<a.@example.org>", "<a b@example.org>", "<a@#1234>", "<a@#>", "<a@1.2.3.4]>", "a@example.org"} {
		refused(path, "")
	}
}

// TestServerHelloIsNotVerified: who says hello by a name that is not its own, or that
// nobody has, may send all the same.
func TestServerHelloIsNotVerified(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.4-8")
	for _, name := range []string{"[198.51.100.9]", "[IPv6:2001:db8::9]", "mx.example.org", "no.such.host.invalid", "localhost"} {
		s := newSite(t, &smtp.Server{})
		p := s.dial()
		p.expect("220 ")
		p.say("EHLO " + name + "\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
		p.expect("250-", "250 ", "250 ", "354 ", "250 ")
		require.Equal(t, name, s.letters()[0].tx.Conn.Hello)
	}
}

// TestServerOneReply: every command has one reply, wherever it stands.
func TestServerOneReply(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.2-1", "rfc2920-3.2-9")
	commands := []string{
		"HELO a", "EHLO a", "EHLO", "RSET", "NOOP", "NOOP x", "VRFY bob", "EXPN list", "HELP", "MAIL FROM:<>", "MAIL", "RCPT TO:<bob@example.org>",
		"RCPT TO:<bob@elsewhere.example>", "RCPT", "RSET x", "DATA x", "BOGUS", "", "QUIT x", "STARTTLS", "AUTH PLAIN",
	}
	for _, before := range []string{"", "EHLO a", "EHLO a\r\nMAIL FROM:<>", "EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>"} {
		p := newSite(t, &smtp.Server{MaxErrors: -1}).dial()
		p.expect("220 ")
		var group strings.Builder
		if before != "" {
			group.WriteString(before + "\r\n")
		}
		n := strings.Count(group.String(), "\n")
		for _, c := range commands {
			group.WriteString(c + "\r\n")
		}
		p.say(group.String() + "QUIT\r\n")
		for range n + len(commands) {
			require.NotContains(t, []string{"", "221 2.0.0 closing connection"}, p.hear())
		}
		p.expect("221 ")
		p.expectEnd()
	}
}

// TestServerMinimum: the commands that no server may lack, and the sizes that each has
// to take.
func TestServerMinimum(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.1-1", "rfc5321-4.5.3.1-1", "rfc5321-4.5.3.1.10-2")
	s := newSite(t, &smtp.Server{})
	p := s.dial()
	p.expect("220 ")
	local, label := strings.Repeat("l", 64), strings.Repeat("d", 59)
	domain := strings.Join([]string{label, label, label, "example.org"}, ".")
	p.say("EHLO " + strings.Join([]string{label, label, label, label, "example"}, ".") + "\r\nHELO a\r\nNOOP " + strings.Repeat("x", 505) + "\r\nRSET\r\nVRFY bob\r\nMAIL FROM:<" + local + "@" + domain[:189] + ">\r\n")
	p.expect("250-", "250 ", "250 ", "250 ", "25", "250 ")
	for range 100 {
		p.say("RCPT TO:<" + local + "@example.org>\r\n")
		p.expect("250 ")
	}
	message := strings.Repeat(strings.Repeat("x", 998)+"\r\n", 66)
	p.say("DATA\r\n" + message + ".\r\nQUIT\r\n")
	p.expect("354 ", "250 ", "221 ")
	require.Equal(t, []string{message}, s.bodies())
	require.Len(t, s.letters()[0].tx.Envelope.To, 100)
}

// TestServerRecipientsPutOff: those who were put off for their number get their turn in
// the next transaction.
func TestServerRecipientsPutOff(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.3.1.10-3")
	s := newSite(t, &smtp.Server{MaxRecipients: 100})
	p := s.greeted()
	left := 200
	for range 2 {
		p.say("MAIL FROM:<>\r\n")
		p.expect("250 ")
		again := 0
		for i := range left {
			p.say("RCPT TO:<bob@example.org>\r\n")
			if i < 100 {
				p.expect("250 ")
				continue
			}
			p.expect("452 ")
			again++
		}
		p.say("DATA\r\n.\r\n")
		p.expect("354 ", "250 ")
		left = again
	}
	require.Zero(t, left)
}

// TestServerRSET: nothing is left of what RSET aborts.
func TestServerRSET(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.5-1")
	s := newSite(t, &smtp.Server{})
	p := s.inMail()
	p.say("RSET\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nMAIL FROM:<carol@example.com> SIZE=4\r\nRSET\r\nMAIL FROM:<>\r\nDATA\r\nRCPT TO:<dan@example.org>\r\nDATA\r\n.\r\n")
	p.expect("250 ", "503 ", "503 ", "250 ", "250 ", "250 ", "554 ", "250 ", "354 ", "250 ")
	env := s.letters()[0].tx.Envelope
	require.True(t, env.From.IsZero())
	require.Zero(t, env.Size)
	require.Len(t, env.To, 1)
	require.Equal(t, "dan", env.To[0].Address.Local())
}

// TestServerRefusedOnce: a message that is refused, for now or for ever, is not tried
// again.
func TestServerRefusedOnce(t *testing.T) {
	t.Parallel()
	for code, id := range map[int]string{450: "rfc5321-4.2.5-1", 550: "rfc5321-4.2.5-3"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, id)
			calls := 0
			s := startSite(t, handler(func(_ context.Context, tx *smtp.Transaction) error {
				calls++
				if _, err := io.Copy(io.Discard, tx.Body); err != nil {
					return err
				}
				return &smtp.Error{Code: code, Text: "no"}
			}), false)
			p := s.inData()
			p.say("text\r\n.\r\nQUIT\r\n")
			p.expect(fmt.Sprint(code), "221 ")
			p.expectEnd()
			s.close()
			require.Equal(t, 1, calls)
		})
	}
}

// TestServerPermanence: whether a recipient is refused for now or for ever is told as
// the hook has it.
func TestServerPermanence(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-3.3-1")
	srv := &smtp.Server{Hooks: smtp.Hooks{Recipient: func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
		if to.Address.Local() == "later" {
			return &smtp.Error{Code: 450, Enhanced: smtp.EnhancedCode{4, 2, 1}, Text: "later"}
		}
		return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "never"}
	}}}
	p := newSite(t, srv).greeted()
	p.say("MAIL FROM:<>\r\nRCPT TO:<later@example.org>\r\nRCPT TO:<never@example.org>\r\n")
	p.expect("250 ", "450 4.2.1 later", "550 5.1.1 never")
}

// TestServerNoRecipients: a group whose recipients are all refused delivers nothing to
// anybody, even if its message is empty.
func TestServerNoRecipients(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2920-3.2-4")
	s := newSite(t, &smtp.Server{})
	p := s.greeted()
	p.say("MAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\nRCPT TO:<b@elsewhere.example>\r\nDATA\r\n")
	p.expect("250 ", "550 ", "550 ")
	if strings.HasPrefix(p.hear(), "354") {
		p.say(".\r\n")
		p.hear()
	}
	p.say("QUIT\r\n")
	p.expect("221 ")
	require.Empty(t, s.letters())
}

// TestServerTLSIsNotRequired: who does not begin TLS may send to local recipients, unless
// the program has said otherwise.
func TestServerTLSIsNotRequired(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3207-4-1")
	s := newSite(t, withTLS(t, &smtp.Server{}))
	p := s.inData()
	p.say("text\r\n.\r\n")
	p.expect("250 ")
	require.Nil(t, s.letters()[0].tx.Conn.TLS)
}

// TestServerVerifyExpand: VRFY and EXPN answer with mailboxes that RCPT takes, in angle
// brackets and without a route, and EXPN is listed where there is any.
func TestServerVerifyExpand(t *testing.T) {
	t.Parallel()
	found := []smtp.Mailbox{mailbox("Fred Smith", "Smith@example.org"), mailbox("", `"J. Q"@example.org`)}
	one := func(_ context.Context, _ auth.ConnectionState, text string) ([]smtp.Mailbox, error) {
		return found[len(text)-1:][:1], nil
	}
	all := func(context.Context, auth.ConnectionState, string) ([]smtp.Mailbox, error) { return found, nil }
	reply := func(command string) string {
		p := newSite(t, &smtp.Server{Hooks: smtp.Hooks{Verify: one, Expand: all}}).greeted()
		p.say(command + "\r\n")
		return p.hear()
	}
	t.Run("mailbox", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-3.5.1-2", "rfc5321-3.5.1-3", "rfc5321-3.5.2-1", "rfc5321-3.5.2-2", "rfc5321-3.5.2-5")
		require.Equal(t, "250 2.1.5 Fred Smith <Smith@example.org>", reply("VRFY S"))
	})
	t.Run("usable", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-3.5.2-3")
		require.Equal(t, `250 2.1.5 <"J. Q"@example.org>`, reply("VRFY JQ"))
	})
	t.Run("list", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-3.5.1-4")
		require.Equal(t, "250-2.1.5 Fred Smith <Smith@example.org>\n250 2.1.5 <\"J. Q\"@example.org>", reply("EXPN list"))
	})
	t.Run("not implemented", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-3.5.3-3")
		p := newSite(t, &smtp.Server{}).greeted()
		p.say("EXPN list\r\n")
		p.expect("502 5.5.1 ")
	})
	t.Run("listed", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc5321-3.5.2-7")
		require.Contains(t, reply("EHLO a")+"\n", "EXPN\n")
	})
}

// TestServerVerifyExpandRefused: what cannot be asked, or be said, or be found out now.
func TestServerVerifyExpandRefused(t *testing.T) {
	t.Parallel()
	failing := func(_ context.Context, _ auth.ConnectionState, text string) ([]smtp.Mailbox, error) {
		switch text {
		case "nobody":
			return nil, nil
		case "secret":
			return nil, smtp.Reject("not for you")
		}
		return nil, errors.New("the directory is away")
	}
	for _, tt := range []struct{ command, want string }{
		{"VRFY", "501 "},
		{"EXPN", "501 "},
		{"VRFY gr\u00fcn", "5"},
		{"EXPN gr\u00fcn", "5"},
		{"VRFY a SMTPUTF8", "504 "},
		{"EXPN a SMTPUTF8", "504 "},
		{"VRFY nobody", "252 "},
		{"EXPN nobody", "550 "},
		{"VRFY secret", "550 5.7.1 not for you"},
		{"EXPN secret", "550 5.7.1 not for you"},
		{"VRFY bob", "451 4.3.0 "},
		{"EXPN list", "451 4.3.0 "},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			p := newSite(t, &smtp.Server{Hooks: smtp.Hooks{Verify: failing, Expand: failing}}).greeted()
			p.say("HELO a\r\n" + tt.command + "\r\n")
			p.expect("250 ", tt.want)
		})
	}
}
