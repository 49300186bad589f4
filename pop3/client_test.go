package pop3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
	"github.com/posthouse/posthouse/pop3"
)

// playDialogue plays the server of a dialogue of testdata/client.txtar or
// client_rfc.txtar, and returns the client's end of the connection, with TLS
// configurations set. The test does not end before the dialogue.
func playDialogue(t *testing.T, name string, cfg *pop3.ClientConfig) *testnet.Conn {
	t.Helper()
	dialogues := append(transcript.Load(t, "testdata/client.txtar"), transcript.Load(t, "testdata/client_rfc.txtar")...)
	i := slices.IndexFunc(dialogues, func(d transcript.Dialogue) bool { return d.Name == name })
	require.GreaterOrEqual(t, i, 0, "no dialogue %q", name)
	d := dialogues[i]
	d.TLS, cfg.TLSConfig = testnet.Cert(t, "pop.example.com")
	here, there := testnet.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { d.PlayServer(t, there) })
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { here.Close() })
	return here
}

// dialDialogue makes a client of the server of a dialogue.
func dialDialogue(t *testing.T, name string, cfg pop3.ClientConfig) (*pop3.Client, error) {
	t.Helper()
	nc := playDialogue(t, name, &cfg)
	return pop3.NewClient(t.Context(), nc, "pop.example.com", &cfg)
}

func mustDialDialogue(t *testing.T, name string, cfg pop3.ClientConfig) *pop3.Client {
	t.Helper()
	c, err := dialDialogue(t, name, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cleartext is for dialogues about something else than TLS.
var cleartext = pop3.ClientConfig{TLS: pop3.InsecureNoTLS}

func withAuth(c auth.Credentials) pop3.ClientConfig {
	return pop3.ClientConfig{TLS: pop3.InsecureNoTLS, Auth: c}
}

var testUser = auth.InsecurePassword("test", "test")

func TestClientSTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2595-4-2", "rfc2595-4-3", "rfc5034-4-1", "rfc5034-4-21", "rfc2595-9-3")
	var log bytes.Buffer
	c := mustDialDialogue(t, "stls", pop3.ClientConfig{Auth: auth.Password("test", "test"), Transcript: &log})
	require.Equal(t, "pop.example.com server ready", c.Greeting())
	require.True(t, c.Capabilities().Has("PIPELINING"))
	params, _ := c.Capabilities().Params("IMPLEMENTATION")
	require.Equal(t, []string{"after", "login"}, params)

	cs := c.ConnectionState()
	require.Equal(t, auth.POP3, cs.Protocol)
	require.Equal(t, pop3.PhaseTransaction, cs.Phase)
	require.NotNil(t, cs.TLS)
	require.Equal(t, &auth.Identity{User: "test", Name: "test", Mechanism: "PLAIN"}, cs.Identity)
	require.Equal(t, "192.0.2.2:25", cs.RemoteAddr.String())
	require.NoError(t, c.Quit(t.Context()))

	require.Contains(t, log.String(), "C: AUTH PLAIN ****\nS: +OK Maildrop locked and ready\n")
	require.NotContains(t, log.String(), "AHRlc3QAdGVzdA==")
	require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
	require.NoError(t, c.Close())
}

func TestClientImplicitTLS(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-7-18", "rfc2449-7-1")
	var log bytes.Buffer
	c := mustDialDialogue(t, "implicit", pop3.ClientConfig{TLS: pop3.ImplicitTLS, Auth: auth.Password("test", "test"), Transcript: &log})
	require.Equal(t, "USER", c.ConnectionState().Identity.Mechanism)
	require.Empty(t, c.Capabilities())
	require.NoError(t, c.Quit(t.Context()))
	require.Contains(t, log.String(), "C: USER test\nS: +OK\nC: PASS ****\n")
}

// mechanism is a SASL mechanism with one response. A nil initial has none.
type mechanism struct {
	name    string
	initial []byte
}

func (m mechanism) Client(context.Context, auth.ConnectionState, []string) (sasl.Client, error) {
	return m, nil
}

func (m mechanism) Start() (string, []byte, error) { return m.name, m.initial, nil }

func (m mechanism) Next([]byte) ([]byte, error) { return []byte{1, 2, 3}, nil }

func TestClientLogin(t *testing.T) {
	t.Parallel()
	empty := mechanism{"TEST-EMPTY", []byte{}}
	without := mechanism{"TEST-WITHOUT-INITIAL", nil}
	for _, tc := range []struct {
		dialogue string
		auth     auth.Credentials
		covers   string
	}{
		{"user", testUser, "rfc5034-3-1"},
		{"user beside sasl", testUser, "rfc1939-7-18"},
		{"login", testUser, ""},
		{"trimmed challenge", without, ""},
		{"empty initial response", empty, "rfc5034-4-8"},
		{"no sasl, no initial response", empty, "rfc5034-3-2"},
		{"ok for a challenge", empty, ""},
	} {
		t.Run(tc.dialogue, func(t *testing.T) {
			t.Parallel()
			if tc.covers != "" {
				rfc.Covers(t, tc.covers)
			}
			c := mustDialDialogue(t, tc.dialogue, withAuth(tc.auth))
			require.Equal(t, pop3.PhaseTransaction, c.ConnectionState().Phase)
			require.NotNil(t, c.ConnectionState().Identity)
		})
	}
}

func TestClientLoginFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialogue string
		auth     auth.Credentials
		want     error
		covers   []string
	}{
		{"user unlisted", testUser, auth.ErrNoMechanism, nil},
		{"user refused", testUser, &pop3.Error{Code: pop3.CodeLoginDelay}, nil},
		{"pass refused", testUser, pop3.ErrInUse, []string{"rfc2449-8-1"}},
		{"plain refused", testUser, auth.ErrCredentials, nil},
		{"no tls", auth.Password("test", "test"), auth.ErrCleartext, []string{"rfc2595-6-1", "rfc2595-9-4"}},
		{"bad challenge", testUser, &auth.MalformedError{}, []string{"rfc5034-4-11", "rfc5034-4-12"}},
		{"cancelled and let in", testUser, &pop3.ProtocolError{}, nil},
		{"challenges without end", mechanism{"TEST-WITHOUT-INITIAL", nil}, &pop3.ProtocolError{}, nil},
		{"no capa", mechanism{"NOT A NAME", nil}, nil, nil},
		{"no capa", auth.InsecurePassword("two words", "test"), nil, nil},
		{"no capa", auth.InsecurePassword("test\r\nDELE 1", "test"), nil, nil},
		{"no capa", auth.InsecurePassword("test", "test\r\nDELE 1"), nil, nil},
		{"no capa", auth.InsecurePassword("test", "te\x00st"), nil, nil},
		{"no capa", auth.InsecurePassword("test", strings.Repeat("x", 250)), nil, nil},
	} {
		t.Run(tc.dialogue, func(t *testing.T) {
			t.Parallel()
			if tc.covers != nil {
				rfc.Covers(t, tc.covers...)
			}
			_, err := dialDialogue(t, tc.dialogue, withAuth(tc.auth))
			require.Error(t, err)
			switch want := tc.want.(type) {
			case *auth.MalformedError:
				require.ErrorAs(t, err, &want)
			case *pop3.ProtocolError:
				require.ErrorAs(t, err, &want)
			case nil:
			default:
				require.ErrorIs(t, err, want)
			}
		})
	}
}

// TestClientLongInitialResponse crosses the length at which an initial response
// no longer fits into a command.
func TestClientLongInitialResponse(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc5034-4-7")
	const room = 255 - len("AUTH TEST \r\n")
	for _, tc := range []struct {
		octets int
		fits   bool
	}{{room / 4 * 3, true}, {room/4*3 + 1, false}, {3000, false}} {
		m := mechanism{"TEST", bytes.Repeat([]byte{'x'}, tc.octets)}
		encoded := string(auth.AppendBase64(nil, m.initial))
		text := "S: +OK\nC: CAPA\nS: +OK\nS: SASL TEST\nS: .\n"
		if tc.fits {
			text += "C: AUTH TEST " + encoded + "\n"
		} else {
			text += "C: AUTH TEST\ns: + \\r\\n\nC: " + encoded + "\n"
		}
		d, err := transcript.Parse([]byte(text + "S: +OK\nC: CAPA\nS: -ERR\n-- drop\n"))
		require.NoError(t, err)
		here, there := testnet.Pipe()
		var wg sync.WaitGroup
		wg.Go(func() { d.PlayServer(t, there) })
		cfg := withAuth(m)
		c, err := pop3.NewClient(t.Context(), here, "", &cfg)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		wg.Wait()
	}
}

func TestClientTLSRequired(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		dialogue string
		mode     pop3.TLSMode
		want     error
	}{
		{"no tls", pop3.StartTLS, pop3.ErrNoTLS},
		{"no capa", pop3.StartTLS, pop3.ErrNoTLS},
		{"tls refused", pop3.StartTLS, pop3.ErrNoTLS},
		{"no tls", pop3.InsecureOpportunisticTLS, auth.ErrCleartext},
		{"injection", pop3.StartTLS, nil},
		{"injection", pop3.InsecureOpportunisticTLS, nil},
	} {
		t.Run(tc.dialogue, func(t *testing.T) {
			t.Parallel()
			rfc.Covers(t, "rfc2595-2.2-1", "rfc2595-2.3-1", "rfc2595-9-1")
			_, err := dialDialogue(t, tc.dialogue, pop3.ClientConfig{TLS: tc.mode, Auth: auth.Password("test", "test")})
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
				return
			}
			var protocol *pop3.ProtocolError
			require.ErrorAs(t, err, &protocol)
			require.Equal(t, "STLS", protocol.Command)
		})
	}
}

func TestClientOpportunisticTLS(t *testing.T) {
	t.Parallel()
	c := mustDialDialogue(t, "tls refused, goes on", pop3.ClientConfig{TLS: pop3.InsecureOpportunisticTLS})
	require.Nil(t, c.ConnectionState().TLS)
	require.NoError(t, c.Quit(t.Context()))
}

// TestClientVerifiesTheServer shows certificates that must not be taken: nothing
// of worth is sent after the handshake.
func TestClientVerifiesTheServer(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2595-2.4-1", "rfc2595-2.4-2", "rfc2595-2.4-5", "rfc5034-4-24", "rfc2595-2.5-1")
	right, trusts := testnet.Cert(t, "pop.example.com")
	_, trustsOthers := testnet.Cert(t, "pop.example.com")
	trusts.ServerName, trustsOthers.ServerName = "", ""
	for _, tc := range []struct {
		name       string
		client     *pop3.ClientConfig
		serverName string
		works      bool
	}{
		{"the right one", &pop3.ClientConfig{TLSConfig: trusts}, "pop.example.com", true},
		{"another name", &pop3.ClientConfig{TLSConfig: trusts}, "pop.example.net", false},
		{"no name", &pop3.ClientConfig{TLSConfig: trusts}, "", false},
		{"another authority", &pop3.ClientConfig{TLSConfig: trustsOthers}, "pop.example.com", false},
		{"the system's authorities", &pop3.ClientConfig{}, "pop.example.com", false},
	} {
		for _, mode := range []pop3.TLSMode{pop3.StartTLS, pop3.ImplicitTLS, pop3.InsecureOpportunisticTLS} {
			t.Run(tc.name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				cfg := *tc.client
				cfg.TLS, cfg.Timeout = mode, 5*time.Second
				here, there := testnet.Pipe()
				got := make(chan []byte)
				go func() { got <- serveHandshake(there, right, mode) }()
				c, err := pop3.NewClient(t.Context(), here, tc.serverName, &cfg)
				if tc.works {
					require.NoError(t, err)
					require.NoError(t, c.Close())
					require.NotEmpty(t, <-got)
					return
				}
				require.Error(t, err)
				require.Empty(t, <-got, "said after the handshake")
			})
		}
	}
}

// dialed is a Dialer that notes where it was to connect.
type dialed struct{ address string }

func (d *dialed) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	d.address = address
	return nil, net.ErrClosed
}

func TestDialAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		addr string
		mode pop3.TLSMode
		want string
	}{
		{"pop.example.com", pop3.StartTLS, "pop.example.com:110"},
		{"pop.example.com", pop3.ImplicitTLS, "pop.example.com:995"},
		{"pop.example.com:1110", pop3.ImplicitTLS, "pop.example.com:1110"},
		{"192.0.2.1", pop3.InsecureNoTLS, "192.0.2.1:110"},
		{"2001:db8::1", pop3.StartTLS, "[2001:db8::1]:110"},
		{"[2001:db8::1]", pop3.StartTLS, "[2001:db8::1]:110"},
		{"[2001:db8::1]:1110", pop3.StartTLS, "[2001:db8::1]:1110"},
		{"pop.example.com:", pop3.StartTLS, "pop.example.com:110"},
	} {
		var d dialed
		_, err := pop3.Dial(t.Context(), tc.addr, &pop3.ClientConfig{TLS: tc.mode, Dialer: &d})
		require.ErrorIs(t, err, net.ErrClosed)
		require.Equal(t, tc.want, d.address)
	}
	for _, addr := range []string{"", ":", ":110", "a:b:c"} {
		var d dialed
		_, err := pop3.Dial(t.Context(), addr, &pop3.ClientConfig{Dialer: &d})
		require.ErrorContains(t, err, "pop3: ", addr)
		require.Empty(t, d.address, "this machine is not dialled for want of a name")
	}
}

func TestClientGreetingRefused(t *testing.T) {
	t.Parallel()
	_, err := dialDialogue(t, "refused", cleartext)
	var refusal *pop3.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, &pop3.Error{Code: pop3.CodeSysPerm, Text: `\x1b[31mno\x1b[0m service for you`}, refusal)
	require.ErrorIs(t, err, &pop3.Error{Code: "SYS"})
	require.NotErrorIs(t, err, &pop3.Error{Code: pop3.CodeSysTemp})
	require.NotErrorIs(t, err, &pop3.Error{})
	require.NotErrorIs(t, err, pop3.ErrInUse)
}

func TestClientCommands(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc1939-3-14", "rfc1939-3-15", "rfc1939-7-16")
	ctx := t.Context()
	c := mustDialDialogue(t, "commands", cleartext)
	for _, want := range []pop3.Stat{{2, 320}, {2, -1}, {3, -1}} {
		got, err := c.Stat(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}

	list, err := c.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []pop3.Listing{{1, 120}, {2, 200}}, list)
	size, err := c.ListOne(ctx, 2)
	require.NoError(t, err)
	require.EqualValues(t, 200, size)
	_, err = c.ListOne(ctx, 3)
	require.Equal(t, &pop3.Error{Text: "no such message, only 2 messages in maildrop"}, err)
	list, err = c.List(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
	list, err = c.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []pop3.Listing{{7, 70}, {3, 30}}, list)

	uids, err := c.UIDL(ctx)
	require.NoError(t, err)
	require.Len(t, uids, 3)
	require.Equal(t, pop3.UIDListing{Num: 2, UID: "QhdPYR:00WBw1Ph7x7"}, uids[1])
	require.Len(t, uids[2].UID, 80)
	uids, err = c.UIDL(ctx)
	require.NoError(t, err)
	require.Equal(t, []pop3.UIDListing{{1, "copy"}, {2, "copy"}}, uids)
	uid, err := c.UIDLOne(ctx, 2)
	require.NoError(t, err)
	require.Equal(t, "QhdPYR:00WBw1Ph7x7", uid)
	_, err = c.UIDLOne(ctx, 9)
	require.ErrorContains(t, err, "no such message")

	require.NoError(t, c.Noop(ctx))
	require.NoError(t, c.Rset(ctx))
	require.NoError(t, c.Dele(ctx, 1))
	err = c.Dele(ctx, 1, 2, 9, 3) // 1 and 9 are refused
	var message *pop3.MessageError
	require.ErrorAs(t, err, &message)
	require.Equal(t, 1, message.Num)
	require.ErrorIs(t, err, &pop3.Error{Code: pop3.CodeSysTemp})
	require.EqualError(t, err, "pop3: message 1: message 1 already deleted\npop3: message 9: [SYS/TEMP] no")

	require.Equal(t, "Subject: hi\r\n\r\n.stuffed\r\n", readBody(t, c.Retr, 1))
	_, err = c.Retr(ctx, 2)
	require.ErrorContains(t, err, "no such message")
	top := func(lines int) func(context.Context, int) (*pop3.Body, error) {
		return func(ctx context.Context, n int) (*pop3.Body, error) { return c.Top(ctx, n, lines) }
	}
	require.Equal(t, "Subject: hi\r\n\r\n", readBody(t, top(10), 1))
	require.Empty(t, readBody(t, top(0), 1))

	caps, err := c.Capa(ctx)
	require.NoError(t, err)
	require.Len(t, caps, 2)
	delay, _ := caps.Params("login-delay")
	require.Equal(t, []string{"900"}, delay)
	require.NoError(t, c.Quit(ctx))
}

func readBody(t *testing.T, command func(context.Context, int) (*pop3.Body, error), n int) string {
	t.Helper()
	body, err := command(t.Context(), n)
	require.NoError(t, err)
	text, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return string(text)
}

// TestClientRefusesArguments has no server to answer: nothing may be sent.
func TestClientRefusesArguments(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := mustDialDialogue(t, "no capa", cleartext)
	calls := map[string]func(n int) error{
		"list":  func(n int) error { _, err := c.ListOne(ctx, n); return err },
		"uidl":  func(n int) error { _, err := c.UIDLOne(ctx, n); return err },
		"retr":  func(n int) error { _, err := c.Retr(ctx, n); return err },
		"top":   func(n int) error { _, err := c.Top(ctx, n, 0); return err },
		"lines": func(n int) error { _, err := c.Top(ctx, 1, n-1); return err },
		"dele":  func(n int) error { return c.Dele(ctx, 1, 2, n) },
		"fetch": func(n int) error {
			var first error
			for m, err := range c.Fetch(ctx, []int{n, 2}) {
				require.Equal(t, n, m.Num)
				first = err
			}
			return first
		},
	}
	for name, call := range calls {
		for _, n := range []int{0, -1} {
			err := call(n)
			require.ErrorContains(t, err, "bad ", "%s %d", name, n)
			require.NotErrorIs(t, err, pop3.ErrBroken)
		}
	}
	over, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("changed my mind"))
	require.EqualError(t, c.Noop(over), "changed my mind")
	require.EqualError(t, c.Dele(over, 1), "changed my mind")
	require.NoError(t, c.Dele(ctx))
	for range c.Fetch(ctx, nil) {
		t.Error("there was nothing to fetch")
	}
}

func TestClientQuit(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		c := mustDialDialogue(t, "quit refused", cleartext)
		require.Equal(t, &pop3.Error{Text: "some deleted messages not removed"}, c.Quit(t.Context()))
		require.ErrorIs(t, c.Quit(t.Context()), pop3.ErrBroken)
	})
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		c := mustDialDialogue(t, "quit lost", withAuth(testUser))
		require.NoError(t, c.Dele(t.Context(), 1))
		var unknown *pop3.UnknownError
		err := c.Quit(t.Context())
		require.ErrorAs(t, err, &unknown)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("lost before login", func(t *testing.T) {
		t.Parallel()
		c := mustDialDialogue(t, "quit lost before login", cleartext)
		var unknown *pop3.UnknownError
		err := c.Quit(t.Context())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotErrorAs(t, err, &unknown)
	})
	t.Run("not sent", func(t *testing.T) {
		t.Parallel()
		c := mustDialDialogue(t, "no capa", cleartext)
		over, cancel := context.WithCancel(t.Context())
		cancel()
		require.Equal(t, context.Canceled, c.Quit(over))
		require.ErrorIs(t, c.Noop(t.Context()), pop3.ErrBroken)
	})
}

func TestClientPipelinesDele(t *testing.T) {
	t.Parallel()
	rfc.Covers(t, "rfc2449-6.6-2")
	c := mustDialDialogue(t, "pipelined dele", cleartext)
	var message *pop3.MessageError
	require.ErrorAs(t, c.Dele(t.Context(), 4, 5, 6), &message)
	require.Equal(t, 5, message.Num)
	require.True(t, c.Pipelining())
	require.EqualError(t, c.Dele(t.Context(), 7, 5), "pop3: message 5: message 5 already deleted")
	require.NoError(t, c.Quit(t.Context()))
}

// playText plays the server of a dialogue, and returns the client.
func playText(t *testing.T, dialogue string, cfg pop3.ClientConfig) *pop3.Client {
	t.Helper()
	d, err := transcript.Parse([]byte(dialogue))
	require.NoError(t, err)
	here, there := testnet.Pipe()
	var server sync.WaitGroup
	server.Go(func() { d.PlayServer(t, there) })
	t.Cleanup(server.Wait)
	c, err := pop3.NewClient(t.Context(), here, "", &cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}
