package auth

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
)

const (
	defaultPerAccount = 10
	defaultPerNet     = 30
	defaultIPv4Bits   = 24
	defaultIPv6Bits   = 64
	defaultRecovery   = time.Minute

	// Who has one network of IPv6 often has as many as these bits can tell apart: all
	// together may have so many times the failures of one.
	wideBits, wideTimes = 16, 10

	defaultDelay      = time.Second
	defaultMaxDelay   = 15 * time.Second
	defaultMaxDelayed = 100
	defaultMaxEntries = 100_000

	// share is which part of the delayed one account or network may be: those who
	// guess at one password do not take the places of all. netShare is which part of an
	// account's one network may be: nor those of its owner.
	share    = 10
	netShare = 5
)

// ErrThrottled says that an attempt was not even looked at, because there have been too
// many failures and too many wait already. It is a temporary failure.
var ErrThrottled = errors.New("auth: too many failed attempts: try again later")

// Budget slows down who guesses at passwords. It allows each account, and each network,
// so many failures; beyond that the attempts are delayed, right ones as well as wrong ones,
// longer with each failure. Nobody is locked out: failures are forgiven one by one as time
// passes, and where a user has logged in from before, only the failures of that user from
// there count. The zero Budget is ready for use.
//
// A failure is an attempt that ended in [ErrCredentials], and one that was broken off
// while it was verified. A success gives back its own attempt, and not those
// before it: otherwise a guesser with an account would log in between the guesses.
type Budget struct {
	// PerAccount is how many failures an account may have, and PerNet how many one
	// network, before the delays begin. Zero means 10 and 30; negative: any number.
	PerAccount, PerNet int

	// IPv4Bits and IPv6Bits say what a network is. Zero means 24 and 64. Of IPv6 the
	// wider network of 16 bits less is counted too, and may have ten times PerNet: a
	// customer has many. Loopback addresses and those of Unix sockets are of none: web mail
	// programs are there.
	IPv4Bits, IPv6Bits int

	// Recovery is the time in which one failure is forgiven. Zero means a minute.
	Recovery time.Duration

	// Delay is the first delay. It doubles with each failure, up to MaxDelay, which has
	// to be less than what the protocol's server gives a verifier to answer. Zero means a
	// second and 15 seconds.
	Delay, MaxDelay time.Duration

	// MaxDelayed is how many attempts are delayed at a time. Of one account or network
	// it is a tenth, of one account in one network a fiftieth, and at least one. One more
	// gets [ErrThrottled] at once. Zero means 100.
	MaxDelayed int

	// MaxEntries is how many accounts and networks with failures are remembered, and how
	// many pairs of an account and a network with a success: the one that was used last
	// the longest ago goes first. An entry takes some 150 octets. Failures that are all
	// forgiven are forgotten as other attempts come; successes are not. Zero means 100,000.
	MaxEntries int

	once     sync.Once
	seed     maphash.Seed
	start    time.Time
	mu       sync.Mutex
	failures recent // by subject
	known    recent // pairs that have logged in
	delayed  int
	waiting  map[uint64]int // how many of them, by subject
}

// Begin waits until an attempt of a client to log in as a user may be verified; user is
// empty if that is not known yet. If it returns nil, end is to be told what came of the
// attempt; one that end is not called for counts as a failure. The errors are
// [ErrThrottled] and the cause that ctx ended for. A [Server] does this for each attempt;
// servers of other protocols, which have the same accounts, may.
func (b *Budget) Begin(ctx context.Context, cs ConnectionState, user string) (end func(error), err error) {
	end, _, err = b.begin(ctx, cs, user)
	return end, err
}

// begin is Begin, and says how long it waited.
func (b *Budget) begin(ctx context.Context, cs ConnectionState, user string) (end func(error), wait time.Duration, err error) {
	if b.PerAccount < 0 && b.PerNet < 0 {
		return func(error) {}, 0, nil
	}
	b.once.Do(func() { b.seed, b.start = maphash.MakeSeed(), time.Now() })
	of := subject{ascii.ToLower(user), b.netOf(cs.RemoteAddr)}
	bills := b.bills(of)
	wait, places, err := b.charge(of, bills)
	if err != nil {
		return nil, 0, err
	}
	if wait > 0 {
		err = sleep(ctx, wait)
		b.leave(places)
	}
	if err != nil {
		b.refund(bills)
		return nil, wait, err
	}
	return func(err error) {
		if err == nil {
			b.remember(of)
		}
		if !errors.Is(err, ErrCredentials) {
			b.refund(bills)
		}
	}, wait, nil
}

// subject is what failures are counted of: an account, a network, or an account in a
// network. It is kept as a hash of 64 bits that nobody can foresee: no names lie around.
type subject struct {
	account string
	net     netip.Prefix
}

// bill is what an attempt is charged to.
type bill struct {
	id      uint64
	account bool // what is billed is an account, wherever it is used from
	limit   int
	charged time.Duration // less than one failure, where more make no difference
}

// place is what a delayed attempt takes, of the most that a subject may have.
type place struct {
	id   uint64
	most int
}

// bills returns what an attempt is charged to.
func (b *Budget) bills(of subject) (bills []bill) {
	if pair := b.hash(of); of.account != "" && b.isKnown(pair) {
		return b.limited(nil, pair, b.PerAccount, defaultPerAccount)
	}
	if of.account != "" {
		bills = b.limited(bills, b.hash(subject{account: of.account}), b.PerAccount, defaultPerAccount)
		for i := range bills {
			bills[i].account = true
		}
	}
	if of.net.IsValid() {
		bills = b.limited(bills, b.hash(subject{net: of.net}), b.PerNet, defaultPerNet)
	}
	if b.PerNet >= 0 && of.net.Addr().Is6() {
		wide, _ := of.net.Addr().Prefix(max(0, of.net.Bits()-wideBits))
		bills = b.limited(bills, b.hash(subject{net: wide}), wideTimes*cmp.Or(max(0, b.PerNet), defaultPerNet), 0)
	}
	return bills
}

func (b *Budget) limited(bills []bill, id uint64, limit, byDefault int) []bill {
	switch {
	case limit < 0:
		return bills
	case limit == 0:
		limit = byDefault
	}
	return append(bills, bill{id: id, limit: limit})
}

// charge counts a failure in advance, so that many attempts at once count as many. It
// returns how long this one has to wait, and the places that it takes until then.
func (b *Budget) charge(of subject, bills []bill) (wait time.Duration, places []place, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, most := time.Since(b.start), max(1, b.maxDelayed()/share)
	b.failures.forgive(now)
	for _, bill := range bills {
		e := b.failures.use(bill.id, b.maxEntries())
		d := b.delay(int((e.clear-now+b.recovery()-1)/b.recovery()) - bill.limit)
		if d <= 0 {
			continue
		}
		wait, places = max(wait, d), append(places, place{bill.id, most})
		if bill.account {
			places = append(places, place{b.hash(of), max(1, most/netShare)})
		}
	}
	if wait > 0 && !b.take(places) {
		return 0, nil, ErrThrottled
	}
	for i := range bills {
		e := b.failures.use(bills[i].id, b.maxEntries())
		// Beyond the longest delay they need not be counted, nor be waited for.
		from := max(e.clear, now)
		e.clear = min(from+b.recovery(), now+time.Duration(bills[i].limit+b.doublings())*b.recovery())
		bills[i].charged = e.clear - from
	}
	return wait, places, nil
}

// take takes all of the places, or none and returns false. The caller holds mu.
func (b *Budget) take(places []place) bool {
	full := b.delayed >= b.maxDelayed()
	for _, p := range places {
		full = full || b.waiting[p.id] >= p.most
	}
	if full {
		return false
	}
	if b.waiting == nil {
		b.waiting = make(map[uint64]int)
	}
	b.delayed++
	for _, p := range places {
		b.waiting[p.id]++
	}
	return true
}

// leave gives the places of a delayed attempt back.
func (b *Budget) leave(places []place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.delayed--
	for _, p := range places {
		if b.waiting[p.id]--; b.waiting[p.id] == 0 {
			delete(b.waiting, p.id)
		}
	}
}

// refund takes back what charge counted.
func (b *Budget) refund(bills []bill) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, bill := range bills {
		if e := b.failures.find(bill.id); e != nil {
			e.clear -= bill.charged
		}
	}
}

// delay returns the delay for so many failures beyond the budget; none if that is less
// than zero.
func (b *Budget) delay(beyond int) time.Duration {
	if beyond < 0 {
		return 0
	}
	return min(b.firstDelay()<<min(beyond, b.doublings()), b.maxDelay())
}

// doublings is after how many the delay is the longest.
func (b *Budget) doublings() (n int) {
	for d := b.firstDelay(); d < b.maxDelay(); d *= 2 {
		n++
	}
	return n
}

// remember keeps that an account has logged in from a network. From none it would be
// charged as it is anyway.
func (b *Budget) remember(of subject) {
	if of.account == "" || !of.net.IsValid() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known.use(b.hash(of), b.maxEntries())
}

func (b *Budget) isKnown(pair uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known.find(pair) != nil
}

func (b *Budget) hash(s subject) uint64 { return maphash.Comparable(b.seed, s) }

// netOf returns the network of a client; the zero Prefix if it is of none.
func (b *Budget) netOf(a net.Addr) netip.Prefix {
	var addr netip.Addr
	switch a := a.(type) {
	case nil:
		return netip.Prefix{}
	case *net.TCPAddr:
		addr = a.AddrPort().Addr()
	default:
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return netip.Prefix{}
		}
		addr = ap.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsLoopback() {
		return netip.Prefix{}
	}
	bits := cmp.Or(max(0, b.IPv4Bits), defaultIPv4Bits)
	if addr.Is6() {
		bits = cmp.Or(max(0, b.IPv6Bits), defaultIPv6Bits)
	}
	return netip.PrefixFrom(addr, min(bits, addr.BitLen())).Masked()
}

func (b *Budget) recovery() time.Duration   { return cmp.Or(max(0, b.Recovery), defaultRecovery) }
func (b *Budget) firstDelay() time.Duration { return cmp.Or(max(0, b.Delay), defaultDelay) }
func (b *Budget) maxDelay() time.Duration   { return cmp.Or(max(0, b.MaxDelay), defaultMaxDelay) }
func (b *Budget) maxDelayed() int           { return cmp.Or(max(0, b.MaxDelayed), defaultMaxDelayed) }

func (b *Budget) maxEntries() int { return cmp.Or(max(0, b.MaxEntries), defaultMaxEntries) }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
