package smtp

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

func TestNewEnvelope(t *testing.T) {
	t.Parallel()
	env, err := NewEnvelope("alice@example.org", `"bob b"@example.net`, "grün@example.org")
	require.NoError(t, err)
	require.Equal(t, Envelope{
		From: address(t, "alice@example.org"),
		To:   []Recipient{{Address: address(t, `"bob b"@example.net`)}, {Address: address(t, "grün@example.org")}},
	}, env)
	env, err = NewEnvelope("alice@example.org")
	require.NoError(t, err)
	require.Empty(t, env.To, "which Send refuses")

	for _, bad := range []string{"", "bob", "<bob@example.org>", "bob@example.org>\r\nRCPT TO:<eve@example.org", "bob@example.org, eve@example.org"} {
		_, err := NewEnvelope(bad, "bob@example.org")
		require.ErrorIs(t, err, smtpwire.ErrAddress)
		_, err = NewEnvelope("alice@example.org", "bob@example.org", bad)
		require.ErrorIs(t, err, smtpwire.ErrAddress)
		require.ErrorContains(t, err, fmt.Sprintf("recipient %q", bad))
		require.NotRegexp(t, `[\x00-\x1f]`, err.Error())
	}
}

// TestEnvelopeWire: what an envelope asks for comes out at the other end of the wire.
func TestEnvelopeWire(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	sent := Envelope{
		From: address(t, "grün@example.org"), Body: Body8BitMIME, UTF8: true, RequireTLS: true,
		Auth: address(t, "e=mc2@example.org"), HasAuth: true, Return: ReturnHeaders, ID: NewEnvelopeID("a b"),
		DeliverBy: DeliverBy{now.Add(2 * time.Minute), ByReturn, true}, Priority: -3, HasPriority: true,
		HoldUntil: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Params: []Param{{Keyword: "X", Value: "y"}},
	}
	mail := sent.mailCommand(now)
	line, err := mail.Append(nil)
	require.NoError(t, err)
	require.Equal(t, "MAIL FROM:<grün@example.org> BODY=8BITMIME SMTPUTF8 REQUIRETLS AUTH=e+3Dmc2@example.org RET=HDRS ENVID=a+20b BY=120;RT "+
		"MT-PRIORITY=-3 HOLDUNTIL=2027-01-01T00:00:00Z X=y\r\n", string(line))
	var heard smtpwire.Mail
	require.NoError(t, heard.Parse(string(line[len("MAIL "):len(line)-2])))
	got := envelopeOf(&heard, now)
	require.Equal(t, sent, got)
	heard.Params[0].Keyword = "overwritten"
	require.Equal(t, sent, got)

	to := Recipient{
		Address: address(t, "bob@example.org"), Notify: NotifySuccess | NotifyDelay, Original: NewOriginalRecipient(address(t, "grün@example.org")),
		ValidSince: time.Date(2014, 4, 3, 23, 1, 0, 0, time.UTC), NoSupport: NoSupportContinue, Params: []Param{{Keyword: "X"}},
	}
	rcpt := to.rcptCommand(false)
	line, err = rcpt.Append(nil)
	require.NoError(t, err)
	require.Equal(t, `RCPT TO:<bob@example.org> NOTIFY=SUCCESS,DELAY ORCPT=utf-8;gr\x{FC}n@example.org RRVS=2014-04-03T23:01:00Z;C X`+"\r\n", string(line))
	var heardRcpt smtpwire.Rcpt
	require.NoError(t, heardRcpt.Parse(string(line[len("RCPT "):len(line)-2])))
	require.Equal(t, to, recipientOf(&heardRcpt))

	require.Equal(t, Envelope{}, envelopeOf(&smtpwire.Mail{Size: -1}, now))
	require.Equal(t, Recipient{}, recipientOf(&smtpwire.Rcpt{}))
	bare := Recipient{}
	require.Equal(t, smtpwire.Rcpt{}, bare.rcptCommand(false))
	require.Equal(t, smtpwire.Mail{Size: -1}, new(Envelope).mailCommand(now))
}

// TestEnvelopeTimes: times are rounded to the safe side, and what no parameter can state
// is refused.
func TestEnvelopeTimes(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4865-4.1-2")
	now := time.Date(2026, 11, 25, 22, 0, 0, 500, time.UTC)
	for _, tt := range []struct {
		name string
		env  Envelope
		want string // "": refused
	}{
		{"held a fraction longer", Envelope{HoldFor: time.Minute + 1}, "HOLDFOR=61"},
		{"held for a moment", Envelope{HoldFor: 1}, "HOLDFOR=1"},
		{"held for less than nothing", Envelope{HoldFor: -1}, ""},
		{"held forever", Envelope{HoldFor: math.MaxInt64}, ""},
		{"held until a fraction later", Envelope{HoldUntil: now}, "HOLDUNTIL=2026-11-25T22:00:01Z"},
		{"held until elsewhere", Envelope{HoldUntil: time.Date(2026, 11, 25, 22, 0, 0, 0, time.FixedZone("", 3600))}, "HOLDUNTIL=2026-11-25T21:00:00Z"},
		{"held until the year 10000", Envelope{HoldUntil: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		{"held twice", Envelope{HoldFor: time.Second, HoldUntil: now}, ""},
		{"delivered a fraction earlier", Envelope{DeliverBy: DeliverBy{Time: now.Add(1999 * time.Millisecond), Mode: ByReturn}}, "BY=1;R"},
		{"delivered late", Envelope{DeliverBy: DeliverBy{Time: now.Add(-time.Hour), Mode: ByNotify}}, "BY=-3600;N"},
		{"returned late", Envelope{DeliverBy: DeliverBy{Time: now, Mode: ByReturn}}, ""},
		{"delivered in a century", Envelope{DeliverBy: DeliverBy{Time: now.AddDate(500, 0, 0), Mode: ByReturn}}, "BY=999999999;R"},
		{"by no time", Envelope{DeliverBy: DeliverBy{Mode: ByNotify}}, ""},
		{"in no mode", Envelope{DeliverBy: DeliverBy{Time: now}}, ""},
		{"priority without saying so", Envelope{Priority: 4}, "MT-PRIORITY=4"},
		{"priority of none", Envelope{HasPriority: true}, "MT-PRIORITY=0"},
		{"submitter unknown", Envelope{HasAuth: true}, "AUTH=<>"},
		{"submitter without saying so", Envelope{Auth: address(t, "a@b")}, "AUTH=a@b"},
	} {
		mail := tt.env.mailCommand(now)
		line, err := mail.Append(nil)
		if tt.want == "" {
			require.Error(t, err, tt.name)
			continue
		}
		require.NoError(t, err, tt.name)
		require.Equal(t, "MAIL FROM:<> "+tt.want+"\r\n", string(line), tt.name)
	}
	require.Equal(t, time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), timeOf("2016-12-31t23:59:60z"))
	require.Zero(t, timeOf(""))
}

// TestRelayedExtensions: what other extensions brought goes on too.
func TestRelayedExtensions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 22, 0, 0, 0, time.UTC)
	relayed := func(t *testing.T, args string, later time.Duration) string {
		var mail smtpwire.Mail
		require.NoError(t, mail.Parse(args))
		env := envelopeOf(&mail, now)
		again := env.mailCommand(now.Add(later))
		line, err := again.Append(nil)
		require.NoError(t, err)
		return strings.TrimSuffix(strings.TrimPrefix(string(line), "MAIL "), "\r\n")
	}
	t.Run("the seconds that are left", func(t *testing.T) {
		rfc.Covers(t, "rfc2852-4.1.4-1")
		require.Equal(t, "FROM:<a@b> BY=98;RT", relayed(t, "FROM:<a@b> BY=120;RT", 22*time.Second))
		require.Equal(t, "FROM:<a@b> BY=-5;N", relayed(t, "FROM:<a@b> BY=5;N", 10*time.Second))
	})
	t.Run("the priority", func(t *testing.T) {
		rfc.Covers(t, "rfc6710-4.2-1", "rfc6710-5-2")
		for _, priority := range []string{"-9", "0", "9"} {
			require.Equal(t, "FROM:<a@b> MT-PRIORITY="+priority, relayed(t, "FROM:<a@b> MT-PRIORITY="+priority, 0))
		}
	})
	t.Run("since when the recipient is the same", func(t *testing.T) {
		rfc.Covers(t, "rfc7293-5.1.1-1", "rfc7293-5.1.1-3")
		for _, action := range []string{"", ";C", ";R"} {
			var rcpt smtpwire.Rcpt
			require.NoError(t, rcpt.Parse("TO:<a@b> RRVS=2014-04-03T23:01:00Z"+action))
			to := recipientOf(&rcpt)
			again := to.rcptCommand(false)
			line, err := again.Append(nil)
			require.NoError(t, err)
			require.Equal(t, "RCPT TO:<a@b> RRVS=2014-04-03T23:01:00Z"+action+"\r\n", string(line))
		}
	})
}

// TestRelayedDSN: what a message came with is what it is passed on with, to the letter:
// RFC 3461 section 5.2.1.
func TestRelayedDSN(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, mail, rcpt string
		ids              []string
	}{
		{
			"of the message", "FROM:<a@b> RET=HDRS ENVID=+51Q3+20", "TO:<c@d>",
			[]string{"rfc3461-5.2.1-1", "rfc3461-5.2.1-3", "rfc3461-5.2.1-6"},
		},
		{
			"of the recipient", "FROM:<a@b>", "TO:<c@d> NOTIFY=SUCCESS,FAILURE ORCPT=RFC822;+44ana@Ivory.EDU",
			[]string{"rfc3461-5.2.1-2", "rfc3461-5.2.1-4", "rfc3461-5.2.1-5", "rfc3461-5.2.1-7", "rfc3461-5.2.1-8"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.ids...)
			var mail smtpwire.Mail
			require.NoError(t, mail.Parse(tt.mail))
			env := envelopeOf(&mail, time.Now())
			relayed := env.mailCommand(time.Now())
			line, err := relayed.Append(nil)
			require.NoError(t, err)
			require.Equal(t, "MAIL "+tt.mail+"\r\n", string(line))
			var rcpt smtpwire.Rcpt
			require.NoError(t, rcpt.Parse(tt.rcpt))
			to := recipientOf(&rcpt)
			relayedRcpt := to.rcptCommand(false)
			line, err = relayedRcpt.Append(nil)
			require.NoError(t, err)
			require.Equal(t, "RCPT "+tt.rcpt+"\r\n", string(line))
		})
	}
}
