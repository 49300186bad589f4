package conn

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/internal/testnet"
)

// host is one whose addresses behave as they are written: after so long they
// refuse, or accept if that is negative; zero is never.
type host struct {
	addrs []string
	after map[string]time.Duration

	mu     sync.Mutex
	tried  []string
	closed int
}

var errRefused = errors.New("refused")

func (h *host) lookup(context.Context, string, string) (addrs []netip.Addr, err error) {
	for _, a := range h.addrs {
		addrs = append(addrs, netip.MustParseAddr(a))
	}
	return addrs, nil
}

func (h *host) dial(ctx context.Context, _, address string) (net.Conn, error) {
	a, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.tried = append(h.tried, a)
	h.mu.Unlock()
	after := h.after[a]
	if after == 0 {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	time.Sleep(after.Abs()) // also when ctx ends: such a connection comes late
	if after > 0 {
		return nil, errRefused
	}
	near, _ := testnet.Pipe()
	return &counted{near, h}, nil
}

type counted struct {
	net.Conn
	of *host
}

func (c *counted) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.closed++
	return c.Conn.Close()
}

func TestRacer(t *testing.T) {
	t.Parallel()
	const (
		a4, b4, a6, b6 = "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"
		ms             = time.Millisecond
	)
	for name, tt := range map[string]struct {
		*host
		tries []string
		takes time.Duration
		err   error
	}{
		"one address":                  {&host{addrs: []string{a4}, after: map[string]time.Duration{a4: -30 * ms}}, []string{a4}, 30 * ms, nil},
		"the first swallows all":       {&host{addrs: []string{a6, a4}, after: map[string]time.Duration{a4: -30 * ms}}, []string{a6, a4}, 280 * ms, nil},
		"the same within one family":   {&host{addrs: []string{a4, b4}, after: map[string]time.Duration{b4: -30 * ms}}, []string{a4, b4}, 280 * ms, nil},
		"the first refuses":            {&host{addrs: []string{a6, a4}, after: map[string]time.Duration{a6: 10 * ms, a4: -30 * ms}}, []string{a6, a4}, 40 * ms, nil},
		"the first is slow, but first": {&host{addrs: []string{a6, a4}, after: map[string]time.Duration{a6: -260 * ms, a4: -30 * ms}}, []string{a6, a4}, 280 * ms, nil},
		"families in turn": {
			&host{addrs: []string{a6, b6, a4, b4}, after: map[string]time.Duration{b4: -1}},
			[]string{a6, a4, b6, b4},
			750*ms + 1, nil,
		},
		"all refuse":      {&host{addrs: []string{a6, a4}, after: map[string]time.Duration{a6: 10 * ms, a4: 10 * ms}}, []string{a6, a4}, 20 * ms, errRefused},
		"nobody answers":  {&host{addrs: []string{a6, a4}}, []string{a6, a4}, time.Minute, context.DeadlineExceeded},
		"mapped is IPv4":  {&host{addrs: []string{"::ffff:192.0.2.1", a6, b4}, after: map[string]time.Duration{b4: -1}}, []string{a4, a6, b4}, 500*ms + 1, nil},
		"no address":      {&host{}, nil, 0, nil},
		"an address only": {&host{after: map[string]time.Duration{a4: -1}}, []string{a4}, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &Racer{Lookup: tt.lookup, Dial: tt.dial}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				address := "mx.example.org:25"
				if name == "an address only" {
					address = a4 + ":25"
				}
				begin := time.Now()
				nc, err := r.DialContext(ctx, "tcp", address)
				require.Equal(t, tt.takes, time.Since(begin))
				require.Equal(t, tt.tries, tt.tried)
				if name == "no address" {
					var none *net.DNSError
					require.ErrorAs(t, err, &none)
					return
				}
				if require.ErrorIs(t, err, tt.err); err == nil {
					require.NoError(t, nc.Close())
					require.Equal(t, map[bool]int{false: 1, true: 2}[name == "the first is slow, but first"], tt.closed, "none is left open")
				}
			})
		})
	}
}

// What has many addresses is not tried at all of them.
func TestRacer_ManyAddresses(t *testing.T) {
	t.Parallel()
	addrs := make([]netip.Addr, 1000)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
	}
	require.Len(t, inTurn(addrs), maxAddresses)
}
