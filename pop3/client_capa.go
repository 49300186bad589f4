package pop3

import (
	"context"
	"slices"

	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// Capa asks the server for its capabilities again. There are none of a server
// that does not know the command.
func (c *Client) Capa(ctx context.Context) (pop3wire.Capabilities, error) {
	release, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := c.capa(); err != nil {
		return nil, err
	}
	return c.Capabilities(), nil
}

// Capabilities returns what the server said of itself when it was last asked:
// after STLS, and again after the login.
func (c *Client) Capabilities() pop3wire.Capabilities { return slices.Clone(c.caps) }

// capa sends CAPA. A refusal is no error: it says that the server does not have
// the command (RFC 2449 section 5). What it said before the login then stays, since
// it is to say the same after it.
func (c *Client) capa() error {
	_, err := c.exchange(pop3wire.CAPA, pop3wire.Bare{Verb: pop3wire.CAPA})
	if _, refused := err.(*Error); refused {
		return nil
	}
	if err != nil {
		return err
	}
	var caps pop3wire.Capabilities
	err = c.readLines("CAPA", maxCapabilities, func(line []byte) error {
		// A line that is no capability is none that we look for.
		if capability, err := pop3wire.ParseCapability(line); err == nil {
			caps = append(caps, capability)
		}
		return nil
	})
	if err == nil {
		c.caps = caps
	}
	return err
}
