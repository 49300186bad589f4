package popbefore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/posthouse/posthouse/auth"
)

// message is one from an address.
func message(from string, recipients int) Message {
	return Message{ID: "s-1.1", Conn: sender("192.0.2.7:1"), From: from, Recipients: recipients}
}

// ownSender lets a user send as user@example.org.
func ownSender(_ context.Context, id auth.Identity, from string) error {
	switch from {
	case id.Name + "@example.org":
		return nil
	case "?":
		return errors.New("directory is down")
	}
	return fmt.Errorf("%w: %s", ErrSender, from)
}

func TestRelayCounts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		grants     *Grants
		recipients []int // of one message after the other
		refused    int   // the first that is
	}{
		{"messages", &Grants{MaxMessages: 2}, []int{1, 1, 1}, 2},
		{"recipients", &Grants{MaxRecipients: 5}, []int{3, 3}, 1},
		{"exactly", &Grants{MaxRecipients: 6}, []int{3, 3, 1}, 2},
		{"by default", &Grants{}, append(make([]int, 100), 0), 100},
		{"recipients by default", &Grants{}, []int{1000, 1}, 1},
		{"any number", &Grants{MaxMessages: -1, MaxRecipients: -1}, make([]int, 500), -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := row.grants
			g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
			for i, n := range row.recipients {
				_, err := g.Relay(t.Context(), message("", n))
				if i == row.refused {
					require.ErrorIs(t, err, ErrSpent)
					break
				}
				require.NoError(t, err, i)
			}
			if row.refused < 0 {
				return
			}
			g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
			_, err := g.Relay(t.Context(), message("", 1))
			require.NoError(t, err, "a new login helps")
		})
	}
}

// TestLastMessageGoesToOne: of many at once just as many get through as may.
func TestLastMessageGoesToOne(t *testing.T) {
	t.Parallel()
	g := &Grants{MaxMessages: 7}
	g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
	var sent atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := g.Relay(context.Background(), message("", 1)); err == nil {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 7, sent.Load())
}

func TestRelayIsBoundToTheAccount(t *testing.T) {
	t.Parallel()
	g := &Grants{VerifySender: ownSender, MaxMessages: 1}
	_, err := g.Relay(t.Context(), message("tim@example.org", 1))
	require.ErrorIs(t, err, ErrNoGrant)
	g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
	g.Observe(t.Context(), login("ann", "192.0.2.7:1"))
	for _, from := range []string{"joe@example.org", "", "tim@elsewhere.test"} {
		_, err = g.Relay(t.Context(), message(from, 1))
		require.ErrorIs(t, err, ErrSender, from)
	}
	_, err = g.Relay(t.Context(), message("?", 1))
	require.ErrorContains(t, err, "directory is down")
	for _, sentinel := range []error{ErrNoGrant, ErrSender, ErrSpent} {
		require.NotErrorIs(t, err, sentinel)
	}
	grant, err := g.Relay(t.Context(), message("tim@example.org", 1))
	require.NoError(t, err, "of two at one address the right one is found")
	require.Equal(t, "tim", grant.Identity.User)
	_, err = g.Relay(t.Context(), message("tim@example.org", 1))
	require.ErrorIs(t, err, ErrSpent, "and nobody else's is used")
	require.NoError(t, g.Revoke(t.Context(), "ann"))
	_, err = g.Relay(t.Context(), message("ann@example.org", 1))
	require.ErrorIs(t, err, ErrSender)
}

func TestRelayEndsWithTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := new(Grants)
		g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
		found, err := g.Lookup(t.Context(), sender("192.0.2.7:1"))
		require.NoError(t, err)
		time.Sleep(defaultWindow)
		require.ErrorIs(t, g.own.Spend(t.Context(), found[0].ID, 1), ErrNoGrant)
		require.Zero(t, g.own.Len())
		_, err = g.Relay(t.Context(), message("", 1))
		require.ErrorIs(t, err, ErrNoGrant)
	})
}

// brokenStore fails where it is told to.
type brokenStore struct {
	Memory
	put, list, spend, revoke error
}

func (b *brokenStore) Put(ctx context.Context, g Grant, window time.Duration) error {
	return errors.Join(b.put, b.Memory.Put(ctx, g, window))
}

func (b *brokenStore) List(ctx context.Context, net netip.Prefix) ([]Grant, error) {
	found, _ := b.Memory.List(ctx, net)
	return found, b.list
}

func (b *brokenStore) Spend(ctx context.Context, id string, n int) error {
	return errors.Join(b.spend, b.Memory.Spend(ctx, id, n))
}

func (b *brokenStore) Revoke(context.Context, string) error          { return b.revoke }
func (b *brokenStore) RevokeNet(context.Context, netip.Prefix) error { return b.revoke }

// TestBrokenStoreGivesNothing, whatever it returns beside its error.
func TestBrokenStoreGivesNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("store is down")
	var log bytes.Buffer
	store := new(brokenStore)
	g := &Grants{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
	store.put = down
	g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
	require.Contains(t, log.String(), "level=ERROR")
	store.put = nil
	g.Observe(t.Context(), login("tim", "192.0.2.7:1"))

	store.list = down
	log.Reset()
	require.False(t, g.MayRelay(t.Context(), sender("192.0.2.7:1")))
	require.Contains(t, log.String(), "level=ERROR")
	_, err := g.Relay(t.Context(), message("", 1))
	require.ErrorIs(t, err, down)
	store.list, store.spend = nil, down
	_, err = g.Relay(t.Context(), message("", 1))
	require.ErrorIs(t, err, down)
	store.revoke = down
	require.ErrorIs(t, g.Revoke(t.Context(), "tim"), down)
	require.ErrorIs(t, g.RevokeNet(t.Context(), netip.MustParsePrefix("0.0.0.0/0")), down)
}

// TestLogJoinsMessageToLogin.
func TestLogJoinsMessageToLogin(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := &Grants{Log: slog.New(slog.NewTextHandler(&log, nil))}
	g.Observe(t.Context(), login("tim", "192.0.2.7:1"))
	grant, err := g.Relay(t.Context(), message("tim@example.org", 3))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2)
	require.Contains(t, lines[0], `msg="grant given" conn=p-1 grant=`+grant.ID+" user=tim peer=192.0.2.7/32 window=15m0s")
	require.Contains(t, lines[1], `msg="sent on a grant" conn=s-1 message=s-1.1 grant=`+grant.ID+" user=tim peer=192.0.2.7/32 recipients=3 session=p-1")
	require.NotContains(t, log.String(), "example.org", "no addresses of mail")
}
