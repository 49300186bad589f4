package conn

import (
	"context"
	"net"
	"net/netip"
	"time"
)

const (
	// stagger is how long one address is tried before the next one is tried beside
	// it. It is what RFC 8305 section 5 recommends.
	stagger = 250 * time.Millisecond

	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 32
)

// Racer connects to a host by whichever of its addresses answers first, IPv6 and
// IPv4 in turn: RFC 8305. An address that swallows all that is sent to it costs a
// quarter of a second, of whatever family it and the others are. The zero Racer is
// ready to use.
type Racer struct {
	// Lookup returns the addresses of a host, the best first, for the network "ip".
	// Nil means that of net.DefaultResolver.
	Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

	// Dial connects to one address. Nil means that of a net.Dialer. It has to return
	// soon when ctx ends.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DialContext connects. The error is that of the first address that failed.
func (r *Racer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dial := r.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	host, port, err := net.SplitHostPort(address)
	if _, literal := netip.ParseAddr(host); network != "tcp" || err != nil || literal == nil {
		return dial(ctx, network, address)
	}
	lookup := r.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	addrs, err := lookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	addrs = inTurn(addrs)
	return firstOf(ctx, len(addrs), func(ctx context.Context, i int) (net.Conn, error) {
		return dial(ctx, network, net.JoinHostPort(addrs[i].String(), port))
	})
}

// inTurn orders addresses so that the families alternate (RFC 8305 section 4). The
// first stays the first, and those of one family keep their order.
func inTurn(addrs []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	is4 := addrs[0].Unmap().Is4()
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() == is4 {
			families[0] = append(families[0], a)
		} else {
			families[1] = append(families[1], a)
		}
	}
	all := make([]netip.Addr, 0, len(addrs))
	for i := 0; len(all) < cap(all); i++ {
		for _, family := range families {
			all = append(all, family[min(i, len(family)):min(i+1, len(family))]...)
		}
	}
	return all[:min(len(all), maxAddresses)]
}

// attempt is what became of one.
type attempt struct {
	conn net.Conn
	err  error
}

// firstOf makes n attempts, one begun a stagger after the other, or at once when one
// fails. It returns the first connection, when all other attempts have ended.
func firstOf(ctx context.Context, n int, dial func(ctx context.Context, i int) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan attempt, n)
	begun, failed := 0, 0
	defer func() {
		cancel()
		for range begun - failed {
			if late := <-ended; late.conn != nil {
				_ = late.conn.Close() // nobody has used it
			}
		}
	}()
	next := time.NewTimer(0)
	defer next.Stop()
	var first error
	for {
		select {
		case <-next.C:
			i := begun
			go func() {
				nc, err := dial(ctx, i)
				ended <- attempt{nc, err}
			}()
			if begun++; begun < n {
				next.Reset(stagger)
			}
		case a := <-ended:
			failed++ // or has nothing more to say
			switch {
			case a.err == nil:
				return a.conn, nil
			case first == nil:
				first = a.err
			}
			if failed == n {
				return nil, first
			}
			if begun < n {
				next.Reset(0)
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
