package smtp

import (
	"container/list"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/internal/elastic"
)

// ErrTransportClosed says that a [Transport] was used after Shutdown or Close,
// or that Close ended the wait for a connection. Nothing was sent.
var ErrTransportClosed = errors.New("smtp: transport is closed")

// The defaults of the limits of a Transport.
const (
	defaultPoolConns   = 100
	defaultPoolPerDest = 10
	defaultPerConn     = 100
	defaultInFlight    = 8
	defaultIdleTimeout = 30 * time.Second
)

// Transport sends messages over connections that it keeps and shares: to each
// destination as many as there is work for, within limits, each for many
// messages. The zero Transport is ready for use. Its fields must not be changed
// once it is used, and it must not be copied.
//
// A connection is shared by messages to the same address with the same
// *ClientConfig: who needs other credentials or another TLS policy passes
// another one to SendWith.
//
// Those who wait for a connection get one in the order in which they came; and
// a busy destination does not keep the others from connections for longer than
// it takes to send a few messages.
//
// Whether a kept connection is still there is seen from its socket and costs no
// round trip. A server that has gone away all the same is found out when MAIL
// is sent: then the message goes over another connection, provided that nobody
// can have it yet. Nothing else is ever tried twice, and a connection whose ends
// may disagree on where they are is never used again. An idle connection has no
// goroutine and no buffer.
//
// All methods are safe for concurrent use.
type Transport struct {
	// Config says how Send connects. Nil stands for a zero one.
	Config *ClientConfig

	// MaxConns limits the connections there are at a time, those that are being
	// set up or taking leave included. Zero means 100, a negative number no
	// limit.
	MaxConns int

	// MaxConnsPerDestination is the same for one destination: an address with a
	// *ClientConfig. Zero means 10.
	MaxConnsPerDestination int

	// MaxMessages is after how many messages a connection is given up. Zero
	// means 100, a negative number no limit. A server that allows fewer is
	// obeyed (RFC 9422 section 4.1).
	MaxMessages int

	// MaxInFlight is how many messages may be under way on one connection before
	// the server has answered to the first of them, when there are more messages
	// for a destination than connections (RFC 2920, RFC 3030). They are those of
	// at most 32 KiB. A connection that breaks leaves all of these unknown; when the
	// server takes leave with a 421, those behind it go over another one. Zero means
	// 8; 1 has every message wait for the answer to the one before.
	MaxInFlight int

	// IdleTimeout is how long a connection is kept for which there is no work.
	// Zero means 30 seconds; with a negative one none is kept.
	IdleTimeout time.Duration

	// Rate limits the messages that are sent to one destination, in messages per
	// second, on the average; Burst is how many may follow each other at once
	// after a pause, and is at least 1. Send waits. Zero means no limit.
	Rate  float64
	Burst int

	mu       sync.Mutex
	lanes    elastic.Map[destination, *lane]
	conns    map[*pooled]struct{} // all slots in use
	idle     list.List            // of *pooled, the longest idle in front
	hungry   list.List            // of *lane that could use another slot, in turns
	starving list.List            // of *lane that have none
	leaving  int                  // slots whose connection takes leave
	sweeper  *time.Timer          // closes what has been idle for too long; nil before the first
	active   int                  // calls of Send
	chores   int                  // goroutines that close connections
	state    transportState
	closed   chan struct{} // by Close; nil before anything is sent
	drained  chan struct{} // closed when there is nothing left after Shutdown; nil before
	stats    TransportStats
}

type transportState uint8

const (
	transportOpen transportState = iota
	transportDraining
	transportClosed
)

// destination is what connections are shared for.
type destination struct {
	addr string // host:port
	cfg  *ClientConfig
}

// zeroConfig stands for a nil one, so that all of these share connections.
var zeroConfig = new(ClientConfig)

// Send sends one message to the server at addr, as [Dial] understands it, over a
// connection as t.Config has it. See SendWith.
func (t *Transport) Send(ctx context.Context, addr string, env Envelope, body io.Reader) (*Result, error) {
	return t.SendWith(ctx, addr, t.Config, env, body)
}

// SendWith sends one message over a connection that is made, or was made, with
// cfg. Results and errors are those of [Client.Send]; what kept it from getting
// a connection is a [*SendError] of [StepConnect]. It waits for a connection and
// for the rate until ctx ends.
//
// A message with more recipients than the server takes in one transaction is
// sent in several: as many as the server has said that it takes (RFC 9422
// section 4.2), or as it accepted before it told of too many (RFC 5321 section
// 4.5.3.1.10). Then Result.Reply is the answer to the last transaction that was
// accepted. For that, and to go over another connection, the body is read again
// if it is an [io.Seeker], or kept if it has no more than 64 KiB. Of any other,
// recipients beyond the first transaction are Refused and Temporary. A config with
// RequireAllRecipients sends nothing rather than in several transactions: that is a
// [*LimitError].
func (t *Transport) SendWith(ctx context.Context, addr string, cfg *ClientConfig, env Envelope, body io.Reader) (*Result, error) {
	if cfg == nil {
		cfg = zeroConfig
	}
	d := &delivery{t: t, env: env, body: newPoolBody(body)}
	host, port, err := splitAddr(addr, cfg)
	if err != nil {
		return d.unsent(&opError{"connect", err})
	}
	d.dest = destination{host, cfg} // the path of a socket
	if port != "" {
		d.dest.addr = net.JoinHostPort(ascii.ToLower(host), port)
	}
	if err := t.begin(); err != nil {
		return d.unsent(err)
	}
	defer t.finish()
	return d.send(ctx)
}

// Shutdown makes the transport refuse new messages, waits until those that were
// given to it are sent, including those that wait for a connection, and takes
// leave of the servers. When ctx ends before that, it returns the cause and
// leaves the rest to itself, or to Close.
func (t *Transport) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	if t.state == transportOpen {
		t.state = transportDraining
	}
	if t.drained == nil {
		t.drained = make(chan struct{})
		t.retireIdle()
		t.checkDrained()
	}
	drained := t.drained
	t.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close cuts all connections, also under the hands of those who are sending, and
// makes the transport refuse messages, those that wait for a connection
// included. It does not wait for anything; Shutdown behind it does. It may be
// called more than once, and returns nil.
func (t *Transport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == transportClosed {
		return nil
	}
	t.state = transportClosed
	if t.closed == nil {
		t.closed = make(chan struct{})
	}
	close(t.closed)
	for _, l := range t.lanes.All() {
		l.refuse(ErrTransportClosed)
		t.feed(l)
	}
	t.retireIdle()
	for p := range t.conns {
		t.cut(p)
	}
	return nil
}

// CloseIdle takes leave of the servers on all connections for which there is no
// work, without waiting for it.
func (t *Transport) CloseIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retireIdle()
}

// begin admits a call of Send.
func (t *Transport) begin() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != transportOpen {
		return ErrTransportClosed
	}
	if t.closed == nil {
		t.closed = make(chan struct{})
	}
	t.active++
	return nil
}

func (t *Transport) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.active--
	t.checkDrained()
}

// checkDrained tells Shutdown when all is done. The caller holds mu.
func (t *Transport) checkDrained() {
	if t.drained == nil || t.active+t.chores+len(t.conns) > 0 {
		return
	}
	if t.sweeper != nil {
		t.sweeper.Stop()
	}
	select {
	case <-t.drained:
	default:
		close(t.drained)
	}
}

// TransportStats tells what a [Transport] is doing and has done.
type TransportStats struct {
	// At this moment.
	Destinations int // that there are connections to, or messages for
	Conns        int // connections, those being set up or taking leave included
	Idle         int // of them without work
	Waiting      int // messages that wait for a connection

	// Since the beginning.
	Dialed   int64 // connections that were to be set up
	Reused   int64 // times that a connection was used again
	Shared   int64 // messages that were sent before the one in front of them was answered to
	Stale    int64 // kept connections that turned out to be gone
	Expired  int64 // connections that were idle for too long
	Retries  int64 // transactions that went over another connection after a stale one
	Splits   int64 // transactions beyond the first of a message
	Accepted int64 // messages by outcome (see Result), but for those that came after Shutdown or Close
	Refused  int64
	Unknown  int64
}

// Stats returns a snapshot of the numbers.
func (t *Transport) Stats() TransportStats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Conns, s.Idle = len(t.conns), t.idle.Len()
	for _, l := range t.lanes.All() {
		s.Waiting += l.queue.Len()
		if l.conns > 0 || l.queue.Len() > 0 {
			s.Destinations++
		}
	}
	return s
}

func (t *Transport) maxConns() int        { return limit(t.MaxConns, defaultPoolConns) }
func (t *Transport) maxConnsPerDest() int { return limit(t.MaxConnsPerDestination, defaultPoolPerDest) }

func (t *Transport) idleTimeout() time.Duration {
	if t.IdleTimeout == 0 {
		return defaultIdleTimeout
	}
	return t.IdleTimeout
}
