package smtp_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// everything offers all there is.
var everything = smtp.Offers{
	SMTPUTF8: true, DSN: true, DeliverBy: true, MinDeliverBy: 30 * time.Second, Priority: true, PriorityProfile: "MIXER",
	RequireTLS: true, RRVS: true,
}

// TestServerExtensionDialogues plays the examples of the extensions that a server must be
// told to offer.
func TestServerExtensionDialogues(t *testing.T) {
	t.Parallel()
	anybody := func(context.Context, smtp.Address) bool { return true }
	nobody := func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
		if to.Address.Local() == "nobody" {
			return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user here"}
		}
		return nil
	}
	submission := &auth.Server{Passwords: passwords, InsecureAllowCleartext: true}
	for _, tt := range []struct {
		file string
		srv  func(t *testing.T) *smtp.Server
	}{
		{"rfc3461", func(*testing.T) *smtp.Server {
			return &smtp.Server{Hostname: "Example.ORG", Local: anybody, Offer: smtp.Offers{DSN: true}, Hooks: smtp.Hooks{Recipient: nobody}}
		}},
		{"rfc6531", func(*testing.T) *smtp.Server {
			return &smtp.Server{Local: anybody, Offer: smtp.Offers{SMTPUTF8: true, DSN: true}, Hooks: smtp.Hooks{Verify: verify, Expand: expand}}
		}},
		{"rfc2852", func(*testing.T) *smtp.Server {
			return &smtp.Server{Hostname: "acme.net", Local: anybody, Offer: smtp.Offers{DeliverBy: true, MinDeliverBy: 30 * time.Second}}
		}},
		{"rfc6710", func(*testing.T) *smtp.Server {
			srv := &smtp.Server{Hostname: "example.com", Local: anybody, Auth: submission, Offer: smtp.Offers{DSN: true, DeliverBy: true, Priority: true}}
			srv.Hooks.Mail = func(_ context.Context, tx *smtp.Transaction) error {
				if tx.Envelope.From.Local() == "general" {
					tx.Envelope.Priority = 7
				}
				return nil
			}
			return srv
		}},
		{"rfc4865", func(*testing.T) *smtp.Server {
			return &smtp.Server{Protocol: auth.Submission, Auth: submission, Offer: smtp.Offers{DeliverBy: true, MaxHold: 24 * time.Hour}}
		}},
		{"rfc7293", func(*testing.T) *smtp.Server {
			srv := &smtp.Server{Hostname: "server.example.com", Local: anybody, Offer: smtp.Offers{RRVS: true}}
			srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
				if !to.ValidSince.IsZero() && to.ValidSince.Before(time.Date(2014, 5, 1, 0, 0, 0, 0, time.UTC)) {
					return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 7, 17}, Text: "receiver is no longer valid"}
				}
				return nil
			}
			return srv
		}},
		{"rfc8689", func(t *testing.T) *smtp.Server {
			return withTLS(t, &smtp.Server{Hostname: "mail.example.net", Local: anybody, Offer: smtp.Offers{RequireTLS: true}})
		}},
		{"rfc9422", func(*testing.T) *smtp.Server {
			return &smtp.Server{Hostname: "mail.example.com", MaxTransactions: 5, MaxRecipients: 20}
		}},
		{"rfc1985", func(*testing.T) *smtp.Server {
			srv := &smtp.Server{Hostname: "sigurd.innosoft.com"}
			srv.Hooks.StartQueue = func(_ context.Context, _ auth.ConnectionState, name smtp.QueueName) error {
				switch name.Node {
				case "uu.net":
					return &smtp.Error{Code: 458, Text: "unable to queue messages"}
				case "foo.bar":
					return &smtp.Error{Code: 459, Text: "not allowed"}
				}
				return nil
			}
			return srv
		}},
	} {
		for _, d := range transcript.Load(t, "testdata/server/"+tt.file+".txtar") {
			t.Run(tt.file+" "+d.Name, func(t *testing.T) {
				t.Parallel()
				coverComment(t, d.Comment)
				s := newSite(t, tt.srv(t))
				d.TLS = s.tls
				d.PlayClient(t, s.dial())
			})
		}
	}
}

// mailbox has the null path for an address if that does not parse, which no test expects.
func mailbox(name, address string) smtp.Mailbox {
	a, _ := smtp.ParseAddress(address)
	return smtp.Mailbox{Name: name, Address: a}
}

func verify(_ context.Context, _ auth.ConnectionState, text string) ([]smtp.Mailbox, error) {
	bob := mailbox("Böb", "bob@example.com")
	switch text {
	case "Grün":
		return []smtp.Mailbox{mailbox("Grün", "grün@bücher.example")}, nil
	case "Bob":
		return []smtp.Mailbox{bob}, nil
	case "B":
		return []smtp.Mailbox{bob, mailbox("Bill", "bill@example.com")}, nil
	case "nobody":
		return nil, &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "no such user here"}
	}
	return nil, nil
}

func expand(_ context.Context, _ auth.ConnectionState, list string) ([]smtp.Mailbox, error) {
	if list != "team" {
		return nil, nil
	}
	return []smtp.Mailbox{mailbox("Böb", "bob@example.com"), mailbox("Grün", "grün@bücher.example")}, nil
}

// hello returns what a server lists.
func (p *peer) hello() smtpwire.Extensions {
	p.say("EHLO client.example.com\r\n")
	return smtpwire.ParseEHLO(keywordLines(p.hear()))
}

// keywordLines takes codes and the first line off a reply to EHLO.
func keywordLines(reply string) (lines []string) {
	for line := range strings.SplitSeq(reply, "\n") {
		lines = append(lines, line[4:])
	}
	return lines[1:]
}

// TestServerOffers: what is listed is what was set, and where it may be.
func TestServerOffers(t *testing.T) {
	t.Parallel()
	optional := []string{"SMTPUTF8", "DSN", "DELIVERBY", "MT-PRIORITY", "FUTURERELEASE", "REQUIRETLS", "RRVS", "EXPN", "ETRN"}
	held := everything
	held.MaxHold = 24 * time.Hour
	for _, tt := range []struct {
		name string
		srv  *smtp.Server
		tls  bool
		want map[string]string
	}{
		{"none", &smtp.Server{}, false, map[string]string{}},
		{"all", &smtp.Server{Offer: everything}, false, map[string]string{"SMTPUTF8": "", "DSN": "", "DELIVERBY": "30", "MT-PRIORITY": "MIXER", "RRVS": ""}},
		{"REQUIRETLS", &smtp.Server{Offer: smtp.Offers{RequireTLS: true}}, true, map[string]string{"REQUIRETLS": ""}},
		{"no parameters", &smtp.Server{Offer: smtp.Offers{DeliverBy: true, Priority: true}}, false, map[string]string{"DELIVERBY": "", "MT-PRIORITY": ""}},
		{"EXPN and ETRN", &smtp.Server{Hooks: smtp.Hooks{Expand: expand, StartQueue: func(context.Context, auth.ConnectionState, smtp.QueueName) error { return nil }}}, false, map[string]string{"EXPN": "", "ETRN": ""}},
		{"submission", &smtp.Server{Protocol: auth.Submission, Offer: smtp.Offers{MaxHold: 24 * time.Hour}}, false, map[string]string{"FUTURERELEASE": "86400 "}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			switch tt.name {
			case "all":
				rfc.Covers(t, "rfc6531-3.1-1", "rfc6531-3.1-4")
			case "REQUIRETLS":
				rfc.Covers(t, "rfc8689-2-5")
			case "submission":
				rfc.Covers(t, "rfc4865-4.2-3")
			}
			s := newSite(t, withTLS(t, tt.srv))
			p := s.dial()
			p.expect("220 ")
			e := p.hello()
			require.Contains(t, e, "8BITMIME")
			if tt.tls {
				_, early := e["REQUIRETLS"]
				require.False(t, early)
				p.say("STARTTLS\r\n")
				p.expect("220 ")
				p.startTLS(s.tls)
				e = p.hello()
			}
			for _, keyword := range optional {
				got, ok := e[keyword]
				want, expected := tt.want[keyword]
				require.Equal(t, expected, ok, keyword)
				if keyword == "FUTURERELEASE" && ok {
					require.Contains(t, got, want)
					seconds, until, _ := e.FutureRelease()
					require.Equal(t, 86400, seconds)
					require.NotEmpty(t, until)
					continue
				}
				require.Equal(t, want, got, keyword)
			}
			require.Equal(t, smtpwire.Limits{MailMax: 100_000, RcptMax: 1000}, e.Limits())
		})
	}
	t.Run("no limits", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, &smtp.Server{MaxTransactions: -1, MaxRecipients: -1})
		p := s.dial()
		p.expect("220 ")
		_, ok := p.hello()["LIMITS"]
		require.False(t, ok)
	})
	for name, srv := range map[string]*smtp.Server{
		"held by an MX":           {Offer: held},
		"held for part of a time": {Protocol: auth.Submission, Offer: smtp.Offers{MaxHold: time.Second / 2}},
		"held for less":           {Protocol: auth.Submission, Offer: smtp.Offers{MaxHold: -time.Second}},
		"held for too long":       {Protocol: auth.Submission, Offer: smtp.Offers{MaxHold: 1e9 * time.Second}},
		"part of a delivery time": {Offer: smtp.Offers{MinDeliverBy: 1}},
		"profile":                 {Offer: smtp.Offers{PriorityProfile: "a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "held by an MX" {
				rfc.Covers(t, "rfc4865-4.2-2")
			}
			srv.Handler = smtp.HandlerFunc(nil)
			srv.Addr = "127.0.0.1:-1"
			require.ErrorContains(t, srv.ListenAndServe(), "smtp: ")
			require.NotContains(t, srv.ListenAndServe().Error(), "port")
		})
	}
}

// TestServerNothingOffered: no parameter is known that was not offered, and none behind
// HELO.
func TestServerNothingOffered(t *testing.T) {
	t.Parallel()
	mail := []string{"SMTPUTF8", "RET=FULL", "ENVID=a", "BY=120;R", "MT-PRIORITY=0", "HOLDFOR=5", "HOLDUNTIL=2026-11-25T00:00:00Z", "REQUIRETLS", "X=y"}
	rcpt := []string{"NOTIFY=NEVER", "ORCPT=rfc822;a@b", "RRVS=2014-04-03T23:01:00Z", "X"}
	for name, srv := range map[string]*smtp.Server{
		"EHLO": {MaxErrors: -1},
		"HELO": {MaxErrors: -1, Offer: everything},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, srv)
			p := s.dial()
			p.expect("220 ")
			p.say(name + " client.example.com\r\n")
			p.expect("250")
			for _, param := range mail {
				p.say("MAIL FROM:<a@b> " + param + "\r\n")
				p.expect("555 5.5.4 ")
			}
			p.say("VRFY bob SMTPUTF8\r\nVRFY b\u00f6b\r\nEXPN list\r\nETRN a.b\r\n")
			p.expect("504 5.5.4 ", "501 5.5.4 ", "502 5.5.1 ")
			if name == "EHLO" {
				p.expect("502 5.5.1 ")
			} else {
				p.expect("503 5.5.1 ")
			}
			p.say("MAIL FROM:<a@b>\r\n")
			p.expect("250 ")
			for _, param := range rcpt {
				p.say("RCPT TO:<bob@example.org> " + param + "\r\n")
				p.expect("555 5.5.4 ")
			}
		})
	}
}

// TestServerEnvelope: what was asked for reaches the hooks and the handler.
func TestServerEnvelope(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc8689-4.1-1", "rfc4954-5-6")
	for _, trust := range []bool{false, true} {
		srv := &smtp.Server{
			Offer: everything, Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
			TrustAuth: func(_ context.Context, cs auth.ConnectionState) bool {
				require.Equal(t, "tim", cs.Identity.User)
				return trust
			},
		}
		var hook smtp.Recipient
		srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
			hook = to
			return nil
		}
		s := newSite(t, withTLS(t, srv))
		p := s.dial()
		p.expect("220 ")
		p.hello()
		p.say("STARTTLS\r\n")
		p.expect("220 ")
		p.startTLS(s.tls)
		p.hello()
		p.say("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
		p.expect("235 ")
		before := time.Now()
		p.say("MAIL FROM:<gr\u00fcn@example.com> SMTPUTF8 REQUIRETLS RET=HDRS ENVID=a+20b BY=3600;NT MT-PRIORITY=4 AUTH=e+3Dmc2@example.com SIZE=10 BODY=8BITMIME\r\n")
		p.expect("250 2.1.0 ")
		p.say("RCPT TO:<b\u00f6b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;b\u00f6b@example.org RRVS=2014-04-03T23:01:00Z;C\r\nDATA\r\n.\r\n")
		p.expect("250 2.1.5 ", "354 ", "250 2.0.0 ")
		e := s.letters()[0].tx.Envelope
		require.WithinRange(t, e.DeliverBy.Time, before.Add(time.Hour), time.Now().Add(time.Hour))
		e.DeliverBy.Time = time.Time{}
		from, _ := smtp.ParseAddress("gr\u00fcn@example.com")
		to, _ := smtp.ParseAddress("b\u00f6b@example.org")
		submitter, _ := smtp.ParseAddress("e=mc2@example.com")
		if !trust {
			submitter = smtp.Address{}
		}
		want := smtp.Envelope{
			From: from, Size: 10, Body: smtp.Body8BitMIME, UTF8: true, RequireTLS: true, Auth: submitter, HasAuth: true,
			Return: smtp.ReturnHeaders, ID: "a+20b", DeliverBy: smtp.DeliverBy{Mode: smtp.ByNotify, Trace: true}, Priority: 4, HasPriority: true,
			To: []smtp.Recipient{{
				Address: to, Notify: smtp.NotifySuccess | smtp.NotifyDelay, Original: "utf-8;b\u00f6b@example.org",
				ValidSince: time.Date(2014, 4, 3, 23, 1, 0, 0, time.UTC), NoSupport: smtp.NoSupportContinue,
			}},
		}
		require.Equal(t, want, e)
		require.Equal(t, e.To[0], hook)
	}
}

// TestServerLongestCommands: a command with all the parameters there are, each as long as
// may be, is not too long.
func TestServerLongestCommands(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc3461-5.4-3", "rfc3461-5.4-4")
	local, domain := strings.Repeat("a", 64), strings.TrimRight(strings.Repeat(strings.Repeat("b", 63)+".", 3), ".")
	address := local + "@" + domain[:189]
	s := newSite(t, withTLS(t, &smtp.Server{
		Offer: everything, Local: func(context.Context, smtp.Address) bool { return true },
		Auth: &auth.Server{Passwords: passwords, InsecureAllowCleartext: true},
	}))
	p := s.dial()
	p.expect("220 ")
	p.hello()
	p.say("STARTTLS\r\n")
	p.expect("220 ")
	p.startTLS(s.tls)
	p.hello()
	encoded := ""
	for _, c := range []byte(address) {
		encoded += fmt.Sprintf("+%02X", c)
	}
	mail := "MAIL FROM:<" + address + "> SIZE=00000000000000001000 BODY=8BITMIME SMTPUTF8 REQUIRETLS AUTH=" + encoded +
		" RET=HDRS ENVID=" + strings.Repeat("x", 100) + " BY=+999999999;NT MT-PRIORITY=-9\r\n"
	rcpt := "RCPT TO:<" + address + "> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;" + strings.Repeat("x", 493) + " RRVS=2014-04-03T23:01:00+00:00;C\r\n"
	require.Greater(t, len(mail), 1036)
	p.say(mail + rcpt)
	p.expect("250 2.1.0 ", "250 2.1.5 ")
}

// TestServerHelp: HELP as the hook answers it.
func TestServerHelp(t *testing.T) {
	t.Parallel()
	srv := &smtp.Server{}
	srv.Hooks.Help = func(_ context.Context, _ auth.ConnectionState, topic string) string {
		switch topic {
		case "":
			return "first line\nsecond line\n"
		case "MAIL":
			return "begins a transaction"
		}
		return ""
	}
	p := newSite(t, srv).greeted()
	p.say("HELP\r\nHELP MAIL\r\nHELP X\r\nHELP \x01\r\n")
	p.expect("214-2.0.0 first line", "214 2.0.0 begins", "504 5.5.4 ", "501 5.5.4 ")
}

// TestServerASCII: what a program says reaches a peer in ASCII, however it is said, and a
// server's name is ASCII too.
func TestServerASCII(t *testing.T) {
	t.Parallel()
	t.Run("replies", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc6531-3.7.4.1-2", "rfc6531-3.7.4.1-3", "rfc6531-3.7.4.2-7")
		srv := &smtp.Server{Offer: everything}
		srv.Hooks.Recipient = func(_ context.Context, _ *smtp.Transaction, to smtp.Recipient) error {
			if to.Address.Local() == "moved" {
				return &smtp.Error{Code: 551, Enhanced: smtp.EnhancedCode{5, 1, 6}, Text: "try <gr\u00fcn@example.org>"}
			}
			return &smtp.Error{Code: 550, Enhanced: smtp.EnhancedCode{5, 1, 1}, Text: "gr\u00fcn"}
		}
		p := newSite(t, srv).greeted()
		p.say("MAIL FROM:<a@b>\r\nRCPT TO:<moved@example.org>\r\nRCPT TO:<bob@example.org>\r\n")
		p.expect("250 ", "550 5.1.6 recipient has moved", "550 5.1.1 gr??n")
	})
	t.Run("name", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc6531-3.7.1-2")
		srv := &smtp.Server{Hostname: "b\u00fccher.example", Handler: smtp.HandlerFunc(nil), Addr: "127.0.0.1:-1"}
		require.ErrorContains(t, srv.ListenAndServe(), "Hostname")
	})
}
