package smtp_test

import (
	"crypto/tls"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestAppendReceived: RFC 5321 section 4.4, with the words of RFC 3848 and of RFC 8314
// section 4.3.
func TestAppendReceived(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 8, 9, 5, 0, time.FixedZone("PST", -8*3600))
	for _, tt := range []struct {
		name  string
		setup func(srv *smtp.Server)
		hello string
		say   string
		with  string
		to    string
		tls   bool
	}{
		{name: "HELO", hello: "HELO client.example.com", with: "SMTP"},
		{name: "EHLO", hello: "EHLO client.example.com", with: "ESMTP"},
		{name: "authenticated", hello: "EHLO client.example.com", say: "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", with: "ESMTPA"},
		{name: "TLS", hello: "EHLO client.example.com", with: "ESMTPS", tls: true},
		{name: "TLS, authenticated", hello: "EHLO client.example.com", say: "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", with: "ESMTPSA", tls: true},
		{name: "TLS, HELO", hello: "HELO client.example.com", with: "SMTP", tls: true},
		{name: "two recipients", hello: "EHLO client.example.com", say: "", with: "ESMTP", to: "bob@example.org,carol@example.org"},
		{name: "literal", hello: "EHLO [IPv6:2001:db8::1]", with: "ESMTP"},
		{name: "quoted", hello: "EHLO client.example.com", with: "ESMTP", to: `"b\"o>b"@example.org`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "EHLO":
				rfc.Covers(t, "rfc5321-4.4-2", "rfc5321-4.4-3", "rfc5321-4.4-7", "rfc5321-4.4-23", "rfc5321-F.5-1")
			case "two recipients":
				rfc.Covers(t, "rfc5321-4.4-4", "rfc5321-4.4-6", "rfc5321-7.2-1")
			case "TLS, authenticated":
				rfc.Covers(t, "rfc4954-7-2", "rfc5321-4.4-24", "rfc5321-4.4-25", "rfc5321-4.4-26")
			}
			srv := withTLS(t, &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}})
			s := newSite(t, srv)
			p := s.greeted()
			if tt.tls {
				p.say("STARTTLS\r\n")
				p.expect("220 ")
				p.startTLS(s.tls)
			}
			p.say(tt.hello + "\r\n")
			p.expect("250")
			if tt.say != "" {
				p.say(tt.say + "\r\n")
				p.expect("235 ")
			}
			p.say("MAIL FROM:<>\r\n")
			p.expect("250 ")
			to := "bob@example.org"
			if tt.to != "" {
				to = tt.to
			}
			for address := range strings.SplitSeq(to, ",") {
				p.say("RCPT TO:<" + address + ">\r\n")
				p.expect("250 ")
			}
			p.say("DATA\r\n.\r\n")
			p.expect("354 ", "250 ")
			tx := s.letters()[0].tx
			_, hello, _ := strings.Cut(tt.hello, " ")
			want := "before|Received: from " + hello + " ([192.0.2.1])\r\n\tby mx.example.org with " + tt.with + " id " + tx.ID
			if !strings.Contains(to, ",") {
				want += "\r\n\tfor <" + to + ">"
			}
			if tt.tls {
				want += "\r\n\ttls " + tls.CipherSuiteName(tx.Conn.TLS.CipherSuite)
			}
			want += "; Sat, 21 Nov 2026 08:09:05 -0800\r\n"
			require.Equal(t, want, string(tx.AppendReceived([]byte("before|"), now)))
		})
	}
}

// TestAppendReceivedPeers: what stands for the peer's address.
func TestAppendReceivedPeers(t *testing.T) {
	t.Parallel()
	for want, addr := range map[string]net.Addr{
		"from x ([192.0.2.7])\r\n":        &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 5},
		"from x ([IPv6:2001:db8::7])\r\n": &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 5},
		"from x ([IPv6:fe80::7])\r\n":     &net.TCPAddr{IP: net.ParseIP("fe80::7"), Zone: "eth0", Port: 5},
		"from x\r\n":                      &net.UnixAddr{Name: "/run/x", Net: "unix"},
		"from x\r\n\tby  with SMTP":       nil,
	} {
		tx := smtp.Transaction{Conn: auth.ConnectionState{Hello: "x", RemoteAddr: addr}}
		require.Contains(t, string(tx.AppendReceived(nil, time.Time{})), want)
	}
}

// TestReceivedInjection: no name that a client says hello with can begin another field.
func TestReceivedInjection(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{MaxErrors: -1})
	p := s.dial()
	p.expect("220 ")
	for _, name := range []string{"a b", "a)(b", "a;b", "a<b>", "a\tb", "a\x0bb", "\"a\"", "a\\b", "[1.2.3.4] x", "[IPv6:::1%\x01]", "a\u00a0b", "\xc2\x85"} {
		p.say("EHLO " + name + "\r\n")
		p.expect("501 ")
	}
	p.say("EHLO under_score\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
	p.expect("250-", "250 ", "250 ", "354 ", "250 ")
	field := string(s.letters()[0].tx.AppendReceived(nil, time.Now()))
	require.Regexp(t, regexp.MustCompile(`^Received: from under_score \(\[192\.0\.2\.1\]\)\r\n\tby mx\.example\.org with ESMTP id [0-9A-Za-z.-]+\r\n\tfor <bob@example\.org>; [ -~]+\r\n$`), field)
}

// TestErrorText: an Error reads as its reply, on one line, whatever its text.
func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*smtp.Error{
		"smtp: 550 5.7.1 no":               {Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "no"},
		"smtp: 550-5.0.0 a; 550 5.0.0 b":   {Code: 550, Text: "a\r\nb"},
		"smtp: 451 4.3.0 x?[2J":            {Code: 0, Text: "x\x1b[2J"},
		"smtp: 450 4.0.0 class of another": {Code: 450, Enhanced: smtp.EnhancedCode{5, 7, 1}, Text: "class of another"},
	} {
		require.Equal(t, want, e.Error())
		require.Equal(t, want[6] == '4' && e.Code != 0, e.Temporary())
	}
}
