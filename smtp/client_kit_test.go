package smtp

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/rfc"
	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/internal/transcript"
)

// scene is a dialogue with a client in it.
type scene struct {
	cfg  ClientConfig
	does func(t *testing.T, c *Client, err error) // given what NewClient returns
}

// play plays each dialogue of a file with the scene of its name, in a bubble.
// Every dialogue has a scene, and the other way round. The server says prologue
// first.
func play(t *testing.T, file string, prologue func(name string) string, scenes map[string]scene) {
	server, client := testnet.Cert(t)
	played := 0
	for _, d := range transcript.Load(t, file) {
		sc, ok := scenes[d.Name]
		require.True(t, ok, "no scene for %q", d.Name)
		played++
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			claimComment(t, d.Comment)
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				done := make(chan struct{})
				defer func() {
					near.Close()
					<-done
				}()
				go func() {
					defer close(done)
					if p := prologue(d.Name); p != "" {
						before, err := transcript.Parse([]byte(p))
						if err != nil || !before.PlayServer(t, far) {
							t.Errorf("prologue: %v", err)
							far.Close()
							return
						}
					}
					d.TLS = server
					d.PlayServer(t, far)
				}()
				cfg := sc.cfg
				cfg.TLSConfig, cfg.Hello = client, "client.example.org"
				c, err := NewClient(t.Context(), near, "mx.example.org", &cfg)
				sc.does(t, c, err)
				<-done
			})
		})
	}
	require.Equal(t, len(scenes), played, "scenes without a dialogue")
}

// claimComment claims what a dialogue's comment says that it covers.
func claimComment(t *testing.T, comment string) {
	t.Helper()
	for line := range strings.Lines(comment) {
		if ids, ok := strings.CutPrefix(line, "Covers: "); ok {
			rfc.Covers(t, strings.Fields(ids)...)
		}
	}
}

func noPrologue(string) string { return "" }

// leaves is a client that was set up and says QUIT.
func leaves(t *testing.T, c *Client, err error) {
	t.Helper()
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))
	require.ErrorIs(t, c.Noop(t.Context()), ErrClientClosed)
}

// refused is a set-up that fails because of a reply.
func refused(code int, retry bool) func(t *testing.T, c *Client, err error) {
	return func(t *testing.T, c *Client, err error) {
		t.Helper()
		require.Nil(t, c)
		var reply *Error
		require.ErrorAs(t, err, &reply)
		require.Equal(t, code, reply.Code)
		require.Equal(t, retry, SafeToRetry(err), "safe to retry")
	}
}

// lacks is a set-up that fails for want of an extension.
func lacks(keyword string) func(t *testing.T, c *Client, err error) {
	return func(t *testing.T, c *Client, err error) {
		t.Helper()
		require.Nil(t, c)
		var missing *ExtensionError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, keyword, missing.Keyword)
		require.False(t, SafeToRetry(err))
	}
}

// outOfStep is a set-up that fails because the server does not speak SMTP.
func outOfStep(t *testing.T, c *Client, err error) {
	t.Helper()
	require.Nil(t, c)
	var protocol *ProtocolError
	require.ErrorAs(t, err, &protocol)
}

// greeted is what a server says until a message can be sent.
func greeted(extensions ...string) string {
	lines := []string{"S: 220 mx.example.org ready", "C: EHLO client.example.org"}
	all := append([]string{"mx.example.org"}, extensions...)
	for i, e := range all {
		sep := "-"
		if i == len(all)-1 {
			sep = " "
		}
		lines = append(lines, "S: 250"+sep+e)
	}
	return strings.Join(lines, "\n") + "\n"
}

func address(t testing.TB, s string) Address {
	t.Helper()
	a, err := ParseAddress(s)
	require.NoError(t, err)
	return a
}

// envelope is from a@example.org to the recipients of that name.
func envelope(t testing.TB, to ...string) Envelope {
	t.Helper()
	env := Envelope{From: address(t, "a@example.org")}
	for _, name := range to {
		env.To = append(env.To, Recipient{Address: address(t, name+"@example.org")})
	}
	return env
}

// stream is a reader that can do nothing but read.
func stream(s string) io.Reader { return io.MultiReader(strings.NewReader(s)) }

// sends sends "plain" to b@example.org and so on, and expects what becomes of
// them: a code, 0 if there is none, for those who are not accepted.
func sends(t *testing.T, c *Client, outcome Outcome, step Step, to string, codes ...int) *Result {
	t.Helper()
	env := envelope(t, strings.Fields(to)...)
	result, err := c.Send(t.Context(), env, strings.NewReader("plain\r\n"))
	checkResult(t, env, result, err, outcome, step, codes...)
	return result
}

func checkResult(t *testing.T, env Envelope, result *Result, err error, outcome Outcome, step Step, codes ...int) {
	t.Helper()
	if step == "" {
		require.NoError(t, err)
	} else {
		var failure *SendError
		require.ErrorAs(t, err, &failure)
		require.Equal(t, step, failure.Step, "step of %v", err)
		require.Equal(t, outcome, failure.Outcome, "outcome of %v", err)
	}
	require.Equal(t, outcome, result.Outcome)
	require.Len(t, result.Recipients, len(codes))
	for i, r := range result.Recipients {
		require.Equal(t, env.To[i], r.Recipient)
		if codes[i] == 250 {
			require.Equal(t, Accepted, r.Outcome)
			require.NoError(t, r.Err)
			continue
		}
		require.NotEqual(t, Accepted, r.Outcome)
		require.Error(t, r.Err)
		if reply := new(Error); codes[i] != 0 {
			require.ErrorAs(t, r.Err, &reply)
			require.Equal(t, codes[i], reply.Code, "recipient %d", i)
			require.Equal(t, Refused, r.Outcome)
		} else {
			require.NotErrorAs(t, r.Err, &reply)
			require.Equal(t, outcome, r.Outcome)
		}
	}
}
