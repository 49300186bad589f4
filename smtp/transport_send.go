package smtp

import (
	"context"
	"errors"

	"github.com/posthouse/posthouse/internal/ascii"
)

// delivery is one message on its way through a Transport.
type delivery struct {
	t    *Transport
	dest destination
	env  Envelope
	body *poolBody

	todo   []int // of the recipients those that nothing has become of yet
	tries  int   // transactions begun
	result *Result
	split  bool  // there was more than one transaction
	err    error // what Send returns, unless split
}

// unsent tells that no connection was to be had.
func (d *delivery) unsent(err error) (*Result, error) {
	return newSending(nil, d.env).failed(StepConnect, Refused, err)
}

// send sends the message, and counts it.
func (d *delivery) send(ctx context.Context) (*Result, error) {
	result, err := d.transactAll(ctx)
	d.t.count(result.Outcome)
	return result, err
}

// transactAll sends the message in as many transactions as it takes.
func (d *delivery) transactAll(ctx context.Context) (*Result, error) {
	switch {
	case len(d.env.To) == 0:
		return newSending(nil, d.env).failed(StepCheck, Refused, errNoRecipients)
	case d.body.r == nil:
		return newSending(nil, d.env).failed(StepCheck, Refused, errNoBody)
	}
	if err := d.t.await(ctx, d.dest); err != nil {
		return d.unsent(err)
	}
	d.todo = make([]int, len(d.env.To))
	for i := range d.todo {
		d.todo[i] = i
	}
	for len(d.todo) > 0 {
		d.transact(ctx)
	}
	if d.split {
		d.err = d.verdict()
	}
	return d.result, d.err
}

// count adds a message to the statistics.
func (t *Transport) count(outcome Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch outcome {
	case Accepted:
		t.stats.Accepted++
	case Refused:
		t.stats.Refused++
	case Unknown:
		t.stats.Unknown++
	}
}

// maxTries is how many connections a transaction is tried over. The last of them is
// a fresh one if that is possible.
const maxTries = 3

// transact gets a connection, and sends the message over it to as many of those
// who are left as the server takes. It settles at least one of them.
func (d *delivery) transact(ctx context.Context) {
	for try := 1; ; try++ {
		p, err := d.t.acquire(ctx, d.dest)
		if err != nil {
			d.give(StepConnect, err)
			return
		}
		if d.attempt(ctx, p, try >= maxTries) {
			return
		}
	}
}

// attempt makes one transaction over a slot, which it gives back. It reports
// whether that settled something; if not it is to be tried over another one.
func (d *delivery) attempt(ctx context.Context, p *pooled, last bool) (done bool) {
	release := func() { d.t.release(p) }
	defer func() { release() }()
	if err := d.connect(ctx, p, last); err != nil {
		d.give(StepConnect, err)
		return true
	}
	n := d.fit(p)
	if n == 0 { // it takes nobody of these domains any more
		p.mails = exhausted
		return false
	}
	if d.tries > 0 {
		if err := d.body.rewind(); err != nil {
			d.give(StepCheck, err)
			return true
		}
	}
	lane, client, reused := p.lane, p.client, p.reused
	env := d.envelope(d.todo[:n])
	if d.result != nil {
		d.t.tell(func(s *TransportStats) { s.Splits++ })
	}
	d.tries++
	p.mails++
	p.served++
	var result *Result
	var err error
	if body, ok := d.light(p); ok {
		release = func() {} // the flight does
		result, err = d.fly(ctx, p, env, body)
	} else {
		result, err = client.Send(ctx, env, d.body.r)
	}
	if !last && reused && ctx.Err() == nil && d.stale(client, result, err) {
		d.t.tell(func(s *TransportStats) { s.Stale++; s.Retries++ })
		return false
	}
	d.settle(lane, n, result, err)
	return true
}

// tell changes the statistics.
func (t *Transport) tell(change func(*TransportStats)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.stats)
}

// connect sees to it that the slot has a connection that seems to work, and one
// that has never been used before if fresh is set.
func (d *delivery) connect(ctx context.Context, p *pooled, fresh bool) error {
	if p.client != nil && p.reused && d.t.grounded(p) && (fresh || !p.client.undisturbed()) {
		d.t.tell(func(s *TransportStats) { s.Stale++ })
		d.t.undial(p)
	}
	if p.client != nil {
		return nil
	}
	return d.t.dial(ctx, p)
}

// fit returns how many of the recipients that are left, from the first on, can
// be named in a transaction over p (RFC 9422 section 4.2, RFC 9422 section
// 4.3).
func (d *delivery) fit(p *pooled) int {
	n := len(d.todo)
	if d.dest.cfg.RequireAllRecipients {
		return n // or nobody
	}
	limits := p.client.extensions.Limits()
	for _, most := range []int{limits.RcptMax, d.t.learned(p.lane)} {
		if most > 0 {
			n = min(n, most)
		}
	}
	if limits.RcptDomainMax == 0 {
		return n
	}
	if p.domains == nil {
		p.domains = map[string]struct{}{}
	}
	for i, recipient := range d.todo[:n] {
		domain := ascii.ToLower(d.env.To[recipient].Address.Domain())
		if _, known := p.domains[domain]; !known && len(p.domains) == limits.RcptDomainMax {
			return i
		}
		p.domains[domain] = struct{}{}
	}
	return n
}

// stale reports whether a transaction failed because the server had given up a
// kept connection before, so that nobody can have got anything of it, and the
// message can still be sent.
func (d *delivery) stale(client *Client, result *Result, err error) bool {
	var failure *SendError
	if !errors.As(err, &failure) || result.Outcome != Refused {
		return false
	}
	if failure.Step != StepMail && failure.Step != StepConnect || client.broken.get() == nil || !d.body.again() {
		return false
	}
	var reply *Error
	var protocol *ProtocolError
	switch {
	case errors.As(err, &reply):
		return reply.Code == 421
	case errors.As(err, &protocol):
		return false
	}
	return !errors.Is(err, ErrTransportClosed) && !errors.Is(err, ErrClientClosed)
}

// settle takes the result of a transaction for the first n of those who are
// left. Those of whom there were too many have another chance.
func (d *delivery) settle(l *lane, n int, result *Result, err error) {
	done, rest := d.todo[:n], d.todo[n:]
	d.todo = nil
	if result.Outcome == Accepted && d.body.again() {
		accepted := 0
		for i, recipient := range done {
			switch r := &result.Recipients[i]; {
			case r.Err == nil:
				accepted++
			case accepted > 0 && r.Step == StepRcpt && tooManyNow(r.Err):
				d.todo = append(d.todo, recipient)
			}
		}
		if len(d.todo) > 0 {
			d.t.learn(l.dest, accepted)
		}
	}
	d.todo = append(d.todo, rest...)
	d.merge(done, result, err)
}

// tooManyNow reports whether a reply to RCPT, behind accepted recipients, tells
// that there are too many of them for one transaction (RFC 5321 section
// 4.5.3.1.10). The code 452 has other meanings if an enhanced one says so.
func tooManyNow(err error) bool {
	var reply *Error
	if !errors.As(err, &reply) {
		return false
	}
	plain := reply.Enhanced == EnhancedCode{} || reply.Enhanced == EnhancedCode{4, 5, 3}
	return reply.Code == 452 && plain || tooMany(reply)
}

// give settles all who are left by an error for all of them.
func (d *delivery) give(step Step, err error) {
	result, err := newSending(nil, d.envelope(d.todo)).failed(step, Refused, err)
	d.merge(d.todo, result, err)
	d.todo = nil
}

// envelope returns the envelope for some of the recipients.
func (d *delivery) envelope(recipients []int) Envelope {
	env := d.env
	if len(recipients) < len(env.To) {
		env.To = make([]Recipient, len(recipients))
		for i, recipient := range recipients {
			env.To[i] = d.env.To[recipient]
		}
	}
	return env
}

// merge takes the result for some recipients into that for all.
func (d *delivery) merge(recipients []int, result *Result, err error) {
	if d.result == nil && len(recipients) == len(d.env.To) && len(d.todo) == 0 {
		d.result, d.err = result, err
		return
	}
	if d.result == nil {
		d.result, d.split = &Result{Recipients: make([]RecipientResult, len(d.env.To))}, true
	}
	for i, recipient := range recipients {
		d.result.Recipients[recipient] = result.Recipients[i]
	}
	if result.Outcome == Accepted {
		d.result.Reply = result.Reply
	}
	if d.result.Outcome != Accepted && result.Outcome != Refused {
		d.result.Outcome = result.Outcome
	}
}

// verdict returns the error of a message that went in several transactions: nil
// if all accepted it, and else what befell the one who is worst off.
func (d *delivery) verdict() error {
	var worst *RecipientResult
	for i := range d.result.Recipients {
		if r := &d.result.Recipients[i]; r.Err != nil && (worst == nil || d.severity(r) > d.severity(worst)) {
			worst = r
		}
	}
	if worst == nil {
		return nil
	}
	return &SendError{Step: worst.Step, Outcome: d.result.Outcome, Err: worst.Err}
}

// severity orders what may become of a recipient who was not accepted. The error of a
// message that is Unknown has to say why.
func (d *delivery) severity(r *RecipientResult) int {
	switch {
	case r.Temporary:
		return 0
	case r.Outcome == Unknown && d.result.Outcome == Unknown:
		return 3
	case r.Outcome == Unknown:
		return 1
	}
	return 2
}
