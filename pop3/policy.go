package pop3

import (
	"sync"
	"time"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/internal/elastic"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Policy is what CAPA tells of a site's rules. The zero Policy has none.
type Policy struct {
	// LoginDelay is how long after a login the same user is refused with
	// [CodeLoginDelay] (RFC 2449 section 6.5). Zero means not at all. It is kept in
	// memory, by Identity.Name, for up to 100,000 users who have to wait; when there
	// are more, half of them need not wait any longer.
	LoginDelay time.Duration

	// Expire is what is promised about mail that is left on the server (RFC 2449
	// section 6.7). The server itself deletes nothing that no client has marked.
	Expire Expire
}

// Expire is how long mail is kept, in days; zero promises nothing.
type Expire int

const (
	// ExpireNever says that mail is kept until a client deletes it.
	ExpireNever Expire = -1
	// ExpireFetched says that a client must not leave what it has fetched, since the
	// site deletes that: it is announced as EXPIRE 0.
	ExpireFetched Expire = -2
)

// capabilities appends what the policy has to tell. With perUser, the user's own
// may be milder.
func (p Policy) capabilities(list pop3wire.Capabilities, perUser bool) pop3wire.Capabilities {
	if p.LoginDelay > 0 {
		seconds := int((p.LoginDelay + time.Second - 1) / time.Second)
		list = append(list, pop3wire.LoginDelay{Seconds: seconds, User: perUser}.Capability())
	}
	switch {
	case p.Expire == ExpireFetched:
		list = append(list, pop3wire.Expire{User: perUser}.Capability())
	case p.Expire < 0:
		list = append(list, pop3wire.Expire{Never: true, User: perUser}.Capability())
	case p.Expire > 0:
		list = append(list, pop3wire.Expire{Days: int(p.Expire), User: perUser}.Capability())
	}
	return list
}

// policy returns the policy for a user, which is nil before login.
func (s *Server) policy(id *auth.Identity) Policy {
	p := s.Policy
	if s.UserPolicy != nil && id != nil {
		p = s.UserPolicy(id)
		// RFC 2449 section 6.5: nobody's is longer than was announced before.
		p.LoginDelay = min(p.LoginDelay, s.Policy.LoginDelay)
	}
	return p
}

const (
	// maxLogins is how many users' logins are remembered at a time.
	maxLogins = 100_000

	// forgotten is how many of them are looked at with each that comes, to forget those
	// who need not wait any more.
	forgotten = 10
)

// logins knows who may not log in yet.
type logins struct {
	mu    sync.Mutex
	until elastic.Map[string, time.Time]
}

// early reports whether the user has to wait.
func (l *logins) early(name string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.until.Get(name))
}

// note notes a login.
func (l *logins) note(name string, now time.Time, delay time.Duration) {
	if delay <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(forgotten, now)
	if l.until.Len() >= maxLogins {
		l.shrink(now)
	}
	l.until.Set(name, now.Add(delay))
}

// forget looks at some, and forgets those of them who need not wait any more.
func (l *logins) forget(some int, now time.Time) {
	for name, until := range l.until.All() {
		if !now.Before(until) {
			l.until.Delete(name)
		}
		if some--; some == 0 {
			return
		}
	}
}

// shrink forgets those who need not wait any more, and if there are few of them,
// others too: half of all.
func (l *logins) shrink(now time.Time) {
	l.forget(l.until.Len(), now)
	for name := range l.until.All() {
		if l.until.Len() <= maxLogins/2 {
			return
		}
		l.until.Delete(name)
	}
}
