package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func from(addr string) ConnectionState {
	return ConnectionState{Protocol: POP3, RemoteAddr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
}

// attempt is one that ends in err, and says how long it was delayed.
func attempt(t *testing.T, b *Budget, cs ConnectionState, user string, err error) time.Duration {
	t.Helper()
	begin := time.Now()
	end, refused := b.Begin(t.Context(), cs, user)
	require.NoError(t, refused)
	end(err)
	return time.Since(begin)
}

func TestBudgetGrowsAndRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := new(Budget)
		var delays []time.Duration
		for i := range 17 {
			cs := from(fmt.Sprintf("198.51.%d.1:1", i)) // each from another network
			delays = append(delays, attempt(t, b, cs, "tim", ErrCredentials).Round(time.Second)/time.Second)
		}
		require.Equal(t, []time.Duration{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15}, delays)
		require.Equal(t, 15*time.Second, attempt(t, b, from("203.0.113.1:1"), "Tim", nil), "a right one is delayed as well")
		require.Zero(t, attempt(t, b, from("203.0.113.1:1"), "ann", ErrCredentials), "others are not")
		time.Sleep(3 * time.Minute)
		require.Equal(t, 2*time.Second, attempt(t, b, from("203.0.114.1:1"), "tim", nil), "some are forgiven")
		time.Sleep(time.Minute)
		require.Equal(t, time.Second, attempt(t, b, from("203.0.115.1:1"), "tim", nil))
		time.Sleep(time.Minute)
		require.Zero(t, attempt(t, b, from("203.0.116.1:1"), "tim", nil))
	})
}

func TestBudgetOfNetworks(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name          string
		b             *Budget
		first, second string
		shared        bool
	}{
		{"one address", &Budget{}, "192.0.2.1:1", "192.0.2.1:2", true},
		{"/24", &Budget{}, "192.0.2.1:1", "192.0.2.255:1", true},
		{"mapped", &Budget{}, "192.0.2.1:1", "[::ffff:192.0.2.9]:1", true},
		{"another /24", &Budget{}, "192.0.2.1:1", "192.0.3.1:1", false},
		{"/32", &Budget{IPv4Bits: 32}, "192.0.2.1:1", "192.0.2.2:1", false},
		{"/16", &Budget{IPv4Bits: 16}, "192.0.2.1:1", "192.0.3.1:1", true},
		{"beyond /32", &Budget{IPv4Bits: 99}, "192.0.2.1:1", "192.0.2.1:1", true},
		{"/64", &Budget{}, "[2001:db8::1]:1", "[2001:db8::ffff:1]:1", true},
		{"another /64", &Budget{}, "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"/48", &Budget{IPv6Bits: 48}, "[2001:db8::1]:1", "[2001:db8:0:1::1]:1", true},
		{"loopback", &Budget{}, "127.0.0.1:1", "127.0.0.1:1", false},
		{"loopback of IPv6", &Budget{}, "[::1]:1", "[::1]:1", false},
		{"any number", &Budget{PerNet: -1}, "192.0.2.1:1", "192.0.2.1:1", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for i := range 30 {
					require.Zero(t, attempt(t, row.b, from(row.first), fmt.Sprint(i), ErrCredentials))
				}
				got := attempt(t, row.b, from(row.second), "other", ErrCredentials)
				require.Equal(t, row.shared, got > 0, got)
			})
		})
	}
}

// TestBudgetOfManyNetworks: who has all the networks of a /48 has not as many budgets.
func TestBudgetOfManyNetworks(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*Budget{"by default": {}, "said": {PerNet: 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				free := 10 * cmp.Or(b.PerNet, 30)
				for i := range free {
					require.Zero(t, attempt(t, b, from(fmt.Sprintf("[2001:db8:0:%x::1]:1", i)), fmt.Sprint(i), ErrCredentials))
				}
				require.NotZero(t, attempt(t, b, from("[2001:db8:0:ffff::1]:1"), "other", ErrCredentials))
				require.Zero(t, attempt(t, b, from("[2001:db8:1::1]:1"), "other", ErrCredentials))
			})
		})
	}
}

// TestBudgetOfNobody: an address that is none has no network, and the account counts.
func TestBudgetOfNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{PerAccount: 1}
		for _, addr := range []net.Addr{nil, &net.UnixAddr{Name: "/x"}} {
			for range 40 {
				require.Zero(t, attempt(t, b, ConnectionState{RemoteAddr: addr}, "", ErrCredentials))
			}
		}
		attempt(t, b, ConnectionState{}, "tim", ErrCredentials)
		require.NotZero(t, attempt(t, b, ConnectionState{}, "tim", ErrCredentials))
		require.Zero(t, attempt(t, &Budget{PerAccount: -1}, ConnectionState{}, "tim", ErrCredentials))
	})
}

// TestBudgetWhatCounts.
func TestBudgetWhatCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			name string
			err  error
			want bool
		}{
			{"success", nil, false},
			{"refusal", ErrCredentials, true},
			{"wrapped", fmt.Errorf("%w: unfit", ErrCredentials), true},
			{"outage", errors.New("down"), false},
		} {
			b := &Budget{PerAccount: 1}
			for i := range 5 {
				attempt(t, b, from(fmt.Sprintf("198.51.%d.1:1", i)), "tim", row.err)
			}
			require.Equal(t, row.want, attempt(t, b, from("192.0.2.1:1"), "tim", nil) > 0, row.name)
		}
		b := &Budget{PerAccount: 1}
		_, err := b.Begin(t.Context(), from("192.0.2.1:1"), "tim")
		require.NoError(t, err)
		require.NotZero(t, attempt(t, b, from("192.0.2.1:1"), "tim", nil), "one that was broken off")

		// Many at once count as many.
		b = &Budget{PerAccount: 3}
		var begun []func(error)
		for range 3 {
			end, err := b.Begin(t.Context(), from("192.0.2.1:1"), "tim")
			require.NoError(t, err)
			begun = append(begun, end)
		}
		start := time.Now()
		end, err := b.Begin(t.Context(), from("192.0.2.1:1"), "tim")
		require.NoError(t, err)
		require.Equal(t, time.Second, time.Since(start))
		for _, end := range append(begun, end) {
			end(nil)
		}
		require.Zero(t, attempt(t, b, from("192.0.2.2:1"), "tim", nil))
	})
}

// TestBudgetLeavesTheOwnerAlone: who guesses at an account elsewhere does not delay those
// who are at home, and who has an account of his own does not gain by it.
func TestBudgetLeavesTheOwnerAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := new(Budget)
		require.Zero(t, attempt(t, b, from("192.0.2.1:1"), "tim", nil))
		for i := range 40 {
			attempt(t, b, from("198.51.100.1:1"), fmt.Sprint("tim", i%2)[:3], ErrCredentials)
		}
		require.Zero(t, attempt(t, b, from("192.0.2.77:1"), "tim", nil), "of the same network as before")
		require.NotZero(t, attempt(t, b, from("203.0.113.1:1"), "tim", nil), "elsewhere")
		require.Zero(t, attempt(t, b, from("203.0.113.1:1"), "tim", nil), "which is known now")

		// A telephone with an old password delays its owner, and not the office.
		for range 40 {
			attempt(t, b, from("192.0.2.1:1"), "tim", ErrCredentials)
		}
		require.NotZero(t, attempt(t, b, from("192.0.2.1:1"), "tim", nil))
		require.Zero(t, attempt(t, b, from("192.0.2.1:1"), "ann", nil))

		// Successes between do not help who guesses.
		b = new(Budget)
		attempt(t, b, from("192.0.2.1:1"), "mallory", nil)
		var total time.Duration
		for i := range 40 {
			total += attempt(t, b, from("192.0.2.1:1"), fmt.Sprint("victim", i), ErrCredentials)
			attempt(t, b, from("192.0.2.1:1"), "mallory", nil)
		}
		require.Greater(t, total, time.Minute)
	})
}

// TestBudgetMaxDelayed: those who wait have a limit, each for itself and all together.
func TestBudgetMaxDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{PerAccount: 1, PerNet: -1, MaxDelayed: 20}
		var wg sync.WaitGroup
		addr := 0
		try := func(user string) (err error) {
			done := make(chan error, 1)
			addr++
			cs := from(fmt.Sprintf("198.51.%d.1:1", addr)) // each from another network
			wg.Go(func() {
				end, err := b.Begin(context.Background(), cs, user)
				if err == nil {
					end(ErrCredentials)
				}
				done <- err
			})
			synctest.Wait()
			select {
			case err := <-done:
				return err
			default:
				return nil // it waits
			}
		}
		for i := range 12 {
			user := fmt.Sprint("user", i)
			attempt(t, b, from("192.0.2.1:1"), user, ErrCredentials)
		}
		for i := range 10 {
			user := fmt.Sprint("user", i)
			require.NoError(t, try(user))
			require.NoError(t, try(user))
			require.ErrorIs(t, try(user), ErrThrottled, "two are a tenth")
		}
		require.ErrorIs(t, try("user10"), ErrThrottled, "all places are taken")
		require.NoError(t, try("new"), "who is not delayed needs none")
		time.Sleep(time.Minute)
		wg.Wait()
		require.Zero(t, b.delayed)
		require.NoError(t, try("user10"))
		require.NotErrorIs(t, ErrThrottled, ErrCredentials)
		time.Sleep(time.Minute)
		wg.Wait()
	})
}

// TestBudgetLocksNobodyOut: who guesses from one network as often as he can leaves places
// for an owner who has not been seen before.
func TestBudgetLocksNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := new(Budget)
		var wg sync.WaitGroup
		begin := time.Now()
		var throttled atomic.Int32
		for range 20 {
			wg.Go(func() {
				for time.Since(begin) < time.Hour {
					end, err := b.Begin(context.Background(), from("203.0.113.1:1"), "tim")
					if err != nil {
						throttled.Add(1)
						time.Sleep(time.Second)
						continue
					}
					end(ErrCredentials)
				}
			})
		}
		for i := range 30 {
			time.Sleep(time.Minute)
			took := attempt(t, b, from(fmt.Sprintf("198.51.%d.1:1", i)), "tim", nil)
			require.LessOrEqual(t, took, 15*time.Second)
		}
		wg.Wait()
		require.NotZero(t, throttled.Load())
		require.Zero(t, b.delayed)
		require.Empty(t, b.waiting)
	})
}

// TestBudgetGivesBackWhatItTook: attempts that come to nothing, while the delay is the
// longest and they are not counted any more, do not shorten it.
func TestBudgetGivesBackWhatItTook(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]error{"outage": errOutage, "malformed": malformed("proof"), "success": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := &Budget{PerNet: -1}
				var ends []func(error)
				for i := range 60 {
					attempt(t, b, from(fmt.Sprintf("203.0.%d.1:1", i)), "tim", ErrCredentials)
				}
				var wg sync.WaitGroup
				var mu sync.Mutex
				for i := range 10 {
					wg.Go(func() {
						e, err := b.Begin(t.Context(), from(fmt.Sprintf("192.0.%d.1:1", i)), "tim")
						require.NoError(t, err)
						mu.Lock()
						defer mu.Unlock()
						ends = append(ends, e)
					})
				}
				wg.Wait()
				for _, e := range ends {
					e(end)
				}
				require.Equal(t, 15*time.Second, attempt(t, b, from("198.51.100.1:1"), "tim", ErrCredentials))
			})
		})
	}
}

func TestBudgetHeedsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{PerAccount: 1}
		attempt(t, b, from("192.0.2.1:1"), "tim", ErrCredentials)
		for range 5 {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("closed"))
			_, err := b.Begin(ctx, from("192.0.2.1:1"), "tim")
			cancel()
			require.EqualError(t, err, "closed")
		}
		require.Zero(t, b.delayed)
		require.Equal(t, time.Second, attempt(t, b, from("192.0.2.1:1"), "tim", nil), "what was not verified is no failure")
	})
}

func TestBudgetMaxEntries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{MaxEntries: 10, PerAccount: 1, PerNet: -1}
		attempt(t, b, from("192.0.2.1:1"), "owner", nil)
		attempt(t, b, from("192.0.2.1:1"), "tim", ErrCredentials)
		for i := range 9 {
			attempt(t, b, from("198.51.100.1:1"), fmt.Sprint(i), ErrCredentials)
		}
		require.NotZero(t, attempt(t, b, from("192.0.2.1:1"), "tim", ErrCredentials))
		for i := range 50 {
			attempt(t, b, from("198.51.100.1:1"), fmt.Sprint("a", i), ErrCredentials)
		}
		require.Equal(t, 10, b.failures.order.Len())
		require.Equal(t, 10, b.failures.byID.Len())
		require.Zero(t, attempt(t, b, from("192.0.2.1:1"), "tim", nil), "forgotten")
		require.Equal(t, 2, b.known.order.Len(), "successes are not pushed out by failures")
	})
}

// TestBudgetForgetsAnAttack: when many have guessed at many accounts from many networks,
// and given up, nothing of it is kept for as long as the server lives.
func TestBudgetForgetsAnAttack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const guessers = 3000
		b := new(Budget)
		attempt(t, b, from("192.0.2.1:1"), "owner", nil)
		for i := range guessers {
			attempt(t, b, from(fmt.Sprintf("10.%d.%d.1:1", i/256, i%256)), fmt.Sprint(i), ErrCredentials)
		}
		require.Equal(t, 2*guessers, b.failures.order.Len())
		time.Sleep(2 * defaultRecovery)
		before := 2 * guessers
		for range 2*guessers/maxForgiven + 1 {
			attempt(t, b, from("192.0.2.1:1"), "owner", nil)
			require.GreaterOrEqual(t, b.failures.order.Len(), before-maxForgiven, "nobody waits for all of it")
			before = b.failures.order.Len()
		}
		require.LessOrEqual(t, b.failures.order.Len(), 1)
		require.Equal(t, b.failures.order.Len(), b.failures.byID.Len())
		require.Equal(t, 1, b.known.order.Len(), "who has logged in is remembered")
	})
}
