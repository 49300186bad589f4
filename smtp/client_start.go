package smtp

import (
	"context"
	"io"
	"iter"
)

// What may be under way that the server has not answered to, so that neither a
// connection that breaks leaves very many messages unknown, nor the answers to
// them pile up.
const (
	maxUnderWay = 32
	unitSize    = 8 << 10 // a body counts as one message more for each of these, in octets
)

// Message is an envelope and what goes into it.
type Message struct {
	Envelope Envelope
	Body     io.Reader
}

// Sent is a message that a [Client] has sent, or begun to send, and whose answer
// is awaited.
type Sent struct {
	s    *sending
	done chan struct{}
}

// Start is Send without the wait for the answer: it returns when the last octet
// of the body has been written, so that the next message can follow right behind
// it, before the server has said anything to this one (RFC 2920, RFC 3030). What
// became of the message is for [Sent.Wait] to tell. It may be called by the
// goroutine that sends the next message, for the answers are read meanwhile.
//
// At most 32 messages, and 256 KiB of bodies if they are several, are under way
// at a time; Start waits until there is room. A connection that breaks leaves all
// of those unknown that had left, and so does the end of the ctx of one of them. A
// server that takes leave with a 421 has refused what left behind it.
//
// Answers are told apart by counting them and by nothing else (RFC 2920 section
// 3.1). A server that gives one too many amid several messages is found out at the
// latest when nothing is under way any more: then the last one is unknown. Send,
// which has one message under way, puts no other in doubt.
func (c *Client) Start(ctx context.Context, env Envelope, body io.Reader) *Sent {
	sent := &Sent{s: newSending(c, env), done: make(chan struct{})}
	s := sent.s
	if err := c.takeTurn(ctx); err != nil {
		s.failed(StepConnect, Refused, err)
		close(sent.done)
		return sent
	}
	s.pipelined, s.before, c.last = true, c.last, sent.done
	pending := false
	defer func() {
		c.yield()
		if !pending && s.before == nil { // if pending it is the listener's
			sent.finish()
			return
		}
		go func() {
			if pending {
				s.settle()
			}
			sent.finish()
		}()
	}()
	pending = s.transmit(ctx, body)
	return sent
}

// finish lets the next in line read.
func (s *Sent) finish() {
	s.s.end()
	close(s.done)
	for range s.s.units {
		<-s.s.c.underWay
	}
}

// makeRoom waits until there is room for one message more under way. The caller
// holds the turn, and those that are under way come to an end without it.
func (s *sending) makeRoom(ctx context.Context) error {
	want := maxUnderWay
	if s.source.facts.known {
		want = int(min(1+s.source.facts.size/unitSize, maxUnderWay))
	}
	for ; s.units < want; s.units++ {
		select {
		case s.c.underWay <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Wait waits for the answer and returns what Send would have. It may be called
// more than once and concurrently.
func (s *Sent) Wait() (*Result, error) {
	<-s.done
	return s.s.result, s.s.err
}

// Done is closed when Wait need not wait.
func (s *Sent) Done() <-chan struct{} { return s.done }

// SendAll sends messages one close behind the other by [Client.Start], and yields
// what Send would have returned for each, in their order. All of them are tried,
// also behind one that was refused; when the connection breaks, the rest fails
// with [ErrBroken]. It takes a message from the sequence when there is room for
// it, all in the goroutine of the loop. If the loop ends early, those that
// are under way are waited for, but no further ones taken.
func (c *Client) SendAll(ctx context.Context, messages iter.Seq[Message]) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		var queue []*Sent
		defer func() {
			for _, sent := range queue {
				<-sent.done
			}
		}()
		next := func() bool {
			result, err := queue[0].Wait()
			queue = queue[1:]
			return yield(result, err)
		}
		for m := range messages {
			queue = append(queue, c.Start(ctx, m.Envelope, m.Body))
			for len(queue) > 0 && (len(queue) >= maxUnderWay || queue[0].settled()) {
				if !next() {
					return
				}
			}
		}
		for len(queue) > 0 {
			if !next() {
				return
			}
		}
	}
}

func (s *Sent) settled() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}
