package smtp

import (
	"bytes"
	"context"
	"io"
	"slices"
)

// The states of a slot, by who has it and what is in flight on it:
//
//	            owned                            owned by nobody
//	flying 0    it sends one message             idle: in the pool, or closed
//	flying > 0  it sends one more behind those   aloft: there is room for whoever comes
//	                                             full, or worn: nobody may follow
//
// What leads from one to the other:
//
//	launch   owned -> owned, with one more in flight; its message has left, or will
//	disown   owned -> to who waits; aloft; full; or, with nothing in flight, idle
//	board    aloft -> owned
//	answer   one less is in flight; if nobody owns the slot, it is disowned once more

// lightBody is the size in octets up to which a message may fly with others: it is
// kept in memory, so that neither its body nor its sender can keep them up.
const lightBody = 32 << 10

// light returns the body if the message is to be sent without a wait for the answers
// to those in front of it and behind it: it is small, others wait for connections,
// and the server allows it.
func (d *delivery) light(p *pooled) ([]byte, bool) {
	if _, pipelining := p.client.extensions["PIPELINING"]; !pipelining || !d.t.crowded(p) {
		return nil, false
	}
	chunk := chunks.Get().(*headChunk)
	defer chunks.Put(chunk)
	n, err := readFull(d.body.r, chunk[:lightBody+1])
	if err == io.EOF && n <= lightBody {
		return bytes.Clone(chunk[:n]), true
	}
	if err := d.body.rewind(); err != nil {
		d.body.r = failedBody{err}
	}
	return nil, false
}

// failedBody is a body that cannot be read.
type failedBody struct{ err error }

func (b failedBody) Read([]byte) (int, error) { return 0, b.err }

// fly sends a small message over a slot, of which it lets others have the use as
// soon as the message has left. Who sends it can give up waiting, but not take
// back what may have left, and so harms nobody else.
func (d *delivery) fly(ctx context.Context, p *pooled, env Envelope, body []byte) (*Result, error) {
	if ctx.Err() != nil {
		d.t.release(p)
		return newSending(nil, env).failed(StepCheck, Refused, context.Cause(ctx))
	}
	landed := make(chan *Sent, 1)
	client := p.client
	env = ownEnvelope(env) // who gives up waiting may change his
	d.t.launch(p, func() {
		sent := client.Start(context.WithoutCancel(ctx), env, bytes.NewReader(body))
		d.t.release(p)
		<-sent.Done()
		landed <- sent
	})
	select {
	case sent := <-landed:
		return sent.Wait()
	case <-ctx.Done():
		return newSending(nil, env).failed(StepEnd, Unknown, context.Cause(ctx))
	}
}

// ownEnvelope returns a copy of env that shares no memory with it.
func ownEnvelope(env Envelope) Envelope {
	env.To, env.Params = slices.Clone(env.To), slices.Clone(env.Params)
	for i := range env.To {
		env.To[i].Params = slices.Clone(env.To[i].Params)
	}
	return env
}

// crowded reports whether p has company: there are messages in flight on it, or
// waiting for a connection.
func (t *Transport) crowded(p *pooled) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.maxInFlight() > 1 && (p.flying > 0 || p.lane.queue.Len() > 0)
}

func (t *Transport) maxInFlight() int { return min(limit(t.MaxInFlight, defaultInFlight), maxUnderWay) }

// grounded reports whether p has no messages in flight.
func (t *Transport) grounded(p *pooled) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return p.flying == 0
}

// launch has a message be in flight on p until flight returns.
func (t *Transport) launch(p *pooled, flight func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.flying++; p.flying > 1 {
		t.stats.Shared++
	}
	t.chore(flight, func() {
		if p.flying--; !p.owned {
			p.lane.unboard(p)
			t.disown(p) // which may have room now
		}
	})
}

// disown gives up a slot. It may have messages in flight: then it can be had by one
// who waits, or comes, and else is put away with the answer to the last of them.
// The caller holds mu, as below.
func (t *Transport) disown(p *pooled) {
	p.owned = false
	switch l := p.lane; {
	case p.flying == 0:
		t.put(p)
	case !t.boardable(p):
	case l.queue.Len() > 0:
		t.reuse(p)
		l.serve(p)
		t.feed(l)
	default:
		l.aloft = append(l.aloft, p)
	}
}

// boardable reports whether another message may follow those that are in flight on
// p.
func (t *Transport) boardable(p *pooled) bool {
	return t.state != transportClosed && p.flying < t.maxInFlight() &&
		p.client != nil && p.client.broken.get() == nil && !t.worn(p) && !t.owed(p)
}

// board returns a slot of l with messages in flight, if there is room.
func (t *Transport) board(l *lane) *pooled {
	for len(l.aloft) > 0 {
		p := l.aloft[0]
		l.unboard(p)
		if t.boardable(p) {
			t.reuse(p)
			return p
		}
	}
	return nil
}

// unboard takes p off those with room.
func (l *lane) unboard(p *pooled) {
	for i := range l.aloft {
		if l.aloft[i] == p {
			copy(l.aloft[i:], l.aloft[i+1:])
			l.aloft[len(l.aloft)-1] = nil
			l.aloft = l.aloft[:len(l.aloft)-1]
			return
		}
	}
}
