package smtp

import (
	"bytes"
	"crypto/tls"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
)

// everything is what a server may offer.
var everything = []string{
	"PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME", "SMTPUTF8", "SIZE", "DSN", "AUTH PLAIN", "RRVS", "MT-PRIORITY",
	"DELIVERBY 60", "FUTURERELEASE 3600 2030-01-01T00:00:00Z", "X-OWN", "LIMITS RCPTMAX=3",
}

// bubble is when time begins in a bubble.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// without is everything but one extension.
func without(keyword string) (offers []string) {
	for _, offer := range everything {
		if name, _, _ := strings.Cut(offer, " "); name != keyword {
			offers = append(offers, offer)
		}
	}
	return offers
}

// sent sends a message to a server that offers some extensions and returns the
// commands, without RSET, or the error that came before any.
func sent(t *testing.T, env Envelope, body io.Reader, offers []string) (commands []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var c *Client
		var s *sink
		c, s = sinking(t, ClientConfig{}, offers...)
		_, err = c.Send(t.Context(), env, body)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		commands = s.lines[1 : len(s.lines)-1]
		if err != nil {
			failure := new(SendError)
			require.ErrorAs(t, err, &failure)
			require.Equal(t, StepCheck, failure.Step)
			require.Empty(t, commands)
			require.False(t, SafeToRetry(err))
		}
	})
	return commands, err
}

// What an envelope or a message needs is asked for if the server offers it, and
// else is an error before anything is sent: nothing is left out in silence.
func TestClientSend_Needs(t *testing.T) {
	t.Parallel()
	year2027 := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	plain := "Subject: x\r\n\r\nplain\r\n"
	for name, tt := range map[string]struct {
		keyword string
		change  func(*Envelope)
		body    string
		want    string // in MAIL or RCPT
		covers  []string
	}{
		"RET":           {"DSN", func(e *Envelope) { e.Return = ReturnHeaders }, plain, " RET=HDRS", nil},
		"ENVID":         {"DSN", func(e *Envelope) { e.ID = NewEnvelopeID("a+b") }, plain, " ENVID=a+2Bb", nil},
		"NOTIFY":        {"DSN", func(e *Envelope) { e.To[1].Notify = NotifyNever }, plain, " NOTIFY=NEVER", nil},
		"ORCPT":         {"DSN", func(e *Envelope) { e.To[1].Original = NewOriginalRecipient(e.To[0].Address) }, plain, " ORCPT=rfc822;b@example.org", nil},
		"AUTH":          {"AUTH", func(e *Envelope) { e.HasAuth = true }, plain, " AUTH=<>", nil},
		"RRVS":          {"RRVS", func(e *Envelope) { e.To[0].ValidSince = year2027 }, plain, " RRVS=2027-01-01T00:00:00Z", []string{"rfc7293-5.1.1-2"}},
		"MT-PRIORITY":   {"MT-PRIORITY", func(e *Envelope) { e.Priority = -3 }, plain, " MT-PRIORITY=-3", nil},
		"BY":            {"DELIVERBY", func(e *Envelope) { e.DeliverBy = DeliverBy{bubble.Add(time.Hour), ByReturn, true} }, plain, " BY=3600;RT", []string{"rfc2852-4.1.4.1-1"}},
		"HOLDFOR":       {"FUTURERELEASE", func(e *Envelope) { e.HoldFor = time.Minute }, plain, " HOLDFOR=60", []string{"rfc4865-4.1-1"}},
		"HOLDUNTIL":     {"FUTURERELEASE", func(e *Envelope) { e.HoldUntil = year2027 }, plain, " HOLDUNTIL=2027-01-01T00:00:00Z", nil},
		"own of MAIL":   {"X-OWN", func(e *Envelope) { e.Params = []Param{{Keyword: "x-own", Value: "1"}} }, plain, " x-own=1", nil},
		"own of RCPT":   {"X-OWN", func(e *Envelope) { e.To[0].Params = []Param{{Keyword: "X-OWN"}} }, plain, " X-OWN", nil},
		"8-bit":         {"8BITMIME", func(*Envelope) {}, "\r\n\xff\r\n", " BODY=8BITMIME", nil},
		"UTF-8 header":  {"SMTPUTF8", func(*Envelope) {}, "Subject: gr\xc3\xbcn\r\n\r\nx\r\n", " SMTPUTF8", []string{"rfc6531-3.4-1", "rfc6531-3.5-1"}},
		"UTF-8 address": {"SMTPUTF8", func(e *Envelope) { e.To[1].Address = address(t, "ü@example.org") }, plain, " SMTPUTF8", []string{"rfc6531-3.2-4"}},
		"UTF-8 asked":   {"SMTPUTF8", func(e *Envelope) { e.UTF8 = true }, plain, " SMTPUTF8", nil},
		"binary":        {"BINARYMIME", func(e *Envelope) { e.Body = BodyBinaryMIME }, "\x00\r\r\n\n", " BODY=BINARYMIME", []string{"rfc3030-3-7", "rfc3030-3-8"}},
		"chunks":        {"CHUNKING", func(e *Envelope) { e.Body = BodyBinaryMIME }, "\r", " BODY=BINARYMIME", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.covers != nil {
				rfc.Covers(t, tt.covers...)
			}
			env := envelope(t, "b", "c")
			tt.change(&env)
			commands, err := sent(t, env, strings.NewReader(tt.body), everything)
			require.NoError(t, err)
			require.Contains(t, strings.Join(commands[:3], "\n"), tt.want)
			require.Len(t, commands, 4)

			_, err = sent(t, env, strings.NewReader(tt.body), without(tt.keyword))
			missing := new(ExtensionError)
			require.ErrorAs(t, err, &missing)
			require.Equal(t, tt.keyword, strings.ToUpper(missing.Keyword))
		})
	}
}

// What is not needed is not asked for.
func TestClientSend_NeedsNothing(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6531-3.4-3")
	for name, tt := range map[string]struct {
		kind Body
		body string
		want string
	}{
		"plain":                    {BodyUnspecified, "Subject: x\r\n\r\nx\r\n", " SIZE=17"},
		"declared 8-bit":           {Body8BitMIME, "x\r\n", " SIZE=3"},
		"declared binary":          {BodyBinaryMIME, "x\r\n", " SIZE=3"},
		"declared binary, no end":  {BodyBinaryMIME, "x", " SIZE=1 BODY=BINARYMIME"},
		"8-bit, no UTF-8 header":   {BodyUnspecified, "Subject: gr\xfcn\r\n\r\nx\r\n", " SIZE=20 BODY=8BITMIME"},
		"8-bit declared binary":    {BodyBinaryMIME, "\r\n\xff\r\n", " SIZE=5 BODY=8BITMIME"},
		"really binary, no end":    {BodyBinaryMIME, "a\x00b", " SIZE=3 BODY=BINARYMIME"},
		"a long line in binary":    {BodyBinaryMIME, strings.Repeat("x", 2000), " SIZE=2000 BODY=BINARYMIME"},
		"a long line declared not": {BodyUnspecified, strings.Repeat("x", 998), " SIZE=1000"},
	} {
		env := envelope(t, "b")
		env.Body = tt.kind
		commands, err := sent(t, env, strings.NewReader(tt.body), everything)
		require.NoError(t, err, name)
		require.Equal(t, "MAIL FROM:<a@example.org>"+tt.want, commands[0], name)
	}
	// Where octets cannot be sent, text is better than nothing.
	env := envelope(t, "b")
	env.Body = BodyBinaryMIME
	commands, err := sent(t, env, strings.NewReader("x"), without("BINARYMIME"))
	require.NoError(t, err)
	require.Equal(t, "MAIL FROM:<a@example.org> SIZE=3", commands[0])
	// A sender who says so may be sent on without RRVS.
	env = envelope(t, "b")
	env.To[0].ValidSince, env.To[0].NoSupport = time.Unix(1_700_000_000, 0), NoSupportContinue
	commands, err = sent(t, env, strings.NewReader("x\r\n"), without("RRVS"))
	require.NoError(t, err)
	require.Equal(t, "RCPT TO:<b@example.org>", commands[1])
}

// What the server has said it will not do is not asked of it.
func TestClientSend_ServerLimits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		keyword string
		change  func(*Envelope)
		covers  []string
	}{
		"recipients":       {"RCPTMAX", func(e *Envelope) { e.To = append(e.To, e.To[0], e.To[0], e.To[0]) }, nil},
		"delivered sooner": {"DELIVERBY", func(e *Envelope) { e.DeliverBy = DeliverBy{bubble.Add(30 * time.Second), ByReturn, false} }, []string{"rfc2852-4.1.4.1-2"}},
		"held longer":      {"FUTURERELEASE", func(e *Envelope) { e.HoldFor = 2 * time.Hour }, []string{"rfc4865-4.1-3"}},
		"held until later": {"FUTURERELEASE", func(e *Envelope) { e.HoldUntil = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }, []string{"rfc4865-4.1-4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.covers != nil {
				rfc.Covers(t, tt.covers...)
			}
			env := envelope(t, "b")
			tt.change(&env)
			_, err := sent(t, env, strings.NewReader("x\r\n"), everything)
			limit := new(LimitError)
			require.ErrorAs(t, err, &limit)
			require.Equal(t, tt.keyword, limit.Keyword)
		})
	}
	t.Run("a line", func(t *testing.T) {
		t.Parallel()
		env := envelope(t, "b")
		_, err := sent(t, env, strings.NewReader(strings.Repeat("x", 999)), everything)
		tooLong := new(LineLengthError)
		require.ErrorAs(t, err, &tooLong)
	})
	t.Run("another server, other limits", func(t *testing.T) {
		t.Parallel()
		rfc.Covers(t, "rfc9422-3.8-1")
		env := envelope(t, "b", "c", "d", "e")
		for limit, ok := range map[string]bool{"RCPTMAX=3": false, "RCPTMAX=4": true, "MAILMAX=1": true} {
			_, err := sent(t, env, strings.NewReader("x\r\n"), []string{"LIMITS " + limit})
			require.Equal(t, ok, err == nil, limit)
		}
	})
}

// A message that is to be held beyond its time of delivery could never be delivered.
func TestClientSend_HeldBeyondDelivery(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4865-5.2.1-1")
	for _, tt := range []struct {
		hold   time.Duration
		until  time.Time
		by     time.Duration
		refuse bool
	}{
		{hold: time.Minute, by: 2 * time.Minute},
		{hold: 2 * time.Minute, by: time.Minute, refuse: true},
		{hold: time.Minute, by: time.Minute, refuse: true},
		{until: bubble.Add(time.Hour), by: 2 * time.Hour},
		{until: bubble.Add(2 * time.Hour), by: time.Hour, refuse: true},
	} {
		env := envelope(t, "b")
		env.HoldFor, env.HoldUntil, env.DeliverBy = tt.hold, tt.until, DeliverBy{Time: bubble.Add(tt.by), Mode: ByNotify}
		_, err := sent(t, env, strings.NewReader("x\r\n"), everything)
		require.Equal(t, tt.refuse, err != nil, "%+v", tt)
	}
}

// REQUIRETLS goes over TLS whose certificate was verified, to a server that offers
// it there, and else nowhere.
func TestClientSend_RequireTLS(t *testing.T) {
	t.Parallel()
	server, client := testnet.Cert(t)
	careless := client.Clone()
	careless.InsecureSkipVerify = true
	for _, tt := range []struct {
		name   string
		mode   TLSMode
		config *tls.Config
		offer  string
		covers string
		ok     bool
	}{
		{"verified", ImplicitTLS, client, "REQUIRETLS", "rfc8689-4.2.1-1", true},
		{"not offered", ImplicitTLS, client, "X-NONE", "rfc8689-2-5", false},
		{"not verified", ImplicitTLS, careless, "REQUIRETLS", "rfc8689-2-4", false},
		{"cleartext", InsecureNoTLS, nil, "REQUIRETLS", "rfc8689-2-2", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, tt.covers)
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				s := &sink{conn: far, offers: []string{"PIPELINING", tt.offer}}
				if tt.mode == ImplicitTLS {
					s.conn = tls.Server(far, server)
				}
				s.start()
				c, err := NewClient(t.Context(), near, "mx.example.org", &ClientConfig{TLS: tt.mode, TLSConfig: tt.config})
				require.NoError(t, err)
				env := envelope(t, "b")
				env.RequireTLS = true
				_, err = c.Send(t.Context(), env, strings.NewReader("x\r\n"))
				require.NoError(t, c.Quit(t.Context()))
				<-s.done
				if tt.ok {
					require.NoError(t, err)
					require.Equal(t, "MAIL FROM:<a@example.org> REQUIRETLS", s.lines[1])
					return
				}
				require.Error(t, err)
				require.False(t, SafeToRetry(err))
				require.Empty(t, s.messages)
				missing := new(ExtensionError)
				if tt.offer == "X-NONE" {
					require.ErrorAs(t, err, &missing)
				} else {
					require.ErrorIs(t, err, ErrRequireTLS)
				}
			})
		})
	}
}

// Parameters behind a keyword that has none do not matter, and replies may be UTF-8.
func TestClient_UTF8(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6531-3.1-2", "rfc6531-3.7.4.1-1", "rfc6531-3.7.4.2-2")
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		s := (&sink{conn: far, offers: []string{"PIPELINING", "SMTPUTF8 whatever", "8BITMIME"}, refuse: func(line string) string {
			switch {
			case strings.HasPrefix(line, "RCPT"):
				return "251 will forward to <jürgen@example.net>\r\n"
			case strings.HasPrefix(line, "VRFY"):
				return "250 <grün@example.org>\r\n"
			}
			return ""
		}}).start()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		env := envelope(t, "ü")
		result, err := c.Send(t.Context(), env, strings.NewReader("x\r\n"))
		checkResult(t, env, result, err, Accepted, "", 250)
		reply, err := c.Verify(t.Context(), "grün")
		require.NoError(t, err)
		require.Equal(t, []string{"<grün@example.org>"}, reply.Lines)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.Contains(t, s.lines, "VRFY grün SMTPUTF8")
	})
}

// VRFY and EXPN beyond ASCII need the extension, and the name in EHLO is ASCII.
func TestClient_UTF8NotOffered(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6531-3.7.4.2-1")
	synctest.Test(t, func(t *testing.T) {
		c, s := sinking(t, ClientConfig{})
		missing := new(ExtensionError)
		_, err := c.Verify(t.Context(), "grün")
		require.ErrorAs(t, err, &missing)
		_, err = c.Expand(t.Context(), "grün")
		require.ErrorAs(t, err, &missing)
		_, err = c.Dequeue(t.Context(), "example.org")
		require.ErrorAs(t, err, &missing)
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
		require.Len(t, s.lines, 2)
	})
}

func TestClient_HelloIsASCII(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc6531-3.7.1-1")
	near, far := testnet.Pipe()
	_, err := io.WriteString(far, "220 hi\r\n")
	require.NoError(t, err)
	_, err = NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Hello: "grün.example.org"})
	require.Error(t, err)
	wrote, _ := io.ReadAll(far)
	require.False(t, bytes.Contains(wrote, []byte("EHLO")))
}
