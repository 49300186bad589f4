package smtp

import (
	"context"
	"io"
	"time"
)

// quitTimeout is how long the function Send waits for a server to say goodbye
// once the message is settled.
const quitTimeout = 5 * time.Second

// Send sends one message over a connection of its own: [Dial], [Client.Send],
// [Client.Quit]. A connection that could not be set up is a [*SendError] of
// [StepConnect]. How the server takes leave has no influence on the result,
// which is never nil.
func Send(ctx context.Context, addr string, cfg *ClientConfig, env Envelope, body io.Reader) (*Result, error) {
	c, err := Dial(ctx, addr, cfg)
	if err != nil {
		return newSending(nil, env).failed(StepConnect, Refused, err)
	}
	defer c.Close()
	result, err := c.Send(ctx, env, body)
	quitting, cancel := context.WithTimeout(ctx, quitTimeout)
	defer cancel()
	_ = c.Quit(quitting)
	return result, err
}
