package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
)

func TestServerMaxErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want int }{{0, 10}, {3, 3}} {
		p := newSite(t, &smtp.Server{MaxErrors: tt.set, ErrorDelay: -1}).greeted()
		for range tt.want - 1 {
			p.say("BOGUS\r\n")
			p.expect("500 ")
		}
		p.say("BOGUS\r\n")
		p.expect("421 4.7.0 too many errors")
		p.expectEnd()
	}
}

// TestServerErrorsForgiven: a message that is accepted starts the count anew, and
// recipients that are refused do count.
func TestServerErrorsForgiven(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{MaxErrors: 3, ErrorDelay: -1}).inMail()
	p.say("RCPT TO:<a@elsewhere.example>\r\nRCPT TO:<b@elsewhere.example>\r\nDATA\r\n.\r\n")
	p.expect("550 ", "550 ", "354 ", "250 ")
	p.say("MAIL FROM:<>\r\nRCPT TO:<a@elsewhere.example>\r\nRCPT TO:<b@elsewhere.example>\r\nRCPT TO:<c@elsewhere.example>\r\n")
	p.expect("250 ", "550 ", "550 ", "421 4.7.0 ")
	p.expectEnd()
}

func TestServerNoLimit(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{MaxErrors: -1, MaxIdleCommands: -1, MaxRecipients: -1, MaxMessageBytes: -1}).greeted()
	for range 300 {
		p.say("BOGUS\r\nNOOP\r\n")
		p.expect("500 ", "250 ")
	}
	p.say("EHLO client.example.com\r\n")
	require.Contains(t, p.hear(), "\n250-SIZE 0\n")
	p.say("MAIL FROM:<> SIZE=99999999999999999999\r\n")
	p.expect("250 ")
	for range 1100 {
		p.say("RCPT TO:<bob@example.org>\r\n")
		p.expect("250 ")
	}
	p.say("DATA\r\n" + strings.Repeat("x", 11<<20) + "\r\n.\r\n")
	p.expect("354 ", "250 ")
}

func TestServerMaxRecipients(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.3.1.8-1", "rfc5321-4.5.3.1.8-3", "rfc5321-4.5.3.1.10-4", "rfc2920-3.2-7")
	for _, tt := range []struct{ set, want int }{{0, 1000}, {2, 2}} {
		s := newSite(t, &smtp.Server{MaxRecipients: tt.set})
		p := s.greeted()
		p.say("MAIL FROM:<>\r\n")
		p.expect("250 ")
		for range tt.want {
			p.say("RCPT TO:<bob@example.org>\r\n")
			p.expect("250 2.1.5 ")
		}
		// RFC 5321 section 4.5.3.1.10: those beyond the limit are put off, the others stay.
		for range 20 {
			if p.say("RCPT TO:<bob@example.org>\r\n"); tt.want == 2 {
				break
			}
			p.expect("452 4.5.3 too many recipients")
		}
		if tt.want == 2 {
			p.expect("452 4.5.3 ")
		}
		p.say("DATA\r\n.\r\n")
		p.expect("354 ", "250 ")
		require.Len(t, s.letters()[0].tx.Envelope.To, tt.want)
	}
}

// TestServerMaxRecipientDomains: the domains that a session has had recipients in are
// counted, and those of recipients that were refused are not: RFC 9422 section 4.3.
func TestServerMaxRecipientDomains(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{
		MaxRecipientDomains: 2, XclientFrom: fromProxy,
		Local: func(_ context.Context, to smtp.Address) bool { return to.Domain() != "elsewhere.example" },
	})
	p := s.dial()
	p.expect("220 ")
	require.Equal(t, "MAILMAX=100000 RCPTMAX=1000 RCPTDOMAINMAX=2", p.hello()["LIMITS"])
	p.say("MAIL FROM:<>\r\nRCPT TO:<bob@a.example>\r\nRCPT TO:<bob@elsewhere.example>\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<bob@B.example>\r\n")
	p.expect("250 ", "250 ", "550 ", "250 ", "250 ")
	p.say("RCPT TO:<bob@c.example>\r\nRCPT TO:<carol@b.EXAMPLE>\r\nDATA\r\n.\r\n")
	p.expect("452 4.5.3 ", "250 ", "354 ", "250 ")
	require.Len(t, s.letters()[0].tx.Envelope.To, 4)
	p.say("MAIL FROM:<>\r\nRCPT TO:<bob@c.example>\r\nRCPT TO:<bob@A.example>\r\nRSET\r\n")
	p.expect("250 ", "452 ", "250 ", "250 ")
	// Behind XCLIENT it is another client's session.
	p.say("XCLIENT ADDR=198.51.100.7\r\nEHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<bob@c.example>\r\n")
	p.expect("220 ", "250-", "250 ", "250 ")
}

// TestServerRecipientFlood: recipients that are put off for ever are a flood.
func TestServerRecipientFlood(t *testing.T) {
	t.Parallel()
	p := newSite(t, &smtp.Server{MaxRecipients: 5, Hooks: smtp.Hooks{
		Recipient: func(context.Context, *smtp.Transaction, smtp.Recipient) error { return errors.New("later") },
	}}).greeted()
	p.say("MAIL FROM:<>\r\n")
	p.expect("250 ")
	for range 20 {
		p.say("RCPT TO:<bob@example.org>\r\n")
		p.expect("451 ")
	}
	p.say("RCPT TO:<bob@example.org>\r\n")
	p.expect("421 4.7.0 ")
	p.expectEnd()
}

func TestServerMaxIdleCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ set, want int }{{0, 100}, {5, 5}} {
		for _, command := range []string{"NOOP", "RSET", "VRFY bob", "HELP", "EHLO client.example.com"} {
			p := newSite(t, &smtp.Server{MaxIdleCommands: tt.set}).greeted() // which is one
			for range tt.want - 1 {
				p.say(command + "\r\n")
				p.expect("2")
			}
			p.say(command + "\r\n")
			require.Contains(t, p.hear(), "too many commands without a message")
			p.expectEnd()
		}
	}
	// DATA that a hook puts off is one, too, and no error.
	p := newSite(t, &smtp.Server{MaxErrors: 2, MaxIdleCommands: 5, Hooks: smtp.Hooks{
		Data: func(context.Context, *smtp.Transaction) error { return smtp.Defer("later") },
	}}).inMail() // which has two
	p.say("DATA\r\nDATA\r\nDATA\r\nDATA\r\n")
	p.expect("451 4.7.1 later", "451 4.7.1 later", "451 4.7.1 later", "421 4.7.0 too many commands without a message")
	p.expectEnd()
	// A message starts the count anew.
	p = newSite(t, &smtp.Server{MaxIdleCommands: 3}).greeted()
	for range 10 {
		p.say("NOOP\r\nMAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n.\r\n")
		p.expect("250 ", "250 ", "250 ", "354 ", "250 ")
	}
}

func TestServerMaxAuthFailures(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4954-6-1", "rfc4954-9-2")
	for _, tt := range []struct{ set, want int }{{0, 5}, {2, 2}} {
		p := newSite(t, &smtp.Server{MaxAuthFailures: tt.set, ErrorDelay: -1, Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}}).greeted()
		for range tt.want - 1 {
			p.say("AUTH PLAIN AHRpbQBndWVzcw==\r\n")
			p.expect("535 5.7.8 ")
		}
		p.say("AUTH PLAIN AHRpbQBndWVzcw==\r\n")
		p.expect("421 4.7.0 too many failed authentications")
		p.expectEnd()
	}
}

func TestServerMaxMessageBytes(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.5.3.1.7-1", "rfc5321-4.5.3.1.7-2", "rfc1870-6.3-1")
	for _, tt := range []struct{ set, want int64 }{{0, 10 << 20}, {1000, 1000}} {
		s := newSite(t, &smtp.Server{MaxMessageBytes: tt.set})
		p := s.greeted()
		p.say(fmt.Sprintf("EHLO client.example.com\r\nMAIL FROM:<> SIZE=%d\r\nMAIL FROM:<> SIZE=%d\r\n", tt.want+1, tt.want))
		require.Contains(t, p.hear(), fmt.Sprintf("\n250-SIZE %d\n", tt.want))
		p.expect("552 5.3.4 ", "250 ")
		p.say("RCPT TO:<bob@example.org>\r\nDATA\r\n" + strings.Repeat("x", int(tt.want)-2) + "\r\n.\r\n")
		p.expect("250 ", "354 ", "250 ")
		p.say("MAIL FROM:<>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" + strings.Repeat("x", int(tt.want)-1) + "\r\n.\r\n")
		p.expect("250 ", "250 ", "354 ", "552 5.3.4 ")
		require.Len(t, s.letters(), 1)
	}
}

// TestServerMessageSizeIsNoEnd: what SIZE declares does not say where the message ends.
func TestServerMessageSizeIsNoEnd(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1870-6-3")
	s := newSite(t, &smtp.Server{})
	p := s.greeted()
	for _, body := range []string{"more than five\r\n", "x\r\n"} {
		p.say("MAIL FROM:<> SIZE=5\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n" + body + ".\r\n")
		p.expect("250 ", "250 ", "354 ", "250 ")
		require.Contains(t, s.bodies(), body)
	}
}

func TestServerMaxConns(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{MaxConns: 2})
	a, b, c := s.dial(), s.dial(), s.dial()
	a.expect("220 ")
	b.expect("220 ")
	c.expect("421 4.3.2 too many connections")
	c.expectEnd()
}

func TestServerMaxConnsPerAddr(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{MaxConnsPerAddr: 1})
	s.dial().expect("220 ")
	s.dial().expect("421 4.3.2 too many connections")
	nc, err := s.ln.DialFrom("192.0.2.77:50000")
	require.NoError(t, err)
	greeting := make([]byte, 4)
	_, err = io.ReadFull(nc, greeting)
	require.NoError(t, err)
	require.Equal(t, "220 ", string(greeting))
	require.NoError(t, nc.Close())
}

// TestServerConnLimitsByDefault: zero is not endless.
func TestServerConnLimitsByDefault(t *testing.T) {
	t.Parallel()
	s := newSite(t, &smtp.Server{})
	for range 50 {
		s.dial().expect("220 ")
	}
	s.dial().expect("421 ")
	var open []net.Conn
	for i := range 950 {
		nc, err := s.ln.DialFrom(fmt.Sprintf("198.51.%d.%d:50000", i/200, i%200))
		require.NoError(t, err)
		_, err = io.ReadFull(nc, make([]byte, 4))
		require.NoError(t, err)
		open = append(open, nc)
	}
	nc, err := s.ln.DialFrom("203.0.113.1:50000")
	require.NoError(t, err)
	code := make([]byte, 4)
	_, err = io.ReadFull(nc, code)
	require.NoError(t, err)
	require.Equal(t, "421 ", string(code))
	for _, nc := range append(open, nc) {
		require.NoError(t, nc.Close())
	}
}

func TestServerLineLimits(t *testing.T) {
	t.Parallel()
	line := func(verb string, n int) string { // n octets with CRLF
		return verb + " " + strings.Repeat("x", n-len(verb)-3) + "\r\n"
	}
	srv := func() *smtp.Server {
		return &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}}
	}
	for _, tt := range []struct{ name, line, want string }{
		{"RFC 5321 section 4.5.3.1.4", line("NOOP", 512), "250 "},
		{"longest", line("NOOP", 2048), "250 "},
		{"too long", line("NOOP", 2049), "500 5.5.2 line too long"},
		{"much too long", line("NOOP", 30000), "500 5.5.2 line too long"},
		{"AUTH, longest", line("AUTH PLAIN", 12290), "501 5.5.2 "},
		{"AUTH, too long", line("AUTH PLAIN", 12291), "500 5.5.2 line too long"},
		{"AUTH answer, longest", "AUTH PLAIN\r\n" + strings.Repeat("x", 12288) + "\r\n", "501 5.5.2 "},
		{"AUTH answer, too long", "AUTH PLAIN\r\n" + strings.Repeat("x", 12289) + "\r\n", "500 5.5.6 line too long"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "RFC 5321 section 4.5.3.1.4":
				rfc.Covers(t, "rfc5321-4.5.3.1.4-1")
			case "AUTH answer, too long":
				rfc.Covers(t, "rfc4954-4-16", "rfc4954-6-8")
			}
			p := newSite(t, srv()).greeted()
			_, _ = io.WriteString(p, tt.line)
			if strings.HasPrefix(tt.line, "AUTH PLAIN\r\n") {
				p.expect("334 ")
			}
			p.expect(tt.want)
			if strings.HasPrefix(tt.want, "500") {
				p.expectEnd()
			}
		})
	}
	// Without AUTH on offer nobody may send more than a command needs.
	p := newSite(t, &smtp.Server{}).greeted()
	p.say(strings.Repeat("x", 2048))
	p.expect("500 5.5.2 line too long")
	p.expectEnd()
}

// TestServerTimeouts: every wait ends, at the default and at another limit.
func TestServerTimeouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		srv    *smtp.Server
		begin  func(*site) *peer
		during string // sent over and over, a second apart
		want   string
		after  time.Duration
	}{
		{"greeted", &smtp.Server{}, (*site).greeted, "", "421 4.4.2 timeout", 5 * time.Minute},
		{"greeted, shorter", &smtp.Server{Timeout: time.Minute}, (*site).greeted, "", "421 4.4.2 timeout", time.Minute},
		{"command dripped", &smtp.Server{}, (*site).greeted, "x", "421 4.4.2 timeout", 5 * time.Minute},
		{"transaction", &smtp.Server{}, (*site).inMail, "", "421 4.4.2 timeout", 5 * time.Minute},
		{"message stalled", &smtp.Server{}, (*site).inData, "", "421 4.4.2 timeout", 5 * time.Minute},
		{"message stalled, shorter", &smtp.Server{DataTimeout: 10 * time.Second}, (*site).inData, "", "421 4.4.2 timeout", 10 * time.Second},
		{"message dripped", &smtp.Server{}, (*site).inData, "x", "421 4.4.2 timeout", 310 * time.Second},
		{"message dripped, higher rate", &smtp.Server{DataTimeout: 10 * time.Second, MinRate: 2}, (*site).inData, "x", "421 4.4.2 timeout", 20 * time.Second},
		{"refused chunk stalled", &smtp.Server{}, func(s *site) *peer {
			p := s.greeted()
			p.say("BDAT 10 LAST\r\ntext")
			return p
		}, "", "421 4.4.2 timeout", 5 * time.Minute},
		{"authentication", &smtp.Server{Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}}, func(s *site) *peer {
			p := s.greeted()
			p.say("AUTH LOGIN\r\n")
			p.expect("334 ")
			return p
		}, "", "421 4.4.2 timeout", 5 * time.Minute},
		{"handshake", withTLS(t, &smtp.Server{}), func(s *site) *peer {
			p := s.greeted()
			p.say("STARTTLS\r\n")
			p.expect("220 ")
			return p
		}, "", "", 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "greeted" {
				rfc.Covers(t, "rfc5321-4.5.3.2.7-1", "rfc5321-4.5.3.2.7-2")
			}
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, tt.srv)
				p := tt.begin(s)
				begin := time.Now()
				stopped := make(chan struct{})
				if tt.during == "" {
					close(stopped)
				} else {
					go func() {
						defer close(stopped)
						for {
							if _, err := io.WriteString(p, tt.during); err != nil {
								return
							}
							time.Sleep(time.Second)
						}
					}()
				}
				require.NoError(t, p.SetReadDeadline(time.Now().Add(time.Hour)))
				line, _ := p.r.ReadString('\n')
				require.Equal(t, tt.want, strings.TrimSuffix(line, "\r\n"))
				took := time.Since(begin)
				require.GreaterOrEqual(t, took, tt.after*9/10)
				require.LessOrEqual(t, took, tt.after*11/10)
				_ = p.Close()
				<-stopped
				require.Empty(t, s.letters())
			})
		})
	}
}

// TestServerSlowMessage: a message that comes slowly and steadily is taken.
func TestServerSlowMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, &smtp.Server{})
		p := s.inData()
		for range 60 {
			time.Sleep(time.Minute)
			p.say(strings.Repeat("x", 6100) + "\r\n")
		}
		p.say(".\r\n")
		p.expect("250 2.0.0 ")
		require.Len(t, s.letters(), 1)
	})
}

// TestServerNotServed: a server that cannot do its work says so at once.
func TestServerNotServed(t *testing.T) {
	t.Parallel()
	h := smtp.HandlerFunc(func(context.Context, *smtp.Transaction) error { return nil })
	for want, srv := range map[string]*smtp.Server{
		"smtp: server without a Handler":                                     {Hostname: "mx.example.org"},
		"smtp: Hostname is neither a domain nor an address literal":          {Hostname: "mx\r\nX: y", Handler: h},
		"smtp: RequireTLS without a TLSConfig":                               {Hostname: "mx.example.org", Handler: h, RequireTLS: true},
		`smtp: server cannot speak "POP3"`:                                   {Hostname: "mx.example.org", Handler: h, Protocol: auth.POP3},
		"smtp: listen tcp: address nowhere.invalid: missing port in address": {Hostname: "mx.example.org", Handler: h, Addr: "nowhere.invalid"},
	} {
		require.EqualError(t, srv.ListenAndServe(), want)
	}
	secure := withTLS(t, &smtp.Server{Hostname: "mx.example.org", Handler: h, Addr: "nowhere.invalid"})
	require.EqualError(t, secure.ListenAndServeTLS(), "smtp: listen tcp: address nowhere.invalid: missing port in address")
	require.EqualError(t, (&smtp.Server{Hostname: "mx.example.org"}).Serve(testnet.NewListener()), "smtp: server without a Handler")
	failing := &smtp.Server{Hostname: "mx.example.org", Handler: h}
	require.ErrorIs(t, failing.Serve(failingListener{testnet.NewListener()}), errAccept)
	ln := testnet.NewListener()
	require.EqualError(t, (&smtp.Server{Handler: h}).ServeTLS(ln), "smtp: ServeTLS without a TLSConfig")
	_, err := ln.Dial(context.Background())
	require.Error(t, err, "the listener is left open")
}

// failingListener cannot take a connection, for good.
type failingListener struct{ net.Listener }

var errAccept = errors.New("the network is gone")

func (failingListener) Accept() (net.Conn, error) { return nil, errAccept }
