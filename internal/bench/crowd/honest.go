package crowd

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/bench/load"
)

// Waits tell how long the sessions of the honest took.
type Waits struct {
	P50, P99, Max time.Duration
	Late          int // sessions that began late, since the one before had not ended
}

// honest has N clients begin a session each at a fixed rate, whether the server is fast
// or not: connect, one message, QUIT. A session that is late by the one before counts from
// when it should have begun.
func honest(o Order) (Answer, error) {
	session := smtpSession()
	if o.Protocol == "pop3" {
		session = pop3Session
	}
	start := time.Now()
	var (
		mu    sync.Mutex
		waits []time.Duration
		late  int
		first error
		wg    sync.WaitGroup
	)
	for i := range o.N {
		wg.Go(func() {
			due := start.Add(o.Every * time.Duration(i) / time.Duration(o.N)) // they come one by one
			for n := 0; due.Sub(start) < o.For; n++ {
				from := due
				if ahead := time.Until(due); ahead > 0 {
					time.Sleep(ahead)
					from = time.Now() // what the clock of this process lags behind is not the server's
				}
				err := session(o, i, n)
				wait := time.Since(from)
				mu.Lock()
				waits = append(waits, wait)
				if from == due {
					late++
				}
				if err != nil && first == nil {
					first = fmt.Errorf("session %d of client %d after %v: %w", n, i, wait, err)
				}
				mu.Unlock()
				due = due.Add(o.Every)
			}
		})
	}
	wg.Wait()
	if len(waits) == 0 {
		return Answer{}, first
	}
	slices.Sort(waits)
	n := len(waits)
	return Answer{N: n, Waits: Waits{waits[n/2], waits[n*99/100], waits[n-1], late}}, first
}

// smtpSession returns a session that sends one message: small ones, and a large one now
// and then by DATA or by BDAT.
func smtpSession() func(o Order, client, n int) error {
	small := load.Data(load.Message(1000, false))
	works := [][]load.Group{small, small, load.Data(load.Message(50_000, true)), small, load.Chunked(load.Message(50_000, false))}
	return func(o Order, client, n int) error {
		s, err := load.DialSMTP(o.Addr, false)
		if err != nil {
			return err
		}
		defer s.Close()
		if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if err := s.Send(works[(client+n)%len(works)]...); err != nil {
			return err
		}
		return s.Send(load.Group{Octets: []byte("QUIT\r\n"), Replies: 1})
	}
}

// pop3Session logs in, fetches a message and leaves.
func pop3Session(o Order, client, _ int) error {
	p, err := load.DialPOP3(o.Addr)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := p.Login(fmt.Sprint(o.User, client), o.Password); err != nil {
		return err
	}
	if err := p.Command("STAT"); err != nil {
		return err
	}
	if err := p.Retrieve(1, 1, o.Size); err != nil {
		return err
	}
	return p.Quit()
}
