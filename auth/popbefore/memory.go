package popbefore

import (
	"container/list"
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/elastic"
)

const (
	defaultMaxGrants = 100_000

	// mostPerNet is how many users are remembered of one address.
	mostPerNet = 16
)

// Memory is a [Store] in the memory of this process. The zero Memory is ready for
// use. It counts time by a clock that nobody can set.
type Memory struct {
	// MaxGrants is how many grants there are at a time. When one more is given, the
	// one goes whose login is the longest ago; of the grants of one address, when
	// they are 16, likewise. Zero means 100,000.
	MaxGrants int

	mu    sync.Mutex
	all   list.List // of *kept, the oldest login first
	byID  elastic.Map[string, *list.Element]
	byNet elastic.Map[netip.Prefix, []*list.Element] // the oldest login first
}

// kept is a grant in memory.
type kept struct {
	Grant
	end time.Time // with the monotonic clock
}

var _ Store = (*Memory)(nil)

// Put implements [Store].
func (m *Memory) Put(_ context.Context, g Grant, window time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	same := func(e *list.Element) bool { return grantOf(e).Identity.User == g.Identity.User }
	old := m.byNet.Get(g.Net)
	if i := slices.IndexFunc(old, same); i >= 0 {
		m.drop(old[i])
	}
	if old = m.byNet.Get(g.Net); len(old) >= mostPerNet {
		m.drop(old[0])
	}
	for first := m.all.Front(); first != nil && (grantOf(first).ended(now) || m.all.Len() >= m.maxGrants()); first = m.all.Front() {
		m.drop(first)
	}
	e := m.all.PushBack(&kept{Grant: g, end: now.Add(window)})
	m.byID.Set(g.ID, e)
	m.byNet.Set(g.Net, append(m.byNet.Get(g.Net), e))
	return nil
}

// List implements [Store].
func (m *Memory) List(_ context.Context, net netip.Prefix) ([]Grant, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	var found []Grant
	for _, e := range slices.Backward(slices.Clone(m.byNet.Get(net))) {
		if k := grantOf(e); k.ended(now) {
			m.drop(e)
		} else {
			found = append(found, k.Grant)
		}
	}
	return found, nil
}

// Spend implements [Store].
func (m *Memory) Spend(_ context.Context, id string, recipients int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byID.Get(id)
	if e == nil {
		return ErrNoGrant
	}
	k := grantOf(e)
	switch {
	case k.ended(time.Now()):
		m.drop(e)
		return ErrNoGrant
	case k.Messages < 1 || k.Recipients < recipients:
		return ErrSpent
	}
	k.Messages--
	k.Recipients -= recipients
	return nil
}

// Revoke implements [Store].
func (m *Memory) Revoke(_ context.Context, user string) error {
	m.dropAll(func(k *kept) bool { return k.Identity.User == user || k.Identity.Name == user })
	return nil
}

// RevokeNet implements [Store].
func (m *Memory) RevokeNet(_ context.Context, net netip.Prefix) error {
	m.dropAll(func(k *kept) bool { return k.Net.Overlaps(net) })
	return nil
}

// Len returns the number of grants that are kept; some may have ended.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all.Len()
}

func (m *Memory) dropAll(which func(*kept) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for e := m.all.Front(); e != nil; {
		next := e.Next()
		if which(grantOf(e)) {
			m.drop(e)
		}
		e = next
	}
}

// drop forgets the grant of e. The caller holds mu.
func (m *Memory) drop(e *list.Element) {
	k := grantOf(e)
	m.all.Remove(e)
	m.byID.Delete(k.ID)
	left := slices.DeleteFunc(m.byNet.Get(k.Net), func(other *list.Element) bool { return other == e })
	if len(left) > 0 {
		m.byNet.Set(k.Net, left)
	} else {
		m.byNet.Delete(k.Net)
	}
}

func (m *Memory) maxGrants() int {
	if m.MaxGrants <= 0 {
		return defaultMaxGrants
	}
	return m.MaxGrants
}

func (k *kept) ended(now time.Time) bool { return !now.Before(k.end) }

func grantOf(e *list.Element) *kept { return e.Value.(*kept) }
