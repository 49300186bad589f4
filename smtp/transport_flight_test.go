package smtp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
	"github.com/posthouse/posthouse/smtp"
	"github.com/posthouse/posthouse/smtp/smtptest"
)

// distant reaches a server whose answers take their time on the way.
type distant struct {
	*smtptest.Server
	trip time.Duration
}

func (d distant) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	far, err := d.Server.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	near, relay := testnet.Pipe()
	type arrival struct {
		octets []byte
		due    time.Time
	}
	queue := make(chan arrival, 10_000)
	go func() {
		defer far.Close()
		io.Copy(far, relay)
	}()
	go func() {
		defer close(queue)
		for {
			buf := make([]byte, 4<<10)
			n, err := far.Read(buf)
			if n > 0 {
				queue <- arrival{buf[:n], time.Now().Add(d.trip)}
			}
			if err != nil {
				return
			}
		}
	}()
	go func() {
		for a := range queue {
			time.Sleep(time.Until(a.due))
			relay.Write(a.octets)
		}
		relay.CloseWrite()
	}()
	return near, nil
}

// Messages that wait for one connection to a distant server do not wait for each
// other's answers, and one that is too large to fly along waits for its turn.
func TestTransport_Flights(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		inFlight int
		least    time.Duration
		most     time.Duration
	}{
		"by default":  {0, time.Second, 5 * time.Second},
		"many":        {32, time.Second, 3 * time.Second},
		"one by one":  {1, 20 * time.Second, 40 * time.Second},
		"two by two":  {2, 5 * time.Second, 20 * time.Second},
		"as they say": {1000, time.Second, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() { time.Sleep(time.Hour) }) // until nothing is on its way
				s := smtptest.NewMemoryServer(t)
				tr := pool(t, s)
				tr.Config.TLS, tr.Config.Dialer = smtp.InsecureNoTLS, distant{s, time.Second}
				tr.Config.Timeout, tr.Config.DataTimeout = time.Hour, time.Hour
				tr.MaxConns, tr.MaxInFlight = 1, tt.inFlight
				sent(t, tr, s.Addr)
				start := time.Now()
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						result, err := tr.Send(t.Context(), s.Addr, post(t, "a", "b"), io.MultiReader(mail()))
						if err != nil || result.Outcome != smtp.Accepted || len(result.Recipients) != 2 {
							t.Error(err)
						}
					})
				}
				all.Wait()
				took := time.Since(start)
				require.GreaterOrEqual(t, took, tt.least)
				require.LessOrEqual(t, took, tt.most)
				require.Len(t, s.Messages(), 21)
				stats := tr.Stats()
				require.EqualValues(t, 1, stats.Dialed)
				require.Equal(t, tt.inFlight == 1, stats.Shared == 0)

				large := "Subject: large\r\n\r\n" + strings.Repeat("x\r\n", 50_000)
				for i := range 10 {
					all.Go(func() {
						body := "Subject: small\r\n\r\nx\r\n"
						if i%3 == 0 {
							body = large
						}
						if _, err := tr.Send(t.Context(), s.Addr, post(t, "a"), strings.NewReader(body)); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				got := 0
				for _, m := range s.Messages()[21:] {
					if string(m.Data) == large {
						got++
					} else {
						require.Equal(t, "Subject: small\r\n\r\nx\r\n", string(m.Data))
					}
				}
				require.Equal(t, 4, got)
			})
		})
	}
}

// Who gives up a message in flight takes nobody with him, and learns that nobody
// knows what became of it.
func TestTransport_FlightCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Hour) }) // until nothing is on its way
		s := smtptest.NewMemoryServer(t)
		tr := pool(t, s)
		tr.Config.TLS, tr.Config.Dialer = smtp.InsecureNoTLS, distant{s, time.Minute}
		tr.Config.Timeout, tr.Config.DataTimeout = time.Hour, time.Hour
		tr.MaxConns = 1
		sent(t, tr, s.Addr)
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() {
				with := t.Context()
				if i%2 == 1 {
					with = ctx
				}
				start := time.Now()
				result, err := tr.Send(with, s.Addr, post(t, "a"), mail())
				switch {
				case i%2 == 0 && err != nil:
					t.Error(err)
				case i%2 == 1 && (!errors.Is(err, cause) || result.Outcome == smtp.Accepted || time.Since(start) > time.Second):
					t.Errorf("%v after %v", err, time.Since(start))
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		cancel(cause)
		all.Wait()
		require.EqualValues(t, 1, tr.Stats().Dialed)
		require.GreaterOrEqual(t, len(s.Messages()), 4)
	})
}

// A server that goes away amid a flight leaves unknown what had left, and nothing
// else; what it has not taken for certain goes over another connection.
func TestTransport_FlightLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]smtptest.Fault{
		"lost reply": {At: smtptest.AtEnd, Skip: 3, Times: 1, Mute: true, Then: smtptest.Close},
		"reset":      {At: smtptest.AtEnd, Skip: 3, Times: 1, Mute: true, Then: smtptest.Reset},
		"421":        {At: smtptest.AtMAIL, Skip: 3, Times: 1, Say: "421 4.3.2 bye\r\n", Then: smtptest.Close},
		"nonsense":   {At: smtptest.AtRCPT, Skip: 3, Times: 1, Say: "250-x\r\n550 y\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := smtptest.NewMemoryServer(t)
				s.Misbehave(fault)
				tr := pool(t, s)
				tr.MaxConns = 1
				var mu sync.Mutex
				outcomes := map[string]smtp.Outcome{}
				var all sync.WaitGroup
				for _, to := range names(20) {
					all.Go(func() {
						result, err := tr.Send(t.Context(), s.Addr, post(t, to), mail())
						if smtp.SafeToRetry(err) && result.Outcome != smtp.Refused {
							t.Error(err)
						}
						mu.Lock()
						defer mu.Unlock()
						outcomes[to] = result.Outcome
					})
				}
				all.Wait()
				got := map[string]int{}
				for _, to := range arrived(s) {
					got[to]++
				}
				for to, outcome := range outcomes {
					if name == "421" { // what left behind it goes over another connection
						require.Equal(t, smtp.Accepted, outcome)
					}
					switch outcome {
					case smtp.Accepted:
						require.Equal(t, 1, got[to], to)
					case smtp.Refused:
						require.Zero(t, got[to], to)
					default:
						require.LessOrEqual(t, got[to], 1, to)
					}
				}
				require.LessOrEqual(t, tr.Stats().Dialed, int64(4))
			})
		})
	}
}
