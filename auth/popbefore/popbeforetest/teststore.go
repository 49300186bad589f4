package popbeforetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/auth/popbefore"
)

// TestStore holds a store to the rules of popbefore.Store. open returns one that is empty;
// it is called for each rule, and cleans up by t.Cleanup. A failure says which rule is
// broken.
func TestStore(t *testing.T, open func(t *testing.T) popbefore.Store) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) { rule.check(&suite{T: t, store: open(t)}) })
	}
}

var rules = []struct {
	name  string
	check func(*suite)
}{
	{"a grant is listed as it was put", (*suite).listed},
	{"a grant is of its net alone", (*suite).nets},
	{"a user has one grant at a net, the latest", (*suite).replaced},
	{"several users have grants at a net, the newest first", (*suite).several},
	{"a message is taken off what is left", (*suite).spent},
	{"of many messages at once as many go as are left", (*suite).atOnce},
	{"a grant ends", (*suite).ends},
	{"a user's grants are revoked by both names", (*suite).revoked},
	{"the grants of a range are revoked", (*suite).revokedNet},
}

type suite struct {
	*testing.T
	store popbefore.Store
}

const long = time.Hour

// grant makes one; its ID is made of the user and the net.
func grant(user, net string) popbefore.Grant {
	return popbefore.Grant{
		ID: user + "@" + net, Net: netip.MustParsePrefix(net), Identity: auth.Identity{User: user, Name: user, Mechanism: "PLAIN"},
		Session: "p-1", Start: time.Now().Truncate(time.Second), Messages: 10, Recipients: 100,
	}
}

func (s *suite) put(g popbefore.Grant) popbefore.Grant {
	s.Helper()
	if err := s.store.Put(s.Context(), g, long); err != nil {
		s.Fatalf("Put: %v", err)
	}
	return g
}

func (s *suite) list(net string) []popbefore.Grant {
	s.Helper()
	found, err := s.store.List(s.Context(), netip.MustParsePrefix(net))
	if err != nil {
		s.Fatalf("List: %v", err)
	}
	return found
}

// expect compares the users of the grants of a net, in order.
func (s *suite) expect(net string, users ...string) {
	s.Helper()
	var got []string
	for _, g := range s.list(net) {
		got = append(got, g.Identity.User)
	}
	if !slices.Equal(got, users) {
		s.Errorf("grants of %s: %q, want %q", net, got, users)
	}
}

func (s *suite) spend(id string, recipients int, want error) {
	s.Helper()
	if err := s.store.Spend(s.Context(), id, recipients); !errors.Is(err, want) || want == nil && err != nil {
		s.Errorf("Spend %s, %d recipients: %v, want %v", id, recipients, err, want)
	}
}

func (s *suite) listed() {
	s.expect("192.0.2.1/32")
	want := grant("tim", "192.0.2.1/32")
	want.Identity.Name, want.Identity.Mechanism = "boss", "APOP"
	s.put(want)
	got := s.list("192.0.2.1/32")
	if len(got) != 1 || !got[0].Start.Equal(want.Start) {
		s.Fatalf("listed %+v, want %+v", got, want)
	}
	got[0].Start = want.Start
	if got[0] != want {
		s.Errorf("listed %+v, want %+v", got[0], want)
	}
}

func (s *suite) nets() {
	for _, net := range []string{"192.0.2.1/32", "2001:db8::/64", "2001:db8:0:1::1/128"} {
		s.put(grant("tim", net))
	}
	for net, users := range map[string][]string{
		"192.0.2.1/32": {"tim"}, "192.0.2.2/32": nil, "2001:db8::/64": {"tim"}, "2001:db8::1/128": nil,
		"2001:db8:0:1::1/128": {"tim"}, "2001:db8:0:1::2/128": nil, "2001:db8:0:1::/64": nil,
	} {
		s.expect(net, users...)
	}
}

func (s *suite) replaced() {
	old := s.put(grant("tim", "192.0.2.1/32"))
	now := grant("tim", "192.0.2.1/32")
	now.ID, now.Messages = "another", 1
	s.put(now)
	s.expect("192.0.2.1/32", "tim")
	s.spend(old.ID, 1, popbefore.ErrNoGrant)
	s.spend(now.ID, 1, nil)
	s.spend(now.ID, 1, popbefore.ErrSpent)
}

func (s *suite) several() {
	for _, user := range []string{"tim", "ann", "tim", "joe"} {
		g := grant(user, "192.0.2.1/32")
		s.put(g)
		time.Sleep(2 * time.Millisecond) // for stores that tell the order by a clock
	}
	s.expect("192.0.2.1/32", "joe", "tim", "ann")
}

func (s *suite) spent() {
	g := s.put(grant("tim", "192.0.2.1/32"))
	s.spend("nobody's", 1, popbefore.ErrNoGrant)
	s.spend(g.ID, 101, popbefore.ErrSpent)
	s.spend(g.ID, 60, nil)
	s.spend(g.ID, 41, popbefore.ErrSpent) // of which nothing is taken
	s.spend(g.ID, 40, nil)
	s.spend(g.ID, 0, nil)
	if got := s.list("192.0.2.1/32"); len(got) != 1 || got[0].Messages != 7 || got[0].Recipients != 0 {
		s.Errorf("left: %+v, want 7 messages and no recipients", got)
	}
	s.spend(g.ID, 1, popbefore.ErrSpent)
}

func (s *suite) atOnce() {
	g := s.put(grant("tim", "192.0.2.1/32"))
	ctx := s.Context()
	var sent atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if s.store.Spend(ctx, g.ID, 1) == nil {
				sent.Add(1)
			}
		})
	}
	wg.Wait()
	if n := sent.Load(); n != 10 {
		s.Errorf("%d messages were sent, 10 may", n)
	}
}

func (s *suite) ends() {
	g := grant("tim", "192.0.2.1/32")
	if err := s.store.Put(s.Context(), g, time.Millisecond); err != nil {
		s.Fatalf("Put: %v", err)
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for len(s.list("192.0.2.1/32")) > 0 {
		if ctx.Err() != nil {
			s.Fatal("a grant of a millisecond has not ended in a minute")
		}
		time.Sleep(time.Millisecond)
	}
	s.spend(g.ID, 1, popbefore.ErrNoGrant)
	s.put(g)
	s.expect("192.0.2.1/32", "tim") // given anew
}

func (s *suite) revoked() {
	both := grant("tim", "192.0.2.2/32")
	both.Identity.Name = "boss"
	s.put(grant("tim", "192.0.2.1/32"))
	s.put(both)
	s.put(grant("ann", "192.0.2.1/32"))
	for _, step := range []struct {
		user   string
		first  []string
		second []string
	}{{"nobody", []string{"ann", "tim"}, []string{"tim"}}, {"boss", []string{"ann", "tim"}, nil}, {"tim", []string{"ann"}, nil}} {
		if err := s.store.Revoke(s.Context(), step.user); err != nil {
			s.Fatalf("Revoke %s: %v", step.user, err)
		}
		s.expect("192.0.2.1/32", step.first...)
		s.expect("192.0.2.2/32", step.second...)
	}
	s.spend("tim@192.0.2.1/32", 1, popbefore.ErrNoGrant)
}

func (s *suite) revokedNet() {
	nets := []string{"192.0.2.1/32", "192.0.2.2/32", "198.51.100.1/32", "2001:db8::/64"}
	for _, net := range nets {
		s.put(grant("tim", net))
	}
	for i, net := range []string{"203.0.113.0/24", "192.0.2.1/32", "192.0.2.0/24", "198.51.0.0/16", "2001:db8::1/128"} {
		if err := s.store.RevokeNet(s.Context(), netip.MustParsePrefix(net)); err != nil {
			s.Fatalf("RevokeNet %s: %v", net, err)
		}
		left := ""
		for _, of := range nets {
			left += fmt.Sprint(len(s.list(of)))
		}
		if want := []string{"1111", "0111", "0011", "0001", "0000"}[i]; left != want {
			s.Errorf("after RevokeNet %s there are %s grants, want %s", net, left, want)
		}
	}
}
