package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"time"
)

// StartTLSServer makes the handshake as a server, after sending what the writer
// has gathered. It returns ErrPlaintextBuffered, before it sends anything, if
// there is something that the client sent too early: that can still be
// answered, but must not be obeyed. After another error the connection
// is of no more use except to be closed.
//
// What it has to compute takes one of places, which are those of all connections of a
// server; nil is any number.
func (c *Conn) StartTLSServer(ctx context.Context, cfg *tls.Config, places Places) error {
	c.link.beginTurn(places)
	defer c.link.endTurn()
	err := c.startTLS(ctx, func() *tls.Conn { return tls.Server(&c.link, cfg) })
	switch {
	case err != nil:
	case hasOneCertificate(cfg):
		c.link.shown = leafOf(&cfg.Certificates[0])
	case c.TLS().DidResume && !c.link.sole:
		c.link.shown = nil // it was shown on another connection, and may have been another
	}
	return err
}

// LocalCertificate returns the certificate that StartTLSServer has shown, or nil if
// that is not known: see NoteCertificates. It is not to be called during a handshake.
func (c *Conn) LocalCertificate() *x509.Certificate { return c.link.shown }

// StartTLSClient makes the handshake as a client, and verifies the server as
// cfg says. All else is as with StartTLSServer.
func (c *Conn) StartTLSClient(ctx context.Context, cfg *tls.Config) error {
	return c.startTLS(ctx, func() *tls.Conn { return tls.Client(&c.link, cfg) })
}

// Handshake makes the handshake of a connection that came as a *tls.Conn, which its first
// operation would make otherwise. Of any other it does nothing.
func (c *Conn) Handshake() error {
	l := &c.link
	if l.early == nil {
		return nil
	}
	l.early.shake.Do(l.handshakeEarly)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (c *Conn) startTLS(ctx context.Context, wrap func() *tls.Conn) error {
	switch {
	case c.TLS() != nil:
		return ErrTLSActive
	case c.reader.Buffered() > 0:
		return ErrPlaintextBuffered
	}
	defer c.Bind(ctx)()
	err := c.Flush()
	if err == nil {
		c.reader.Rest() // the peer may take its time
		err = c.handshake(ctx, wrap())
	}
	if err != nil {
		return c.link.abort(err)
	}
	return nil
}

func (c *Conn) handshake(ctx context.Context, t *tls.Conn) error {
	l := &c.link
	l.setHandshake(time.Now().Add(l.handshakeTimeout))
	// ctx is bound already; here it would have the socket closed by a goroutine.
	err := t.HandshakeContext(context.WithoutCancel(ctx))
	l.setHandshake(time.Time{})
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	s := &secured{link: l, tls: t}
	c.secured.Store(s)
	c.reader.Reset(s)
	c.writer.Reset(s)
	return nil
}

// TLS returns the state of TLS, which must not be changed; nil in cleartext and
// before a handshake is done.
func (c *Conn) TLS() *tls.ConnectionState {
	s := c.secured.Load()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		if state := s.tls.ConnectionState(); state.HandshakeComplete {
			s.state = &state
		}
	}
	return s.state
}

// secured is TLS on a link: what the reader and the writer use above it.
type secured struct {
	link *link
	tls  *tls.Conn

	mu    sync.Mutex
	state *tls.ConnectionState // once it was asked for
}

func (s *secured) Read(p []byte) (int, error) {
	n, err := s.tls.Read(p)
	return n, s.link.clarify(err)
}

func (s *secured) Write(p []byte) (int, error) {
	n, err := s.tls.Write(p)
	return n, s.link.clarify(err)
}

// clarify puts the reason why the connection is broken in the place of what TLS
// makes of it, and remembers the errors of TLS itself.
func (l *link) clarify(err error) error {
	if err == nil || err == errNothing {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if !l.interrupted {
		l.note(err)
	}
	return err
}
