package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// dialerFunc is a Dialer.
type dialerFunc func() net.Conn

func (f dialerFunc) DialContext(context.Context, string, string) (net.Conn, error) { return f(), nil }

// scripted returns a Transport to a server that plays a script on each connection.
func scripted(t *testing.T, protocol auth.Protocol, replies ...string) *Transport {
	tr := &Transport{Config: &ClientConfig{TLS: InsecureNoTLS, Protocol: protocol, Dialer: dialerFunc(func() net.Conn {
		near, far := pipe(t)
		go script(far, replies...)
		return near
	})}}
	t.Cleanup(func() { tr.Close() })
	return tr
}

// A mailbox that is full is not too many recipients: a recipient that was accepted
// and whose copy is refused is not sent it again, and nothing is learned from it.
func TestTransport_FullMailboxBehindData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const envelopeTaken, taken = "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n", "250 ok\r\n452 full\r\n"
		tr := scripted(t, auth.LMTP, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", envelopeTaken, taken, envelopeTaken, taken)
		for range 2 {
			env := envelope(t, "b", "c")
			result, err := tr.Send(t.Context(), "mx.example.org:24", env, strings.NewReader("plain\r\n"))
			checkResult(t, env, result, err, Accepted, StepEnd, 250, 452)
			require.True(t, result.Recipients[1].Temporary)
		}
		stats := tr.Stats()
		require.Zero(t, stats.Splits)
		require.EqualValues(t, 1, stats.Dialed)
	})
}

// idler is a body that never says anything.
type idler struct{}

func (idler) Read([]byte) (int, error) { return 0, nil }

// A body that neither goes on nor ends is given up also where messages fly.
func TestTransport_IdleBodyInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := pipe(t)
		tr := &Transport{MaxConns: 1, Config: &ClientConfig{TLS: InsecureNoTLS, Dialer: dialerFunc(func() net.Conn { return near })}}
		defer tr.Close()
		errs := map[string]chan error{}
		send := func(name string, body io.Reader) {
			done := make(chan error, 1)
			errs[name] = done
			go func() {
				_, err := tr.Send(t.Context(), "mx.example.org:25", envelope(t, "b"), body)
				done <- err
			}()
			synctest.Wait()
		}
		send("first", strings.NewReader("plain\r\n")) // waits for the greeting
		send("idle", idler{})
		send("last", strings.NewReader("plain\r\n"))
		const mail, end = "250 ok\r\n250 ok\r\n354 go\r\n", "250 queued\r\n"
		go script(far, "220 hi\r\n", "250-hi\r\n250 PIPELINING\r\n", mail, end, mail, end)
		require.NoError(t, <-errs["first"])
		require.ErrorIs(t, <-errs["idle"], io.ErrNoProgress)
		require.NoError(t, <-errs["last"])
	})
}

// Who gives up waiting for a message in flight may change the envelope at once.
func TestOwnEnvelope(t *testing.T) {
	t.Parallel()
	env := envelope(t, "b", "c")
	env.Params = []Param{{Keyword: "X-MAIL"}}
	env.To[0].Params = []Param{{Keyword: "X-RCPT"}}
	own := ownEnvelope(env)
	require.Equal(t, env, own)
	env.Params[0], env.To[0].Params[0] = Param{}, Param{}
	env.To[1] = Recipient{}
	require.Equal(t, "X-MAIL", own.Params[0].Keyword)
	require.Equal(t, "X-RCPT", own.To[0].Params[0].Keyword)
	require.Equal(t, "c", own.To[1].Address.Local())
}

// failingDialer waits until it is told to go on, and then reaches nobody.
type failingDialer chan struct{}

func (f failingDialer) DialContext(context.Context, string, string) (net.Conn, error) {
	<-f
	return nil, errors.New("nobody there")
}

// Of destinations that many wanted to reach at once nothing is left when nobody does
// any more, whether they were tried or given up in the queue.
func TestTransport_ForgetsDestinations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const destinations = 1000
		hold := make(failingDialer)
		tr := &Transport{MaxConns: 10, Config: &ClientConfig{TLS: InsecureNoTLS, Dialer: hold}}
		defer tr.Close()
		lanes := func() int {
			tr.mu.Lock()
			defer tr.mu.Unlock()
			return tr.lanes.Len()
		}
		patient, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range destinations {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = patient
			}
			all.Go(func() {
				if _, err := tr.Send(ctx, fmt.Sprintf("mx%d.example.org:25", i), envelope(t, "b"), strings.NewReader("x\r\n")); err == nil {
					t.Error("nobody was there")
				}
			})
		}
		synctest.Wait()
		require.Equal(t, destinations, lanes())
		cancel()
		synctest.Wait()
		require.LessOrEqual(t, lanes(), destinations/2+10)
		close(hold)
		all.Wait()
		synctest.Wait()
		require.Zero(t, lanes())
		require.Zero(t, tr.Stats().Conns)
	})
}
