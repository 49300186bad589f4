package smtp

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

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/conn"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/transcript"
)

// limited expects a client that holds to that many recipients.
func limited(most int) func(*testing.T, *Client, error) {
	return func(t *testing.T, c *Client, err error) {
		require.NoError(t, err)
		require.Equal(t, most, c.extensions.Limits().RcptMax)
		leaves(t, c, nil)
	}
}

func TestClientSetup(t *testing.T) {
	t.Parallel()
	cleartext := ClientConfig{TLS: InsecureNoTLS}
	opportunistic := ClientConfig{TLS: InsecureOpportunisticTLS}
	play(t, "testdata/client_setup.txtar", noPrologue, map[string]scene{
		"extended": {cleartext, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.Equal(t, "mx.example.org ESMTP ready", c.Greeting())
			require.Equal(t, "mx.example.org", c.ConnectionState().Hello)
			_, ok := c.Extension("8BITMIME")
			require.True(t, ok)
			params, ok := c.Extension("x-own")
			require.True(t, ok)
			require.Equal(t, "a b  c", params)
			params, _ = c.Extension("SIZE")
			require.Equal(t, "1000000", params)
			_, ok = c.Extension("PIPELINING")
			require.False(t, ok)
			leaves(t, c, nil)
		}},
		"text missing": {cleartext, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.Empty(t, c.Greeting())
			require.NoError(t, c.Noop(t.Context()))
			leaves(t, c, nil)
		}},
		"old server":                  {cleartext, leaves},
		"old server, not implemented": {opportunistic, leaves},
		"EHLO refused":                {cleartext, refused(550, false)},
		"EHLO half refused": {cleartext, func(t *testing.T, c *Client, err error) {
			require.Nil(t, c)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.True(t, SafeToRetry(err))
		}},
		"EHLO stripped":                  {ClientConfig{}, refused(500, false)},
		"no service":                     {cleartext, refused(554, false)},
		"no service now":                 {cleartext, refused(421, true)},
		"other limits by TLS":            {ClientConfig{}, limited(5)},
		"no limits by TLS":               {ClientConfig{}, limited(0)},
		"STARTTLS not offered":           {ClientConfig{Auth: auth.InsecurePassword("tim", "secret")}, lacks("STARTTLS")},
		"STARTTLS refused":               {ClientConfig{}, refused(454, true)},
		"STARTTLS answered out of place": {opportunistic, outOfStep},
		"opportunistic, not offered":     {opportunistic, leaves},
		"opportunistic, refused":         {opportunistic, leaves},
		"STARTTLS": {ClientConfig{}, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.Empty(t, c.Greeting())
			_, ok := c.Extension("SIZE")
			require.False(t, ok, "SIZE was offered in cleartext only")
			_, ok = c.Extension("PIPELINING")
			require.True(t, ok)
			require.Equal(t, "mx.example.org", c.ConnectionState().Hello)
			require.NotNil(t, c.ConnectionState().TLS)
			require.NotEmpty(t, c.ConnectionState().TLS.VerifiedChains)
			leaves(t, c, nil)
		}},
		"STARTTLS with a reply injected": {opportunistic, func(t *testing.T, c *Client, err error) {
			require.Nil(t, c)
			require.ErrorIs(t, err, conn.ErrPlaintextBuffered)
		}},
		"opportunistic, TLS": {opportunistic, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.NotNil(t, c.ConnectionState().TLS)
			leaves(t, c, nil)
		}},
		"implicit TLS": {ClientConfig{TLS: ImplicitTLS}, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.NotNil(t, c.ConnectionState().TLS)
			require.Equal(t, "mx.example.org ready", c.Greeting())
			leaves(t, c, nil)
		}},
	})
}

// skeptic is not shown what it wants to see.
type skeptic struct{}

func (s skeptic) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return s, nil
}

func (skeptic) Start() (string, []byte, error) { return "X-PROOF", nil, nil }
func (skeptic) Next([]byte) ([]byte, error)    { return nil, sasl.ErrUnexpectedServerChallenge }
func (skeptic) Finish(error) error             { return auth.ErrServer }

func TestClientAuth(t *testing.T) {
	t.Parallel()
	const user, password = "tim", "tanstaaftanstaaf"
	tim := ClientConfig{TLS: ImplicitTLS, Auth: auth.Password(user, password)}
	cleartext, insecure := tim, tim
	cleartext.TLS, insecure.TLS = InsecureNoTLS, InsecureNoTLS
	insecure.Auth = auth.InsecurePassword(user, password)
	as := func(mechanism string) func(t *testing.T, c *Client, err error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.Equal(t, &auth.Identity{User: user, Name: user, Mechanism: mechanism}, c.ConnectionState().Identity)
			leaves(t, c, nil)
		}
	}
	malformed := func(t *testing.T, c *Client, err error) {
		require.Nil(t, c)
		var bad *auth.MalformedError
		require.ErrorAs(t, err, &bad)
	}
	is := func(target error) func(t *testing.T, c *Client, err error) {
		return func(t *testing.T, c *Client, err error) {
			require.Nil(t, c)
			require.ErrorIs(t, err, target)
			require.False(t, SafeToRetry(err))
		}
	}
	tokens := func(tokens ...string) ClientConfig {
		return ClientConfig{TLS: ImplicitTLS, Auth: auth.Token(user, func(context.Context, string) (string, error) {
			token := tokens[0]
			tokens = tokens[1:]
			return token, nil
		})}
	}
	cram := ClientConfig{TLS: ImplicitTLS, Auth: auth.PasswordCredentials{User: user, Password: password, Mechanisms: []string{"CRAM-MD5"}}}
	play(t, "testdata/client_auth.txtar", noPrologue, map[string]scene{
		"PLAIN": {tim, as("PLAIN")},
		"LOGIN": {tim, as("LOGIN")},
		"refused": {tim, func(t *testing.T, c *Client, err error) {
			refused(535, false)(t, c, err)
			require.ErrorIs(t, err, auth.ErrCredentials)
			require.EqualError(t, err, "smtp: AUTH: auth: credentials refused: smtp: 535 5.7.8 Authentication credentials invalid")
		}},
		"unavailable":              {tim, refused(454, true)},
		"not offered":              {tim, lacks("AUTH")},
		"nothing in common":        {tim, is(auth.ErrNoMechanism)},
		"in cleartext":             {cleartext, is(auth.ErrCleartext)},
		"in cleartext on demand":   {insecure, as("PLAIN")},
		"bad challenge":            {tim, malformed},
		"challenge of two lines":   {tim, outOfStep},
		"success after cancelling": {tim, outOfStep},
		"token renewed":            {tokens("old", "new"), as("OAUTHBEARER")},
		"token refused": {tokens("old", "old"), func(t *testing.T, c *Client, err error) {
			refused(535, false)(t, c, err)
			require.ErrorIs(t, err, auth.ErrCredentials)
			var told *auth.TokenError
			require.ErrorAs(t, err, &told)
			require.Equal(t, auth.TokenError{Status: "invalid_token", Scope: "mail"}, *told)
		}},
		"token refused, and let in": {tokens("old"), outOfStep},
		"CRAM-MD5":                  {cram, as("CRAM-MD5")},
		"success without a proof":   {ClientConfig{TLS: ImplicitTLS, Auth: skeptic{}}, outOfStep},
		"unexpected challenge": {tim, func(t *testing.T, c *Client, err error) {
			require.Nil(t, c)
			require.Error(t, err)
		}},
	})
}

// An initial response that makes the line of AUTH longer than 512 octets waits
// until it is asked for: RFC 4954 section 4.
func TestClientAuth_LongInitialResponse(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc4954-4-8")
	for _, n := range []int{200, 253, 254} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				user, password := strings.Repeat("u", n), strings.Repeat("p", 117)
				response := string(auth.AppendBase64(nil, []byte("\x00"+user+"\x00"+password)))
				script := "S: 220 hi\nC: EHLO client.example.org\nS: 250-mx\nS: 250 AUTH PLAIN\n"
				if len("AUTH PLAIN \r\n")+len(response) > 512 {
					script += "C: AUTH PLAIN\nS: 334 \nC: " + response + "\n"
				} else {
					script += "C: AUTH PLAIN " + response + "\n"
				}
				d, err := transcript.Parse([]byte(script + "S: 235 ok\nC: QUIT\nS: 221 bye\n"))
				require.NoError(t, err)
				go d.PlayServer(t, far)
				c, err := NewClient(t.Context(), near, "", &ClientConfig{
					TLS: InsecureNoTLS, Hello: "client.example.org", Auth: auth.InsecurePassword(user, password),
				})
				leaves(t, c, err)
			})
		})
	}
}

func TestClientSend(t *testing.T) {
	t.Parallel()
	cfg := ClientConfig{TLS: InsecureNoTLS}
	all := cfg
	all.RequireAllRecipients = true
	prologue := func(name string) string {
		switch {
		case name == "parameters":
			return greeted("PIPELINING", "8BITMIME", "SIZE 2000")
		case strings.HasPrefix(name, "step by step"):
			return greeted()
		case name == "one flight", name == "mailbox full":
			return greeted("PIPELINING", "ENHANCEDSTATUSCODES")
		}
		return greeted("PIPELINING")
	}
	// then sends another message, to d@example.org.
	then := func(t *testing.T, c *Client) {
		t.Helper()
		sends(t, c, Accepted, "", "d", 250)
	}
	// broken expects that nothing more can be sent.
	broken := func(t *testing.T, c *Client) {
		t.Helper()
		_, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader(""))
		require.ErrorIs(t, err, ErrBroken)
		require.True(t, SafeToRetry(err))
		require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
	}
	send := func(outcome Outcome, step Step, to string, after func(*testing.T, *Client), codes ...int) func(*testing.T, *Client, error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			sends(t, c, outcome, step, to, codes...)
			if after != nil {
				after(t, c)
			}
		}
	}
	quit := func(t *testing.T, c *Client) { leaves(t, c, nil) }
	breaks := func(step Step, outcome Outcome) func(t *testing.T, c *Client, err error) {
		return func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result, err := c.Send(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n"))
			var protocol *ProtocolError
			require.ErrorAs(t, err, &protocol)
			checkResult(t, envelope(t, "b"), result, err, outcome, step, 0)
			broken(t, c)
		}
	}
	play(t, "testdata/client_send.txtar", prologue, map[string]scene{
		"one flight": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			env := Envelope{From: address(t, "mrose@dbc.mtview.ca.us"), To: []Recipient{
				{Address: address(t, "ned@innosoft.com")}, {Address: address(t, "dan@innosoft.com")}, {Address: address(t, "kvc@innosoft.com")},
			}}
			result, err := c.Send(t.Context(), env, strings.NewReader("Subject: test\r\n\r\n.a dot"))
			checkResult(t, env, result, err, Accepted, "", 250, 250, 250)
			require.Equal(t, Reply{Code: 250, Enhanced: EnhancedCode{2, 0, 0}, Lines: []string{"queued as 4711"}}, result.Reply)
		}},
		"parameters": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			env := envelope(t, "b")
			for _, m := range []struct {
				from Address
				body io.Reader
				kind Body
				size int64
			}{
				{env.From, strings.NewReader("grüße\r\n"), BodyUnspecified, 0},
				{env.From, strings.NewReader("plain") /* and CRLF */, BodyUnspecified, 9999},
				{Address{}, strings.NewReader("plain\r\n"), Body7Bit, 0},
				{env.From, stream("a stream\r\n"), BodyUnspecified, 1234},
			} {
				env.From, env.Body, env.Size = m.from, m.kind, m.size
				if m.size == 1234 {
					env.To[0].Address = address(t, `"a b"@example.org`)
				}
				_, err := c.Send(t.Context(), env, m.body)
				require.NoError(t, err)
			}
		}},
		"empty body": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			_, err = c.Send(t.Context(), envelope(t, "b"), strings.NewReader(""))
			require.NoError(t, err)
		}},
		"some recipients refused": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result := sends(t, c, Accepted, StepRcpt, "b c d", 550, 250, 450)
			require.Equal(t, &Error{Code: 550, Text: "5.1.1 no such user,\n5.1.1 try another"}, result.Recipients[0].Err,
				"no enhanced codes where none are announced")
			require.False(t, result.Recipients[0].Temporary)
			require.True(t, result.Recipients[2].Temporary)
			require.Equal(t, []string{"2.0.0 queued"}, result.Reply.Lines)
		}},
		"all recipients refused":             {cfg, send(Refused, StepRcpt, "b c", then, 450, 550)},
		"all recipients refused, data begun": {cfg, send(Refused, StepRcpt, "b", then, 550)},
		"sender refused":                     {cfg, send(Refused, StepMail, "b c", then, 550, 550)},
		"sender refused, then silence":       {cfg, send(Refused, StepMail, "b", broken, 550)},
		"service ends amid the recipients":   {cfg, send(Refused, StepRcpt, "b c d", broken, 550, 421, 421)},
		"connection lost amid the recipients": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result := sends(t, c, Refused, StepRcpt, "b c", 0, 0)
			require.True(t, result.Recipients[0].Temporary && result.Recipients[1].Temporary)
			broken(t, c)
		}},
		"data refused": {cfg, send(Refused, StepData, "b", then, 452)},
		"message refused": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.False(t, sends(t, c, Refused, StepEnd, "b", 552).Recipients[0].Temporary)
			then(t, c)
		}},
		"texts that lie":                          {cfg, send(Accepted, StepRcpt, "b c", nil, 550, 250)},
		"codes unheard of":                        {cfg, send(Accepted, StepRcpt, "b c d", nil, 558, 457, 250)},
		"message refused by a server that leaves": {cfg, send(Refused, StepEnd, "b", broken, 421)},
		"answer lost":                             {cfg, send(Unknown, StepEnd, "b c", broken, 550, 0)},
		"answer out of place":                     {cfg, breaks(StepEnd, Unknown)},
		"step by step":                            {cfg, send(Accepted, StepRcpt, "b c", nil, 550, 250)},
		"step by step, sender refused":            {cfg, send(Refused, StepMail, "b", quit, 550)},
		"step by step, all recipients refused":    {cfg, send(Refused, StepRcpt, "b", then, 550)},
		"all or none, all accepted":               {all, send(Accepted, "", "b c", nil, 250, 250)},
		"RSET refused": {cfg, send(Refused, StepData, "b", func(t *testing.T, c *Client) {
			result := sends(t, c, Refused, StepMail, "d", 0)
			require.True(t, result.Recipients[0].Temporary, "another connection may do")
			broken(t, c)
		}, 451)},
		"answer before the data": {cfg, breaks(StepBody, Refused)},
		"354 to MAIL":            {cfg, breaks(StepMail, Refused)},
		"250 to DATA":            {cfg, breaks(StepData, Refused)},
		"350 to DATA":            {cfg, breaks(StepData, Refused)},
		"too many recipients": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.True(t, sends(t, c, Accepted, StepRcpt, "b c", 250, 552).Recipients[1].Temporary)
		}},
		"mailbox full": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result := sends(t, c, Accepted, StepRcpt, "b c", 250, 552)
			require.False(t, result.Recipients[1].Temporary)
			require.Equal(t, &Error{Code: 552, Enhanced: EnhancedCode{5, 2, 2}, Text: "mailbox full"}, result.Recipients[1].Err)
		}},
		"all or none, one refused": {all, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			result := sends(t, c, Refused, StepRcpt, "b c", 0, 550)
			require.True(t, result.Recipients[0].Temporary, "b is welcome alone")
			require.EqualError(t, result.Recipients[0].Err, "smtp: not sent, as another recipient was refused")
			require.NoError(t, c.Reset(t.Context()))
			leaves(t, c, nil)
		}},
		"a reply too many": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.NoError(t, c.Noop(t.Context()))
			var protocol *ProtocolError
			require.ErrorAs(t, c.Noop(t.Context()), &protocol)
			broken(t, c)
		}},
		"a notice of leave": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			require.NoError(t, c.Noop(t.Context()))
			refused(421, true)(t, nil, c.Noop(t.Context()))
			broken(t, c)
		}},
		"other commands": {cfg, func(t *testing.T, c *Client, err error) {
			require.NoError(t, err)
			reply, err := c.Verify(t.Context(), "Smith")
			require.NoError(t, err)
			require.Equal(t, Reply{Code: 250, Lines: []string{"Fred Smith <smith@example.org>"}}, reply)
			_, err = c.Verify(t.Context(), "Jones")
			refused(550, false)(t, nil, err)
			reply, err = c.Help(t.Context(), "")
			require.NoError(t, err)
			require.Equal(t, []string{"commands:", "all of them"}, reply.Lines)
			_, err = c.Help(t.Context(), "MAIL")
			refused(504, false)(t, nil, err)
			require.NoError(t, c.Reset(t.Context()))
			require.NoError(t, c.Noop(t.Context()))
			leaves(t, c, nil)
		}},
	})
}

// With NewClient, a context that has ended is not even tried.
func TestNewClient_ContextEnded(t *testing.T) {
	t.Parallel()
	near, far := pipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := NewClient(ctx, near, "mx.example.org", nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = far.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "the connection is closed")
}

func TestSafeToRetry(t *testing.T) {
	t.Parallel()
	safe := func(step Step, outcome Outcome, err error) bool {
		return SafeToRetry(fmt.Errorf("queue: %w", &SendError{Step: step, Outcome: outcome, Err: err}))
	}
	again, never := &Error{Code: 450}, &Error{Code: 550}
	require.False(t, SafeToRetry(nil))
	require.True(t, SafeToRetry(io.ErrUnexpectedEOF))
	require.True(t, SafeToRetry(&opError{"connect", context.DeadlineExceeded}))
	require.True(t, SafeToRetry(again))
	require.False(t, SafeToRetry(never))
	require.False(t, SafeToRetry(&opError{"AUTH", fmt.Errorf("%w: %w", auth.ErrCredentials, never)}))
	require.True(t, safe(StepRcpt, Refused, again))
	require.False(t, safe(StepRcpt, Refused, never))
	require.False(t, safe(StepRcpt, Accepted, again), "somebody has it")
	require.False(t, safe(StepEnd, Unknown, again), "somebody may have it")
	require.False(t, safe(StepEnd, Unknown, io.ErrUnexpectedEOF))
	require.True(t, safe(StepBody, Refused, &ProtocolError{}))
	require.True(t, safe(StepBody, Refused, io.ErrUnexpectedEOF))
	require.True(t, safe(StepCheck, Refused, io.ErrClosedPipe), "the body may be there next time")
	require.True(t, safe(StepConnect, Refused, ErrBroken))
	require.True(t, safe(StepConnect, Refused, fmt.Errorf("%w: %s", ErrBroken, never)), "that was another message")
	require.False(t, safe(StepBody, Refused, &FramingError{Octet: '\n'}))
	require.False(t, safe(StepBody, Refused, ErrNot7Bit))
	require.False(t, safe(StepCheck, Refused, &SizeError{}))
	require.False(t, safe(StepCheck, Refused, &ExtensionError{"8BITMIME"}))
	require.False(t, safe(StepConnect, Refused, &opError{"AUTH", auth.ErrNoMechanism}))
}

// A context that ended while the body was looked through does no harm to the
// connection.
func TestClientSend_CancelledBeforehand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, s := sinking(t, ClientConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		body := struct {
			io.Reader
			io.Seeker
		}{readerFunc(cancel), strings.NewReader("")}
		result, err := c.Send(ctx, envelope(t, "b"), body)
		checkResult(t, envelope(t, "b"), result, err, Refused, StepCheck, 0)
		require.ErrorIs(t, err, context.Canceled)
		require.True(t, SafeToRetry(err))
		result, err = c.Send(ctx, envelope(t, "b"), body)
		checkResult(t, envelope(t, "b"), result, err, Refused, StepConnect, 0)
		require.True(t, SafeToRetry(err))
		require.NoError(t, c.Quit(t.Context()))
		<-s.done
	})
}

func TestSplitAddr(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		addr       string
		mode       TLSMode
		host, port string
	}{
		{"mx.example.org:2525", StartTLS, "mx.example.org", "2525"},
		{"mx.example.org", StartTLS, "mx.example.org", "587"},
		{"mx.example.org", ImplicitTLS, "mx.example.org", "465"},
		{"mx.example.org", InsecureOpportunisticTLS, "mx.example.org", "25"},
		{"mx.example.org", InsecureNoTLS, "mx.example.org", "25"},
		{"192.0.2.1", StartTLS, "192.0.2.1", "587"},
		{"2001:db8::1", StartTLS, "2001:db8::1", "587"},
		{"[2001:db8::1]", StartTLS, "2001:db8::1", "587"},
		{"[2001:db8::1]:25", StartTLS, "2001:db8::1", "25"},
		{"mx.example.org:", StartTLS, "mx.example.org", "587"},
		{"[2001:db8::1]:", InsecureNoTLS, "2001:db8::1", "25"},
		{"", StartTLS, "", ""},
		{":", StartTLS, "", ""},
		{":25", StartTLS, "", ""},
		{"a:b:c", StartTLS, "", ""},
	} {
		host, port, err := splitAddr(tt.addr, &ClientConfig{TLS: tt.mode})
		if tt.host == "" {
			require.Error(t, err, tt.addr)
			continue
		}
		require.NoError(t, err, tt.addr)
		require.Equal(t, []string{tt.host, tt.port}, []string{host, port}, tt.addr)
	}
}

// A host that has a name in the Internet says it, any other its address: RFC 5321
// section 4.1.4.
func TestHelloName(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5321-4.1.1.1-1", "rfc5321-4.1.4-6", "rfc5321-4.1.4-7", "rfc5321-2.3.5-2", "rfc5321-2.3.5-3")
	here := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for host, want := range map[string]string{
		"client.example.org":    "client.example.org",
		"laptop":                "[192.0.2.1]",
		"localhost":             "[192.0.2.1]",
		"localhost.localdomain": "[192.0.2.1]",
		"not a name.org":        "[192.0.2.1]",
		"":                      "[192.0.2.1]",
	} {
		require.Equal(t, want, helloName(host, here), host)
	}
}

func TestAddressLiteral(t *testing.T) {
	t.Parallel()
	for addr, want := range map[net.Addr]string{
		&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}:               "[192.0.2.1]",
		&net.TCPAddr{IP: net.ParseIP("2001:db8::1")}:           "[IPv6:2001:db8::1]",
		&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}: "[IPv6:fe80::1]",
		&net.TCPAddr{}: "[127.0.0.1]",
		&net.UnixAddr{Name: "/run/smtp", Net: "unix"}: "[127.0.0.1]",
	} {
		require.Equal(t, want, addressLiteral(addr))
	}
}

// dialer is a function that is a Dialer.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}

// The address that is dialled has a port, and dialling has an end.
func TestDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dialled string
		var s *sink
		cfg := &ClientConfig{TLS: InsecureNoTLS, Timeout: time.Minute}
		cfg.Dialer = dialer(func(_ context.Context, network, address string) (net.Conn, error) {
			dialled = network + " " + address
			near, far := pipe(t)
			s = newSink(far)
			return near, nil
		})
		result, err := Send(t.Context(), "mx.example.org", cfg, envelope(t, "b"), strings.NewReader("plain\r\n"))
		checkResult(t, envelope(t, "b"), result, err, Accepted, "", 250)
		require.Equal(t, "tcp mx.example.org:25", dialled)
		<-s.done
		require.Equal(t, []string{"plain\r\n"}, s.messages)

		cfg.Dialer = dialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		start := time.Now()
		result, err = Send(t.Context(), "mx.example.org", cfg, envelope(t, "b"), strings.NewReader("plain\r\n"))
		checkResult(t, envelope(t, "b"), result, err, Refused, StepConnect, 0)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))
		require.True(t, SafeToRetry(err))

		cause := errors.New("no more")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		_, err = Dial(ctx, "mx.example.org", cfg)
		require.ErrorIs(t, err, cause)
		_, err = Dial(t.Context(), ":25", cfg)
		require.Error(t, err)
	})
}
