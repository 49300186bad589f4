package smtp

import (
	"context"
	"crypto/tls"
)

// startTLS upgrades the connection (RFC 3207). If the mode is opportunistic
// and the server will not, the connection stays as it is.
func (c *Client) startTLS(ctx context.Context) error {
	optional := c.cfg.TLS == InsecureOpportunisticTLS
	if _, ok := c.Extension("STARTTLS"); !ok {
		if optional {
			return nil
		}
		return &ExtensionError{Keyword: "STARTTLS"}
	}
	if err := c.roundTrip([]byte("STARTTLS\r\n")); err != nil {
		return &opError{"STARTTLS", err}
	}
	switch refusal, fatal := c.judge("STARTTLS", 2); {
	case fatal != nil:
		return &opError{"STARTTLS", fatal}
	case refusal != nil && optional:
		return nil
	case refusal != nil:
		return &opError{"STARTTLS", refusal}
	}
	if err := c.handshake(ctx); err != nil {
		return err
	}
	// The client forgets what it was told in cleartext (RFC 3207 section 4.2).
	c.greeting, c.serverName, c.extensions = "", "", nil
	return c.sayHello()
}

// handshake begins TLS. Whatever goes wrong breaks the connection: cleartext
// never comes after it. Octets that the server sent in cleartext ahead of the
// handshake, as an answer to what has not been asked, are an error (see
// conn.ErrPlaintextBuffered).
func (c *Client) handshake(ctx context.Context) error {
	cfg := &tls.Config{}
	if c.cfg.TLSConfig != nil {
		cfg = c.cfg.TLSConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = c.host
	}
	c.conn.SetTimeout(c.cfg.timeout())
	if err := c.conn.StartTLSClient(ctx, cfg); err != nil {
		return c.fail(&opError{"TLS", err})
	}
	return nil
}
