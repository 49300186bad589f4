package smtp

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// A server that says more than it was asked for has every answer in doubt, and the
// connection is of no use any more; but an honest one may go away at any time.
func TestClientSend_SurplusReplies(t *testing.T) {
	t.Parallel()
	const chunking = "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
	const data = "250-hi\r\n250 PIPELINING\r\n"
	for name, tt := range map[string]struct {
		offers  string
		replies []string // to what is sent in one write each
		want    Outcome
	}{
		"one too many, then refused":   {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n250 why not\r\n550 spam\r\n"}, Unknown},
		"refusal too many, then taken": {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n450 slow\r\n250 queued\r\n"}, Unknown},
		"both refuse":                  {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n450 slow\r\n550 spam\r\n"}, Refused},
		"refused recipient shifts":     {chunking, []string{"250 ok\r\n250 what\r\n550 b\r\n550 c\r\n250 queued\r\n"}, Unknown},
		"goes away":                    {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n421 bye\r\n"}, Accepted},
		"garbage":                      {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n\r\n"}, Accepted},
		"nothing":                      {chunking, []string{"250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n"}, Accepted},
		"behind data":                  {data, []string{"250 ok\r\n250 ok\r\n550 c\r\n354 go\r\n", "250 yes\r\n550 no\r\n"}, Unknown},
		"goes away behind data":        {data, []string{"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n", "250 yes\r\n421 bye\r\n"}, Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, start := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					near, far := pipe(t)
					go script(far, append([]string{"220 hi\r\n", tt.offers}, tt.replies...)...)
					c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
					require.NoError(t, err)
					env, body := envelope(t, "b", "c"), strings.NewReader("plain\r\n")
					var result *Result
					if start {
						result, err = c.Start(t.Context(), env, body).Wait()
					} else {
						result, err = c.Send(t.Context(), env, body)
					}
					checkHonest(t, result, err)
					require.Equal(t, tt.want, result.Outcome, "%v", err)
					if tt.want == Unknown {
						var protocol *ProtocolError
						require.ErrorAs(t, err, &protocol)
						require.Zero(t, result.Reply)
						require.False(t, SafeToRetry(err))
						require.Equal(t, Unknown, result.Recipients[0].Outcome)
					}
					if name == "behind data" { // the 354 has shown that nothing had been shifted
						require.Equal(t, StepRcpt, result.Recipients[1].Step)
						require.Equal(t, Refused, result.Recipients[1].Outcome)
					}
					if name != "nothing" {
						require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
					}
					c.Close()
				})
			}
		})
	}
}

// What left as a whole is not called refused while the server goes on to answer
// to it, be it behind a 421 that did not end the connection or an RSET that it does
// not know.
func TestClientSend_FlightGoesOn(t *testing.T) {
	t.Parallel()
	const chunking = "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n"
	for name, tt := range map[string]struct {
		replies string
		want    Outcome
	}{
		"RSET refused for now":  {"450 not now\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n", Unknown},
		"RSET unknown":          {"502 what\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n", Unknown},
		"421 for one recipient": {"250 ok\r\n250 ok\r\n421 later\r\n250 ok\r\n250 queued\r\n", Unknown},
		"421 and gone":          {"250 ok\r\n250 ok\r\n421 later\r\n", Refused},
		"421 at once":           {"421 later\r\n", Refused},
		"RSET answered by 221":  {"221 bye\r\n", Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", chunking, "250 ok\r\n250 ok\r\n250 ok\r\n550 no\r\n", tt.replies)
					io.Copy(io.Discard, far)
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
				require.NoError(t, err)
				sends(t, c, Refused, StepEnd, "b c", 550, 550)
				result, err := c.Send(t.Context(), envelope(t, "b", "c"), strings.NewReader("plain\r\n"))
				checkHonest(t, result, err)
				require.Equal(t, tt.want, result.Outcome, "%v", err)
				require.Equal(t, tt.want == Refused, SafeToRetry(err))
				require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
			})
		})
	}
}

// A server that says 421 for one recipient and goes on with the others is believed.
func TestClientSend_LMTPGoesOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answers string
		want    [3]Outcome
	}{
		"to the end":       {"421 not now\r\n550 never\r\n250 ok\r\n", [3]Outcome{Refused, Refused, Accepted}},
		"all the same":     {"421 not now\r\n421 not now\r\n421 not now\r\n", [3]Outcome{Refused, Refused, Refused}},
		"not to the end":   {"250 ok\r\n421 not now\r\n", [3]Outcome{Accepted, Refused, Unknown}},
		"and with a laugh": {"250 ok\r\n421 not now\r\nha\r\n", [3]Outcome{Accepted, Refused, Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				near, far := pipe(t)
				go func() {
					script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", strings.Repeat("250 ok\r\n", 4)+"354 go\r\n", tt.answers)
					io.Copy(io.Discard, far)
				}()
				c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS, Protocol: auth.LMTP})
				require.NoError(t, err)
				begin := time.Now()
				result, err := c.Send(t.Context(), envelope(t, "b", "c", "d"), strings.NewReader("plain\r\n"))
				checkHonest(t, result, err)
				for i, want := range tt.want {
					require.Equal(t, want, result.Recipients[i].Outcome, "%v", result.Recipients[i].Err)
				}
				require.LessOrEqual(t, time.Since(begin), grace)
				err = c.Noop(t.Context())
				require.ErrorIs(t, err, ErrBroken)
				require.ErrorContains(t, err, "421 ")
			})
		})
	}
}

// What broke a connection is what the next message is told, and not what was left unread.
func TestClientStart_BrokenMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		go func() {
			script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "421 later\r\n250 a\r\n250 b\r\n250 c\r\n")
			io.Copy(io.Discard, far)
		}()
		c, err := NewClient(t.Context(), near, "", &ClientConfig{TLS: InsecureNoTLS})
		require.NoError(t, err)
		first := c.Start(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n"))
		slow := &waiting{until: first.Done(), Reader: strings.NewReader("plain\r\n")}
		result, err := c.Start(t.Context(), envelope(t, "b"), slow).Wait()
		checkResult(t, envelope(t, "b"), result, err, Refused, StepMail, 0)
		require.ErrorIs(t, err, ErrBroken)
		require.True(t, SafeToRetry(err))
	})
}

// waiting is a body that is not there at first.
type waiting struct {
	until <-chan struct{}
	io.Reader
}

func (w *waiting) Read(p []byte) (int, error) {
	<-w.until
	return w.Reader.Read(p)
}

// What a server says after its last answer, and before anything else was sent, is
// not taken for an answer to what is started next.
func TestClientStart_SurplusInBetween(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // only a socket can be asked without waiting
	require.NoError(t, err)
	defer ln.Close()
	late := make(chan struct{})
	go func() {
		far, err := ln.Accept()
		if err != nil {
			return
		}
		defer far.Close()
		script(far, "220 hi\r\n", "250-hi\r\n250-CHUNKING\r\n250 PIPELINING\r\n", "250 ok\r\n250 ok\r\n250 queued\r\n")
		<-late
		io.WriteString(far, "250 by the way\r\n")
		io.Copy(io.Discard, far)
	}()
	c, err := Dial(t.Context(), ln.Addr().String(), &ClientConfig{TLS: InsecureNoTLS})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Start(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n")).Wait()
	require.NoError(t, err)
	close(late)
	for !c.conn.Waiting() {
		runtime.Gosched()
	}
	result, err := c.Start(t.Context(), envelope(t, "b"), strings.NewReader("plain\r\n")).Wait()
	var protocol *ProtocolError
	require.ErrorAs(t, err, &protocol)
	require.Equal(t, Refused, result.Outcome)
	require.True(t, SafeToRetry(err))
	require.ErrorIs(t, c.Noop(t.Context()), ErrBroken)
}
