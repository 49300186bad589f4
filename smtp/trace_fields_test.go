package smtp_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp"
)

// TestReceivedWith: the words of RFC 3848 and of RFC 6531 section 4.3.
func TestReceivedWith(t *testing.T) {
	t.Parallel()
	for want, tx := range map[string]*smtp.Transaction{
		"UTF8SMTP":   {Envelope: smtp.Envelope{UTF8: true}},
		"UTF8SMTPA":  {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{Identity: &auth.Identity{}}},
		"UTF8LMTP":   {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{Protocol: auth.LMTP}},
		"UTF8LMTPA":  {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{Protocol: auth.LMTP, Identity: &auth.Identity{}}},
		"LMTP":       {Conn: auth.ConnectionState{Protocol: auth.LMTP}},
		"LMTPA":      {Conn: auth.ConnectionState{Protocol: auth.LMTP, Identity: &auth.Identity{}}},
		"SMTP":       {},
		"UTF8SMTPS":  {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{TLS: tlsState}},
		"UTF8SMTPSA": {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{TLS: tlsState, Identity: &auth.Identity{}}},
		"LMTPSA":     {Conn: auth.ConnectionState{Protocol: auth.LMTP, TLS: tlsState, Identity: &auth.Identity{}}},
		"UTF8LMTPS":  {Envelope: smtp.Envelope{UTF8: true}, Conn: auth.ConnectionState{Protocol: auth.LMTP, TLS: tlsState}},
	} {
		require.Contains(t, string(tx.AppendReceived(nil, time.Time{})), " with "+want+" id ", want)
	}
}

// TestReceivedClauses: what stands in the field besides, and what cannot.
func TestReceivedClauses(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6710-4.1-2")
	conn := auth.ConnectionState{Hello: "[192.0.2.7]", RemoteAddr: &net.TCPAddr{IP: net.ParseIP("192.0.2.7")}}
	for _, tt := range []struct {
		name string
		tx   *smtp.Transaction
		want string
	}{
		{"reverse name", &smtp.Transaction{PeerName: "mail.example.com"}, "from [192.0.2.7] (mail.example.com [192.0.2.7])\r\n"},
		{"no reverse name", &smtp.Transaction{}, "from [192.0.2.7] ([192.0.2.7])\r\n"},
		{"reverse name is a literal", &smtp.Transaction{PeerName: "[192.0.2.9]"}, "from [192.0.2.7] ([192.0.2.7])\r\n"},
		{"reverse name breaks out", &smtp.Transaction{PeerName: "a)\r\nX: y"}, "from [192.0.2.7] ([192.0.2.7])\r\n"},
		{"priority", &smtp.Transaction{Envelope: smtp.Envelope{Priority: -3}}, "\r\n\tpriority -3; "},
		{"priority of 0", &smtp.Transaction{Envelope: smtp.Envelope{HasPriority: true}}, "\r\n\tpriority 0; "},
		{"address in UTF-8", &smtp.Transaction{Envelope: smtp.Envelope{UTF8: true, To: []smtp.Recipient{{Address: mailbox("", "grün@bücher.example").Address}}}}, "\r\n\tfor <grün@bücher.example>; "},
	} {
		tt.tx.Conn = conn
		field := string(tt.tx.AppendReceived(nil, time.Time{}))
		require.Contains(t, field, tt.want, tt.name)
		require.NotContains(t, field, "X: y")
		for line := range strings.SplitSeq(strings.TrimSuffix(field, "\r\n"), "\r\n") {
			require.True(t, strings.HasPrefix(line, "Received: ") || strings.HasPrefix(line, "\t"), "%q", field)
		}
	}
}

func TestAppendReturnPath(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.4-10")
	for _, want := range []string{"", "bob@example.org", `"a\"> b"@example.org`, "grün@bücher.example"} {
		var tx smtp.Transaction
		if want != "" {
			tx.Envelope.From = mailbox("", want).Address
		}
		require.Equal(t, "before|Return-Path: <"+want+">\r\n", string(tx.AppendReturnPath([]byte("before|"))))
	}
}

// TestServerLoop: a message with more Received fields than are allowed is refused, however
// the handler reads it, and the session goes on.
func TestServerLoop(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-6.3-1", "rfc5321-6.3-2")
	hops := func(n int) string {
		return strings.Repeat("Received: x\r\n", n) + "\r\n" + strings.Repeat("Received: y\r\n", 200) + ".\r\n"
	}
	for name, handler := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				most, hops int
				want       string
			}{
				{0, 100, "250 2.0.0 "},
				{0, 101, "554 5.4.6 "},
				{3, 3, "250 2.0.0 "},
				{3, 4, "554 5.4.6 "},
				{-1, 300, "250 2.0.0 "},
			} {
				var got error
				srv := &smtp.Server{MaxHops: tt.most, Handler: handler(&got)}
				p := newSite(t, srv).inData()
				p.say(hops(tt.hops) + "NOOP\r\n")
				p.expect(tt.want, "250 2.0.0 ok")
				if tt.want[0] == '5' && name != "nothing" {
					require.ErrorIs(t, got, smtp.ErrTooManyHops)
				}
			}
		})
	}
}

// tlsState stands for a connection with TLS.
var tlsState = &tls.ConnectionState{CipherSuite: tls.TLS_AES_128_GCM_SHA256}

// readers are the ways in which a handler can read a message, whose error each keeps.
var readers = map[string]func(got *error) smtp.Handler{
	"read": func(got *error) smtp.Handler {
		return smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, *got = io.ReadAll(tx.Body)
			return *got
		})
	},
	"copied": func(got *error) smtp.Handler {
		return smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, *got = io.Copy(io.Discard, tx.Body)
			return *got
		})
	},
	"error swallowed": func(got *error) smtp.Handler {
		return smtp.HandlerFunc(func(_ context.Context, tx *smtp.Transaction) error {
			_, *got = io.Copy(io.Discard, tx.Body)
			return nil
		})
	},
	"nothing": func(*error) smtp.Handler {
		return smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil })
	},
}

// TestReceivedFromProxy: what a trusted proxy tells of its client stands in the field, as
// far as it is a domain.
func TestReceivedFromProxy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"mail.example.com":        "(mail.example.com [198.51.100.7])",
		"[UNAVAILABLE]":           "([198.51.100.7])",
		"a+29+20X":                "([198.51.100.7])",
		"mail.example.com PROTO=": "",
	} {
		s := newSite(t, &smtp.Server{XclientFrom: fromProxy})
		p := s.greeted()
		p.say("XCLIENT ADDR=198.51.100.7 NAME=" + name + "\r\n")
		if want == "" {
			p.expect("501 ")
			continue
		}
		p.expect("220 ")
		p.say("EHLO client.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
		p.expect("250-", "250 ", "250 ", "354 ", "250 ")
		require.Contains(t, string(s.letters()[0].tx.AppendReceived(nil, time.Time{})), "from client.example.com "+want+"\r\n")
	}
}
