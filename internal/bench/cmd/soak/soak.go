package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/posthouse/posthouse/internal/bench/crowd"
	"github.com/posthouse/posthouse/internal/bench/peers"
	"github.com/posthouse/posthouse/internal/bench/proc"
)

// spare is how many descriptors a process needs besides those of its crowd.
const spare = 3000

// mailboxOf is what each honest client has in its maildrop.
var mailboxOf = peers.Mailbox{Messages: 1, Size: 10_000}

// stillMessage is the size of the message that each has who sits still.
const stillMessage = 500

// stage is a server and those who come to it.
type stage struct {
	*peers.Server
	*soak
	ctx      context.Context
	protocol string
	temp     string // where the server makes temporary files
	honest   crowd.Process
	limit    int // descriptors of a process
	idlers   int // of those that sit still, how many may log in
}

// soak does all for one protocol.
func (s *soak) soak(ctx context.Context, r *report) error {
	limit, err := proc.MaxDescriptors(3*s.idle + s.drip + 2*spare)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.temp, "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	st := &stage{soak: s, ctx: ctx, protocol: r.protocol, limit: limit, temp: dir + "/tmp"}
	if err := errors.Join(os.Mkdir(st.temp, 0o755), os.Setenv("TMPDIR", st.temp)); err != nil {
		return err
	}
	if st.Server, err = st.serve(dir + "/mail"); err != nil {
		return err
	}
	defer st.Stop()
	if st.honest, err = crowd.Start(ctx); err != nil {
		return err
	}
	defer st.honest.Stop()
	return st.play(r)
}

func (st *stage) serve(root string) (*peers.Server, error) {
	if st.protocol == "smtp" {
		return peers.StartSMTPServer(st.ctx, peers.Posthouse, false)
	}
	for i := range st.soak.honest {
		box := mailboxOf
		box.User = fmt.Sprint("honest", i)
		if err := box.Make(root); err != nil {
			return nil, err
		}
	}
	for i := range st.idle {
		box := mailboxOf
		box.User, box.Size = fmt.Sprint("still", i), stillMessage
		if err := box.Make(root); err != nil {
			return nil, err
		}
	}
	// A maildrop in use has a descriptor besides that of its connection, until the client
	// is silent for so long that another may take it over.
	st.idlers = max(0, min(st.idle, st.limit-st.drip-st.junk-2*st.soak.honest-spare))
	return peers.StartPOP3Server(st.ctx, peers.Posthouse, root)
}

// play has one after the other come, and watches the honest.
func (st *stage) play(r *report) (err error) {
	if _, err := st.watch(time.Second); err != nil { // so that all is warm
		return err
	}
	if r.alone, err = st.watch(st.lasts); err != nil {
		return err
	}
	before, err := st.count()
	if err != nil {
		return err
	}
	idle, err := st.come(crowd.Order{Do: "still", N: st.idle, LoggedIn: st.idlers})
	defer dismiss(idle)
	if err != nil {
		return err
	}
	with, err := st.count()
	if err != nil {
		return err
	}
	drips, err := st.come(crowd.Order{Do: "drip", N: st.drip})
	defer dismiss(drips)
	if err != nil {
		return err
	}
	if r.among, err = st.watch(st.lasts); err != nil {
		return err
	}
	full, err := st.count()
	if err != nil {
		return err
	}
	if r.flooded, r.junk, err = st.flood(); err != nil {
		return err
	}
	for _, p := range append(idle, drips...) {
		a, err := p.Do(crowd.Order{Do: "leave"})
		if err != nil {
			return err
		}
		r.cut += a.Cut
	}
	after, err := st.settle(before)
	if err != nil {
		return err
	}
	r.loggedIn = st.idlers
	r.perIdle = perOne(with.resident-before.resident, st.idle)
	r.perDrip = perOne(full.resident-with.resident, st.drip)
	r.before, r.after = before, after
	return nil
}

// come has a crowd come, in as many processes as it needs for its descriptors.
func (st *stage) come(o crowd.Order) (all []crowd.Process, err error) {
	o.Protocol, o.Addr, o.Password = st.protocol, st.Addr, peers.Password
	loggedIn := o.LoggedIn
	for left := o.N; left > 0; left -= o.N {
		p, err := crowd.Start(st.ctx)
		if err != nil {
			return all, err
		}
		all = append(all, p)
		o.N = min(left, st.limit-spare)
		o.LoggedIn = min(loggedIn, o.N)
		if _, err := p.Do(o); err != nil {
			return all, err
		}
		o.First += o.N
		loggedIn -= o.LoggedIn
	}
	return all, nil
}

func dismiss(all []crowd.Process) {
	for _, p := range all {
		p.Stop()
	}
}

// watch returns how the honest fare.
func (st *stage) watch(lasts time.Duration) (crowd.Answer, error) {
	return st.honest.Do(crowd.Order{
		Do: "honest", Protocol: st.protocol, Addr: st.Addr, N: st.soak.honest, For: lasts, Every: st.every,
		User: "honest", Password: peers.Password, Size: mailboxOf.Wire(),
	})
}

// flood returns how the honest fare while junk is sent.
func (st *stage) flood() (honest, junk crowd.Answer, err error) {
	p, err := crowd.Start(st.ctx)
	if err != nil {
		return honest, junk, err
	}
	defer p.Stop()
	done := make(chan error, 1)
	go func() {
		var err error
		junk, err = p.Do(crowd.Order{Do: "junk", Protocol: st.protocol, Addr: st.Addr, N: st.junk, For: st.lasts})
		done <- err
	}()
	honest, err = st.watch(st.lasts)
	return honest, junk, errors.Join(err, <-done)
}

// counts are what a server has.
type counts struct {
	resident, heap                 int64
	goroutines, descriptors, files int64
}

func (st *stage) count() (c counts, err error) {
	var errs [5]error
	var files []os.DirEntry
	c.heap, errs[0] = st.Heap()
	c.goroutines, errs[1] = st.Goroutines()
	c.descriptors, errs[2] = st.Descriptors()
	c.resident, errs[3] = st.Resident()
	files, errs[4] = os.ReadDir(st.temp)
	c.files = int64(len(files))
	return c, errors.Join(errs[:]...)
}

// settle counts until there is no more than before, or a minute is over: a server learns
// that a client has gone as it reads.
func (st *stage) settle(before counts) (c counts, err error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; {
		c, err = st.count()
		if err != nil || c.goroutines <= before.goroutines && c.descriptors <= before.descriptors || time.Now().After(end) {
			return c, err
		}
		<-tick.C
	}
}

func perOne(octets int64, n int) float64 { return float64(octets) / 1024 / float64(max(1, n)) }
