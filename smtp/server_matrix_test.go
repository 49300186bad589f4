package smtp_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// phases are the places of a session that a command can meet, and how to get there.
var phases = []struct {
	name  string
	reach func(s *site) *peer
}{
	{"connected", func(s *site) *peer {
		p := s.dial()
		p.expect("220 ")
		return p
	}},
	{"refused", func(s *site) *peer {
		p := s.dial()
		p.expect("554 ")
		return p
	}},
	{"greeted by HELO", func(s *site) *peer {
		p := s.dial()
		p.expect("220 ")
		p.say("HELO client.example.com\r\n")
		p.expect("250 ")
		return p
	}},
	{"greeted by EHLO", (*site).greeted},
	{"mail", func(s *site) *peer {
		p := s.greeted()
		p.say("MAIL FROM:<alice@example.com>\r\n")
		p.expect("250 2.1.0 ")
		return p
	}},
	{"recipients", (*site).inMail},
	{"chunks", func(s *site) *peer {
		p := s.inMail()
		p.say("BDAT 2\r\n\r\n")
		p.expect("250 2.0.0 chunk ok")
		return p
	}},
	{"failed", func(s *site) *peer {
		p := s.inMail()
		p.say("BDAT 0\r\nDATA\r\n")
		p.expect("250 2.0.0 chunk ok", "503 ")
		return p
	}},
	{"authenticated", func(s *site) *peer {
		p := s.greeted()
		p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
		p.expect("235 ")
		return p
	}},
	{"TLS", func(s *site) *peer {
		p := s.greeted()
		p.say("STARTTLS\r\n")
		p.expect("220 ")
		p.startTLS(s.tls)
		return p
	}},
	{"TLS, greeted", func(s *site) *peer {
		p := s.greeted()
		p.say("STARTTLS\r\n")
		p.expect("220 ")
		p.startTLS(s.tls)
		p.say("EHLO client.example.com\r\n")
		p.expect("250-")
		return p
	}},
	{"after a message", func(s *site) *peer {
		p := s.inData()
		p.say("text\r\n.\r\n")
		p.expect("250 2.0.0 ")
		return p
	}},
	{"TLS required", (*site).greeted},
	{"submission", (*site).greeted},
	{"LMTP", func(s *site) *peer {
		p := s.dial()
		p.expect("220 ")
		return p
	}},
	{"LMTP, greeted", func(s *site) *peer { return s.inLMTP("") }},
	{"LMTP, mail", func(s *site) *peer { return s.inLMTP("MAIL FROM:<>\r\n") }},
	{"LMTP, recipients", func(s *site) *peer { return s.inLMTP("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\n") }},
	{"LMTP, chunks", func(s *site) *peer { return s.inLMTP("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nBDAT 2\r\n\r\n") }},
}

// inLMTP connects, says LHLO and what is given, of which all is accepted.
func (s *site) inLMTP(say string) *peer {
	s.t.Helper()
	p := s.dial()
	p.say("LHLO client.example.com\r\n" + say)
	p.expect("220 ", "250-")
	for range strings.Count(strings.ReplaceAll(say, "\n\r\n", "\n"), "\r\n") {
		p.expect("250 ")
	}
	return p
}

// TestServerMatrix: each command in each phase gets the reply, and leads to the phase,
// that testdata/server/matrix.golden says.
func TestServerMatrix(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-3.3-11", "rfc5321-4.3.1-3")
	commands := []string{
		"HELO client.example.com", "EHLO client.example.com", "MAIL FROM:<alice@example.com>", "RCPT TO:<bob@example.org>", "DATA",
		"BDAT 0", "BDAT 0 LAST", "BDAT x", "LHLO client.example.com", "XCLIENT ADDR=192.0.2.9",
		"RSET", "NOOP", "QUIT", "VRFY bob", "EXPN list", "ETRN a.example", "XOWN", "HELP", "STARTTLS", "AUTH PLAIN", "BOGUS",
	}
	var b strings.Builder
	for _, phase := range phases {
		fmt.Fprintf(&b, "%s\n", phase.name)
		for _, command := range commands {
			srv := withTLS(t, &smtp.Server{ErrorDelay: -1, Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}})
			srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
				if to.Address.Local() == "nobody" {
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user"}
				}
				return nil
			}
			srv.Hooks.StartQueue = func(context.Context, auth.ConnectionState, smtp.QueueName) error { return nil }
			srv.Extensions = []smtp.Extension{{Keyword: "XOWN", Commands: []smtp.Command{{
				Verb: "XOWN", Phases: []auth.Phase{smtp.PhaseGreeted, smtp.PhaseRecipients},
				Run: func(context.Context, auth.ConnectionState, *smtp.Transaction, string) (smtp.Reply, error) {
					return smtp.Reply{Code: 250, Lines: []string{"own"}}, nil
				},
			}}}}
			switch kind, _, _ := strings.Cut(phase.name, ","); kind {
			case "TLS required":
				srv.RequireTLS = true
			case "submission":
				srv.Protocol = auth.Submission
			case "LMTP":
				srv.Protocol = auth.LMTP
				srv.Local = func(context.Context, smtp.Address) bool { return true }
			case "refused":
				srv.Hooks.Connect = func(context.Context, auth.ConnectionState) error {
					return &smtp.Error{Code: 554, Text: "not you"}
				}
			}
			s := startSite(t, srv, false)
			p := phase.reach(s)
			got := ask(p, command)
			verb, _, _ := strings.Cut(command, " ")
			fmt.Fprintf(&b, "\t%-8s %-45s %s\n", verb, stable(got), whereIs(p, got))
			s.close()
		}
	}
	const golden = "testdata/server/matrix.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

// ask says a command and returns the reply. A last chunk may have none: RFC 2033
// section 4.3.
func ask(p *peer, command string) string {
	if command != "BDAT 0 LAST" {
		p.say(command + "\r\n")
		return p.hear()
	}
	p.say(command + "\r\nNOOP\r\n")
	reply := p.hear()
	if reply == "250 2.0.0 ok" {
		return "(none)"
	}
	p.hear() // that to NOOP
	return reply
}

// whereIs finds out in what phase a session is behind a reply, by what it says to
// commands that are in order in one phase only.
func whereIs(p *peer, reply string) string {
	switch reply[:3] {
	case "220":
		return "-> TLS"
	case "221":
		p.expectEnd()
		return "-> closed"
	case "334":
		p.say("*\r\n")
		p.expect("501 5.7.0")
	case "354":
		return "-> data"
	}
	if _, err := io.WriteString(p, "RCPT TO:<nobody@example.org>\r\n"); err != nil {
		return "-> closed"
	}
	switch r := p.hear(); {
	case strings.HasPrefix(r, "503 5.5.1 send EHLO or"):
		return "-> connected"
	case strings.HasPrefix(r, "550 5.1.1"):
		p.say("DATA\r\n")
		if !strings.HasPrefix(p.hear(), "354") {
			return "-> mail" // 554, and 503 in LMTP
		}
		return "-> recipients"
	case strings.HasPrefix(r, "503 5.5.1 send LHLO"):
		return "-> connected"
	case strings.HasPrefix(r, "530 "):
		return "-> TLS required"
	case r == "":
		return "-> closed"
	}
	p.say("MAIL FROM:<>\r\n")
	if r := p.hear(); strings.HasPrefix(r, "250 2.1.0") || strings.HasPrefix(r, "530 ") {
		return "-> greeted"
	}
	p.say("BDAT 0\r\nNOOP\r\n")
	switch chunk, noop := p.hear(), p.hear(); {
	case strings.HasPrefix(chunk, "250 "):
		return "-> chunks"
	case strings.HasPrefix(noop, "250 "):
		return "-> failed"
	case noop == "":
		return "-> closed"
	}
	return "-> refused"
}

// stable is a reply on one line, with what differs from run to run left out.
func stable(reply string) string {
	reply = strings.ReplaceAll(reply, "\n", " | ")
	if before, _, ok := strings.Cut(reply, "accepted as "); ok {
		return before + "accepted as ID"
	}
	return reply
}
