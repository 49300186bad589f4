package smtp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// post is the envelope from office@example.org to recipients at example.net.
func post(t testing.TB, to ...string) smtp.Envelope {
	t.Helper()
	from, err := smtp.ParseAddress("office@example.org")
	require.NoError(t, err)
	env := smtp.Envelope{From: from}
	for _, name := range to {
		if !strings.Contains(name, "@") {
			name += "@example.net"
		}
		a, err := smtp.ParseAddress(name)
		require.NoError(t, err)
		env.To = append(env.To, smtp.Recipient{Address: a})
	}
	return env
}

// mail is a body that can be rewound.
func mail() io.Reader { return strings.NewReader("Subject: hello\r\n\r\nHello!\r\n") }

// pool returns a Transport to s, which is shut down when the test ends.
func pool(t testing.TB, s *smtptest.Server) *smtp.Transport {
	t.Helper()
	tr := &smtp.Transport{Config: s.ClientConfig("")}
	t.Cleanup(func() {
		require.NoError(t, tr.Shutdown(context.Background()))
		require.Zero(t, tr.Stats().Conns)
	})
	return tr
}

// sent sends one letter, which has to be accepted.
func sent(t testing.TB, tr *smtp.Transport, addr string) {
	t.Helper()
	result, err := tr.Send(t.Context(), addr, post(t, "a"), mail())
	require.NoError(t, err)
	require.Equal(t, smtp.Accepted, result.Outcome)
}

// One message after the other goes over one connection, and costs nothing but
// itself.
func TestTransport_Reuses(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]bool{"loopback": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.NewUnstartedServer(t)
			s.Memory = memory
			s.Start()
			tr := pool(t, s)
			var said dialogue
			tr.Config.Transcript = &said
			for range 5 {
				sent(t, tr, s.Addr)
			}
			stats := tr.Stats()
			require.EqualValues(t, 1, stats.Dialed)
			require.EqualValues(t, 4, stats.Reused)
			require.EqualValues(t, 5, stats.Accepted)
			require.Equal(t, 1, stats.Idle)
			require.Len(t, s.Messages(), 5)
			require.Equal(t, 5, said.count("C: MAIL"))
			for _, wasted := range []string{"C: NOOP", "C: RSET", "C: QUIT"} {
				require.Zero(t, said.count(wasted), wasted)
			}
		})
	}
}

// dialogue is a transcript to be looked at.
type dialogue struct {
	mu   sync.Mutex
	text strings.Builder
}

func (d *dialogue) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *dialogue) count(begin string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count("\n"+d.text.String(), "\n"+begin)
}

// A thousand messages at a time share ten connections.
func TestTransport_Concurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.MaxMessages = -1
		var all sync.WaitGroup
		for i := range 1000 {
			all.Go(func() {
				_, err := tr.Send(t.Context(), s.Addr, post(t, fmt.Sprintf("r%d", i)), mail())
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.Len(t, s.Messages(), 1000)
		stats := tr.Stats()
		require.EqualValues(t, 10, stats.Dialed)
		require.EqualValues(t, 990, stats.Reused)
		require.Equal(t, 10, stats.Idle)
		require.Zero(t, stats.Waiting)
	})
}

// MaxConns holds over all destinations, and nobody is forgotten.
func TestTransport_MaxConns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.MaxConns, tr.MaxConnsPerDestination = 3, 2
		var all sync.WaitGroup
		most := 0
		for i := range 200 {
			all.Go(func() {
				_, err := tr.Send(t.Context(), fmt.Sprintf("mx%d.example.net", i%20), post(t, "a"), mail())
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Go(func() {
			for range 1000 {
				most = max(most, tr.Stats().Conns)
				time.Sleep(time.Microsecond)
			}
		})
		all.Wait()
		require.Len(t, s.Messages(), 200)
		require.LessOrEqual(t, most, 3)
		require.LessOrEqual(t, tr.Stats().Conns, 3)
	})
}

// With one connection in all, a destination with work for a day lets others have
// their turn, and those who wait for it are served in the order they came.
func TestTransport_Fair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.MaxConns = 1
		var all sync.WaitGroup
		send := func(addr, to string) {
			all.Go(func() {
				_, err := tr.Send(t.Context(), addr, post(t, to), mail())
				if err != nil {
					t.Error(err)
				}
			})
			time.Sleep(time.Nanosecond) // so that all come one after the other
		}
		s.StallAfter(0)
		stalled, cancel := context.WithCancel(t.Context())
		all.Go(func() { tr.Send(stalled, "busy.example.net", post(t, "first"), mail()) })
		synctest.Wait()
		s.Heal()
		for i := range 100 {
			send("busy.example.net", fmt.Sprintf("busy%02d", i))
		}
		send("other.example.net", "other")
		cancel()
		all.Wait()
		var busy []string
		place := -1
		for i, m := range s.Messages() {
			if to := m.Envelope.To[0].Address.String(); to == "other@example.net" {
				place = i
			} else {
				busy = append(busy, to)
			}
		}
		require.Equal(t, 10, place, "after the fair share of the busy")
		require.Len(t, busy, 100)
		require.True(t, slices.IsSorted(busy), "%v", busy)
	})
}

func TestTransport_MaxMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.MaxMessages = 3
		for range 10 {
			sent(t, tr, s.Addr)
		}
		require.EqualValues(t, 4, tr.Stats().Dialed)
		perConn := map[string]int{}
		for _, m := range s.Messages() {
			perConn[m.Conn.ID]++
		}
		for _, n := range perConn {
			require.LessOrEqual(t, n, 3)
		}
	})
}

// An idle connection is given up in time, in good order.
func TestTransport_IdleTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		var said dialogue
		tr.Config.Transcript = &said
		tr.IdleTimeout = time.Minute
		sent(t, tr, s.Addr)
		time.Sleep(59 * time.Second)
		sent(t, tr, s.Addr)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, tr.Stats().Conns)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		stats := tr.Stats()
		require.Zero(t, stats.Conns)
		require.Zero(t, stats.Destinations)
		require.EqualValues(t, 1, stats.Expired)
		require.Equal(t, 1, said.count("C: QUIT"))
		require.Equal(t, 1, said.count("S: 221"))
		sent(t, tr, s.Addr)
		require.EqualValues(t, 2, tr.Stats().Dialed)
		tr.CloseIdle()
		synctest.Wait()
		require.Zero(t, tr.Stats().Conns)
	})
}

// Each message is counted, also one that never came to a connection.
func TestTransport_Counts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.Rate = 1
		sent(t, tr, s.Addr)
		soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := tr.Send(soon, s.Addr, post(t, "a"), mail())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = tr.Send(t.Context(), s.Addr, post(t), mail())
		require.Error(t, err)
		stats := tr.Stats()
		require.Equal(t, []int64{1, 2, 0}, []int64{stats.Accepted, stats.Refused, stats.Unknown})
	})
}

// A server that closes an idle connection, with a 421 or without, costs no error
// and no message, whatever the body.
func TestTransport_ServerClosesIdle(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func() io.Reader{
		"seeker": mail,
		"stream": func() io.Reader { return io.MultiReader(mail()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewUnstartedServer(t)
				s.Memory = true
				s.Config.Timeout = time.Minute
				s.Start()
				tr := pool(t, s)
				tr.IdleTimeout = time.Hour
				for i := range 3 {
					if i > 0 {
						time.Sleep(2 * time.Minute)
					}
					_, err := tr.Send(t.Context(), s.Addr, post(t, "a"), body())
					require.NoError(t, err)
				}
				stats := tr.Stats()
				require.EqualValues(t, 3, stats.Dialed)
				require.EqualValues(t, 2, stats.Stale)
				require.Zero(t, stats.Retries, "noticed beforehand")
				require.Len(t, s.Messages(), 3)
			})
		})
	}
}

func TestTransport_Rate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.Rate, tr.Burst = 2, 3
		start := time.Now()
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { sent(t, tr, s.Addr) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		time.Sleep(100 * time.Millisecond) // of the bubble: to look at an idle connection takes a moment
		require.Len(t, s.Messages(), 3)
		_, err := tr.Send(ctx, s.Addr, post(t, "late"), mail())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.True(t, smtp.SafeToRetry(err))
		all.Wait()
		took := time.Since(start)
		require.GreaterOrEqual(t, took, 7*time.Second/2)
		require.Less(t, took, 4*time.Second, "who gives up makes room")

		start = time.Now()
		sent(t, tr, "other.example.net") // has a rate of its own
		require.Less(t, time.Since(start), time.Second/2)
	})
}

// Who gives up in the queue harms nobody.
func TestTransport_CancelQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewUnstartedServer(t)
		s.Memory = true
		hold := make(chan struct{})
		s.Config.Handler = smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			<-hold
			return s.ServeSMTP(ctx, tx)
		})
		s.Start()
		tr := pool(t, s)
		tr.MaxConns = 1
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		all.Go(func() { sent(t, tr, s.Addr) })
		synctest.Wait()
		for range 5 {
			all.Go(func() {
				result, err := tr.Send(ctx, s.Addr, post(t, "b"), mail())
				if !errors.Is(err, cause) || result.Outcome != smtp.Refused || !result.Recipients[0].Temporary {
					t.Error(err)
				}
			})
			all.Go(func() { sent(t, tr, s.Addr) })
		}
		synctest.Wait()
		require.Equal(t, 10, tr.Stats().Waiting)
		cancel(cause)
		synctest.Wait()
		require.Equal(t, 5, tr.Stats().Waiting)
		close(hold)
		all.Wait()
		require.Len(t, s.Messages(), 6)
		_, err := tr.Send(ctx, s.Addr, post(t, "b"), mail())
		require.ErrorIs(t, err, cause)
	})
}

// Shutdown lets those finish who have begun, in the queue too, and takes leave.
func TestTransport_Shutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewUnstartedServer(t)
		s.Memory = true
		s.Config.Handler = smtp.HandlerFunc(func(ctx context.Context, tx *smtp.Transaction) error {
			time.Sleep(time.Second)
			return s.ServeSMTP(ctx, tx)
		})
		s.Start()
		tr := pool(t, s)
		tr.MaxConns = 2
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { sent(t, tr, s.Addr) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, tr.Shutdown(ctx), context.DeadlineExceeded)
		_, err := tr.Send(t.Context(), s.Addr, post(t, "b"), mail())
		require.ErrorIs(t, err, smtp.ErrTransportClosed)
		require.NoError(t, tr.Shutdown(t.Context()))
		require.Len(t, s.Messages(), 10)
		require.Zero(t, tr.Stats().Conns)
		all.Wait()
	})
}

// Close cuts what is under way, and says so to all.
func TestTransport_Close(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewUnstartedServer(t)
		s.Memory = true
		stopped := make(chan struct{})
		defer close(stopped)
		s.Config.Handler = smtp.HandlerFunc(func(ctx context.Context, _ *smtp.Transaction) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		s.Start()
		tr := pool(t, s)
		tr.MaxConns, tr.MaxInFlight = 2, 1
		var mu sync.Mutex
		outcomes := map[smtp.Outcome]int{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				result, err := tr.Send(t.Context(), s.Addr, post(t, "a"), mail())
				if err == nil || smtp.SafeToRetry(err) != (result.Outcome == smtp.Refused) {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[result.Outcome]++
			})
		}
		synctest.Wait()
		require.NoError(t, tr.Close())
		all.Wait()
		require.Equal(t, map[smtp.Outcome]int{smtp.Unknown: 2, smtp.Refused: 8}, outcomes)
		_, err := tr.Send(t.Context(), s.Addr, post(t, "b"), mail())
		require.ErrorIs(t, err, smtp.ErrTransportClosed)
		require.NoError(t, tr.Close())
	})
}

// A panic of the body goes on to the caller, and takes no slot with it.
func TestTransport_Panic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.MaxConns = 1
		for range 3 {
			require.PanicsWithValue(t, "no body", func() {
				tr.Send(t.Context(), s.Addr, post(t, "a"), panicking{})
			})
		}
		sent(t, tr, s.Addr)
		require.Len(t, s.Messages(), 1)
	})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("no body") }

// What cannot be sent at all needs no connection.
func TestTransport_Unsendable(t *testing.T) {
	t.Parallel()
	var tr smtp.Transport
	for name, tt := range map[string]struct {
		addr string
		env  smtp.Envelope
		body io.Reader
	}{
		"no recipients": {"mx.example.net", post(t), mail()},
		"no body":       {"mx.example.net", post(t, "a"), nil},
		"no host":       {":25", post(t, "a"), mail()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := tr.Send(t.Context(), tt.addr, tt.env, tt.body)
			var failure *smtp.SendError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, smtp.Refused, result.Outcome)
			require.Len(t, result.Recipients, len(tt.env.To))
		})
	}
	require.Zero(t, tr.Stats().Dialed)
}

// Connections without work have no goroutine and wait for nothing.
func TestTransport_IdleIsIdle(t *testing.T) {
	s := smtptest.NewServer(t)
	tr := pool(t, s)
	tr.MaxInFlight = 1
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := tr.Send(t.Context(), s.Addr, post(t, "a"), mail()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Positive(t, tr.Stats().Idle)
	var stacks strings.Builder
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
	for _, owner := range []string{"smtp.(*Client)", "smtp.(*sending)", "smtp.(*delivery)"} {
		require.NotContains(t, stacks.String(), owner)
	}
}

// On real sockets a server may say goodbye at any moment: also then every message
// arrives once.
func TestTransport_GoodbyesOnLoopback(t *testing.T) {
	t.Parallel()
	for _, implicit := range []bool{false, true} {
		s := smtptest.NewUnstartedServer(t)
		s.ImplicitTLS = implicit
		s.Start()
		s.Misbehave(smtptest.Fault{At: smtptest.AtIdle, Delay: time.Millisecond, Say: "421 4.4.2 idle\r\n", Then: smtptest.Close})
		tr := pool(t, s)
		for i := range 30 {
			if !implicit {
				tr.Config.TLS = smtp.InsecureNoTLS
			}
			sent(t, tr, s.Addr)
			if i%3 == 0 {
				require.Eventually(t, func() bool { return len(s.Messages()) > i }, time.Minute, 2*time.Millisecond)
			}
		}
		require.Len(t, s.Messages(), 30)
	}
}
