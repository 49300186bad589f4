package conn

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/posthouse/posthouse/internal/textwire"
)

const (
	// pieceSize is how much is written at a time where only its end shows progress,
	// and bodySize where each octet does.
	pieceSize = 32 << 10
	bodySize  = textwire.BufferSize

	// slack is the part of the timeout by which the socket's deadline may
	// stand too early.
	slack = 16

	// glances is how often in a timeout a write of a body is looked at, since how
	// much of it has left shows only when it is stopped.
	glances = 4
)

// longAgo is a deadline that ends whatever waits.
var longAgo = time.Unix(1, 0)

// link is a net.Conn that minds the deadlines, below TLS if there is TLS: all
// octets of the connection pass through it. Its Set...Deadline methods, which
// crypto/tls calls when it closes, do nothing.
type link struct {
	nc net.Conn

	// early is nc when it came as a *tls.Conn. Its handshake is made by the
	// first operation, and a write that timed out cannot be resumed on it.
	early *early

	peek func() bool // see look

	shown *x509.Certificate // by this end, a server; nil if it is not known; without mu

	mu               sync.Mutex // for all below, and for the order of nc's deadlines
	handshakeTimeout time.Duration
	minRate          int64     // octets per second
	handshake        time.Time // the deadline of everything, if not zero
	broken           error     // what every operation returns from now on
	first            error     // the first error of any operation
	turn             *turn     // nil outside a handshake that needs places
	mute             bool      // a write failed: nothing more can be said
	interrupted      bool
	sole             bool // shown is the only certificate there is; without mu
	trying           bool // what Read does not have at once it does not wait for; without mu
	in, out          flow
}

// early is a connection that came as TLS.
type early struct {
	tls   *tls.Conn
	shake sync.Once // makes the handshake
}

// flow is one direction of a link.
type flow struct {
	timeout time.Duration
	armed   time.Time // the deadline that nc has; zero if unknown

	whole bool      // a line or a piece: all of it has to be done by until
	body  bool      // the rest is about that
	until time.Time // of what is whole; zero before the first step

	octets int64         // moved since the body began
	waited time.Duration // spent on it
	still  time.Duration // spent on it since something moved
}

// step is one operation of nc.
type step struct{ from, limit time.Time }

func (l *link) Read(p []byte) (int, error) {
	if l.trying {
		return l.tryRead(p)
	}
	return l.read(p)
}

func (l *link) read(p []byte) (int, error) {
	for {
		s, err := l.before(&l.in)
		if err != nil {
			return 0, err
		}
		l.leavePlace()
		n, err := l.nc.Read(p)
		again, err := l.after(&l.in, s, n, err)
		if again && n == 0 {
			continue
		}
		if err == nil {
			err = l.takePlace()
		}
		return n, err
	}
}

func (l *link) Write(p []byte) (int, error) {
	total, size := 0, l.writeSize()
	for {
		n, err := l.writePiece(p[total:min(len(p), total+size)])
		total += n
		if err != nil || total == len(p) {
			return total, err
		}
	}
}

func (l *link) writeSize() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.out.body && l.resumable(&l.out) {
		return bodySize
	}
	return pieceSize
}

func (l *link) writePiece(p []byte) (int, error) {
	l.out.start()
	total := 0
	for {
		s, err := l.before(&l.out)
		if err != nil {
			return total, err
		}
		l.leavePlace()
		n, err := l.nc.Write(p[total:])
		total += n
		again, err := l.after(&l.out, s, n, err)
		if again && total < len(p) {
			continue
		}
		if err == nil {
			err = l.takePlace()
		}
		return total, err
	}
}

// start begins a line or a piece, which must be done as a whole.
func (f *flow) start() { f.whole, f.until = true, time.Time{} }

// before allows a step of f, and sees to it that nc ends it in time.
func (l *link) before(f *flow) (step, error) {
	if l.early != nil {
		l.early.shake.Do(l.handshakeEarly)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refusal(f); err != nil {
		return step{}, err
	}
	s := step{from: time.Now()}
	s.limit = l.limit(f, s.from)
	if !s.limit.After(s.from) {
		l.note(errTooSlow)
		return step{}, errTooSlow
	}
	return s, l.arm(f, s)
}

// refusal is the error that f is to return without trying. The caller holds mu.
func (l *link) refusal(f *flow) error {
	switch {
	case l.broken != nil:
		return l.broken
	case l.interrupted && f == &l.in && !l.undisturbed():
		return ErrInterrupted
	}
	return nil
}

// undisturbed says whether Interrupt has to wait. The caller holds mu.
func (l *link) undisturbed() bool { return l.in.body || !l.handshake.IsZero() }

// limit returns when a step of f that begins now has to end. The caller holds
// mu.
func (l *link) limit(f *flow, now time.Time) time.Time {
	switch {
	case !l.handshake.IsZero():
		return l.handshake
	case f.body:
		earned := time.Duration(min(f.octets/l.minRate, int64(longest/time.Second))) * time.Second
		left := f.timeout + earned - f.waited
		wait := f.timeout
		if f == &l.out && l.resumable(f) {
			wait /= glances
		}
		return now.Add(min(wait, left))
	case !f.whole:
		return now.Add(f.timeout)
	case f.until.IsZero():
		f.until = now.Add(f.timeout)
	}
	return f.until
}

// resumable says whether a step of f that met its deadline can be followed by
// another one. TLS does not go on with a write.
func (l *link) resumable(f *flow) bool { return f == &l.in || l.early == nil }

// arm sets the deadline of nc, unless it stands well. The caller holds mu.
func (l *link) arm(f *flow, s step) error {
	early := s.limit.Sub(f.armed)
	if f.armed.After(s.from) && early >= 0 && (early == 0 || l.resumable(f) && early <= f.timeout/slack) {
		return nil
	}
	f.armed = s.limit
	var err error
	if f == &l.in {
		err = l.nc.SetReadDeadline(s.limit)
	} else {
		err = l.nc.SetWriteDeadline(s.limit)
	}
	if err != nil {
		l.note(err)
	}
	return err
}

// after judges a step of f that moved n octets. With again, the operation is to
// be resumed.
func (l *link) after(f *flow, s step, n int, err error) (again bool, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.body {
		spent := time.Since(s.from)
		f.octets, f.waited, f.still = f.octets+int64(n), f.waited+spent, f.still+spent
		if n > 0 {
			f.still = 0
		}
	}
	if err == nil {
		return false, nil
	}
	if refusal := l.refusal(f); refusal != nil {
		return false, refusal
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if l.resumable(f) && (time.Now().Before(s.limit) || f.body && f.still < f.timeout) {
			return true, nil
		}
		err = errTimeout
	}
	l.mute = l.mute || f == &l.out
	l.note(err)
	return false, err
}

// note remembers the first error. The caller holds mu.
func (l *link) note(err error) {
	if l.first == nil {
		l.first = err
	}
}

// abort makes all operations, those under way too, return err, or what an
// earlier abort has given as the reason. It returns the reason.
func (l *link) abort(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = err
		l.note(err)
		_ = l.nc.SetDeadline(longAgo) // fails only if it is closed
		if l.turn != nil {
			close(l.turn.quit)
		}
	}
	return l.broken
}

// canSpeak says whether there is any hope for a write.
func (l *link) canSpeak() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken == nil && !l.mute
}

// setBody begins or ends a body.
func (l *link) setBody(body bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range []*flow{&l.in, &l.out} {
		f.body, f.octets, f.waited, f.still = body, 0, 0, 0
	}
}

// setTimeout changes the timeout of f.
func (l *link) setTimeout(f *flow, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.timeout = min(cmp.Or(max(0, d), defaultTimeout), longest)
}

// setHandshake sets the deadline of everything, or lifts it.
func (l *link) setHandshake(deadline time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handshake = deadline
}

// handshakeEarly makes the handshake of a connection that came with TLS. Its
// error is met by the operation that follows.
func (l *link) handshakeEarly() {
	l.mu.Lock()
	broken := l.broken != nil
	if !broken {
		l.handshake = time.Now().Add(l.handshakeTimeout)
		_ = l.nc.SetDeadline(l.handshake)
	}
	l.mu.Unlock()
	if broken {
		return
	}
	err := l.early.tls.HandshakeContext(context.Background()) // a cancelled one is ended by abort
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handshake = time.Time{}
	if err != nil && l.broken == nil {
		l.broken = fmt.Errorf("handshake: %w", err)
		l.note(l.broken)
	}
}

func (l *link) Close() error                     { return l.nc.Close() }
func (l *link) LocalAddr() net.Addr              { return l.nc.LocalAddr() }
func (l *link) RemoteAddr() net.Addr             { return l.nc.RemoteAddr() }
func (l *link) SetDeadline(time.Time) error      { return nil }
func (l *link) SetReadDeadline(time.Time) error  { return nil }
func (l *link) SetWriteDeadline(time.Time) error { return nil }
