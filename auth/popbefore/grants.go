package popbefore

import (
	"container/list"
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
)

const (
	defaultWindow    = 15 * time.Minute
	defaultMaxGrants = 100_000
)

// Grants remembers who logged in lately. The zero Grants is ready for use. Its
// fields must not be changed once it is used; its methods may be called by any
// number of goroutines.
type Grants struct {
	// Window is how long a grant lasts, counted from the login by a clock that
	// nobody can set. Zero means 15 minutes.
	Window time.Duration

	// InsecureAllowCleartext has logins without TLS give grants too: anybody who
	// listens to one can make more of them.
	InsecureAllowCleartext bool

	// Allow lists ranges whose addresses get grants although they are of a kind
	// that does not, as the office's private network.
	Allow []netip.Prefix

	// MaxGrants is how many grants there are at a time. One more takes the
	// place of the one that would end first. Zero means 100,000.
	MaxGrants int

	mu     sync.Mutex
	byAddr map[netip.Addr]*list.Element // of list
	list   list.List                    // of Grant, the oldest login first
}

// Grant is the leave to relay from one address.
type Grant struct {
	Addr     netip.Addr    // IPv4 addresses in their four octets
	Identity auth.Identity // who logged in last from there
	ID       string        // of the POP3 session that did so
	Start    time.Time     // when
}

// Observe is for auth.Server.Observe: a successful login over POP3 gives a
// grant to its address, or renews it. Anything else is ignored.
func (g *Grants) Observe(_ context.Context, e auth.Event) {
	if e.Err != nil || e.Identity == nil || e.State.Protocol != auth.POP3 {
		return
	}
	if e.State.TLS == nil && !g.InsecureAllowCleartext {
		return
	}
	addr := addrOf(e.State.RemoteAddr)
	if !g.eligible(addr) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if old := g.byAddr[addr]; old != nil {
		g.drop(old)
	}
	for first := g.list.Front(); first != nil && (g.ended(first, now) || g.list.Len() >= g.maxGrants()); first = g.list.Front() {
		g.drop(first)
	}
	if g.byAddr == nil {
		g.byAddr = make(map[netip.Addr]*list.Element)
	}
	g.byAddr[addr] = g.list.PushBack(Grant{Addr: addr, Identity: *e.Identity, ID: e.State.ID, Start: now})
}

// MayRelay is for smtp.Server.MayRelay: it says yes to clients whose address
// has a grant. (That authenticated clients may relay needs no asking.)
func (g *Grants) MayRelay(_ context.Context, cs auth.ConnectionState) bool {
	_, ok := g.Lookup(cs)
	return ok
}

// Lookup returns the grant by which a client of SMTP or submission may relay,
// if there is one: for the record, or to hold the sender of a message to the
// user who logged in.
func (g *Grants) Lookup(cs auth.ConnectionState) (Grant, bool) {
	if cs.Protocol != auth.SMTP && cs.Protocol != auth.Submission {
		return Grant{}, false
	}
	addr := addrOf(cs.RemoteAddr)
	g.mu.Lock()
	defer g.mu.Unlock()
	found := g.byAddr[addr]
	if found == nil {
		return Grant{}, false
	}
	if g.ended(found, time.Now()) {
		g.drop(found)
		return Grant{}, false
	}
	return found.Value.(Grant), true
}

// Revoke takes back what a user's logins have given: call it when the password
// is changed or the account closed. Of an address from which several
// users have logged in only the last one is remembered, so that it loses
// its grant if that one is revoked, and keeps it if another is.
func (g *Grants) Revoke(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for e := g.list.Front(); e != nil; {
		next := e.Next()
		if id := e.Value.(Grant).Identity; id.User == user || id.Name == user {
			g.drop(e)
		}
		e = next
	}
}

// Len returns the number of grants that are kept; some may have ended.
func (g *Grants) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.list.Len()
}

// ended says whether the grant of e is over.
func (g *Grants) ended(e *list.Element, now time.Time) bool {
	window := g.Window
	if window <= 0 {
		window = defaultWindow
	}
	return now.Sub(e.Value.(Grant).Start) >= window
}

// drop forgets the grant of e. The caller holds mu.
func (g *Grants) drop(e *list.Element) {
	delete(g.byAddr, e.Value.(Grant).Addr)
	g.list.Remove(e)
}

func (g *Grants) maxGrants() int {
	if g.MaxGrants <= 0 {
		return defaultMaxGrants
	}
	return g.MaxGrants
}
