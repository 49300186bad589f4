package pop3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// upgrade runs STLS as the mode demands. When it returns nil, the connection is
// as protected as it is going to be, and its capabilities are known.
func (c *Client) upgrade(ctx context.Context) error {
	mode := c.cfg.TLS
	if err := c.capa(); err != nil {
		return err
	}
	if mode != StartTLS && mode != InsecureOpportunisticTLS {
		return nil
	}
	if !c.caps.Has(pop3wire.TagStls) {
		if mode == StartTLS {
			return ErrNoTLS
		}
		return nil
	}
	if _, err := c.exchange(pop3wire.STLS, pop3wire.Bare{Verb: pop3wire.STLS}); err != nil {
		var refusal *Error
		switch {
		case !errors.As(err, &refusal):
			return err
		case mode == StartTLS:
			return fmt.Errorf("%w: %w", ErrNoTLS, err)
		}
		return nil
	}
	// What stands behind the +OK came in cleartext, from anybody. Taken for
	// the first reply after the handshake, it would be believed.
	if c.conn.Reader().Buffered() > 0 {
		return c.fail(&ProtocolError{Command: "STLS", Reason: "cleartext behind the reply"})
	}
	if err := c.handshake(ctx); err != nil {
		return err
	}
	// RFC 2595 section 4: what the server said of itself in cleartext counts no
	// longer.
	c.caps = nil
	return c.capa()
}

// handshake starts TLS. The server must prove to have the name by which the
// caller knows it (RFC 2595 section 2.4).
func (c *Client) handshake(ctx context.Context) error {
	cfg := &tls.Config{}
	if c.cfg.TLSConfig != nil {
		cfg = c.cfg.TLSConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = c.serverName
	}
	if cfg.MinVersion < tls.VersionTLS12 {
		cfg.MinVersion = tls.VersionTLS12 // RFC 8314 section 4.1
	}
	if err := c.conn.StartTLSClient(ctx, cfg); err != nil {
		return c.fail(fmt.Errorf("pop3: %w", err))
	}
	return nil
}
