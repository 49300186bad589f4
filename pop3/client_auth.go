package pop3

import (
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

const (
	// maxChallenges bounds an exchange. The longest mechanism known has four.
	maxChallenges = 16

	// maxChallengeLine is "+ ", the longest base64 and CRLF.
	maxChallengeLine = 2 + auth.MaxResponse + 2

	secret = "****"
)

// authenticate runs an exchange of RFC 5034 section 4. Servers that offer no SASL
// are sent no initial response (RFC 5034 section 3).
func (c *Client) authenticate(mechanism sasl.Client, offered bool) error {
	name, initial, err := mechanism.Start()
	if err != nil {
		return fmt.Errorf("pop3: AUTH: %w", err)
	}
	cmd := pop3wire.Auth{Mechanism: name}
	waiting := initial != nil // for the server's empty challenge
	if waiting && offered && !c.cfg.NoInitialResponse {
		full := pop3wire.Auth{Mechanism: name, Initial: initialResponse(initial)}
		// RFC 5034 section 4: an initial response that does not fit into 255
		// octets is sent when the server asks for it.
		if _, err := full.Append(nil); !errors.Is(err, pop3wire.ErrTooLong) {
			cmd, waiting = full, false
		}
	}
	if err := c.send(pop3wire.AUTH, cmd); err != nil {
		return err
	}
	for n := range maxChallenges {
		challenge, done, err := c.readChallenge(n == 0 && len(cmd.Initial) == 0)
		if err != nil || done {
			return c.finish(mechanism, name, err)
		}
		response := initial
		data, err := auth.DecodeBase64(nil, challenge)
		if err == nil && !waiting {
			response, err = mechanism.Next(data)
		}
		if err != nil {
			return c.cancel(fmt.Errorf("pop3: AUTH %s: %w", name, err))
		}
		waiting = false
		line := auth.AppendBase64(nil, response)
		if len(line) > auth.MaxResponse {
			return c.cancel(fmt.Errorf("pop3: AUTH %s: response longer than %d octets", name, auth.MaxResponse))
		}
		if err := c.respond(append(line, "\r\n"...)); err != nil {
			return err
		}
	}
	return c.fail(&ProtocolError{Command: "AUTH", Reason: "no end of challenges"})
}

// finish has the mechanism judge how its exchange ended.
func (c *Client) finish(mechanism sasl.Client, name string, outcome error) error {
	err := auth.Finish(mechanism, outcome)
	switch {
	case err == nil:
		c.identity = &auth.Identity{Mechanism: name}
	case outcome == nil:
		return c.fail(&ProtocolError{Command: "AUTH", Reason: "success without a proof", Err: err})
	}
	return err
}

// initialResponse encodes an initial response; one of no octets is "=".
func initialResponse(initial []byte) []byte {
	if len(initial) == 0 {
		return []byte("=")
	}
	return auth.AppendBase64(nil, initial)
}

// readChallenge reads the server's answer to AUTH or to a response: the base64
// of a challenge, or a status line. first says that no response has been sent.
func (c *Client) readChallenge(first bool) (challenge []byte, done bool, err error) {
	line, err := c.conn.ReadLine(maxChallengeLine)
	if err != nil {
		return nil, false, c.fail(readError("AUTH", err))
	}
	if challenge, ok := pop3wire.ParseChallenge(line); ok {
		c.conn.Trace('S', []byte("+ "+secret))
		return challenge, false, nil
	}
	c.conn.Trace('S', line)
	st, err := c.parseStatus("AUTH", line)
	if err == nil && first {
		// QUIRK: RFC 5034 section 4 has a challenge follow "+ ". We take what
		// follows "+OK" for one here, because there are servers that send
		// that; nobody can have been let in before the first response.
		challenge = []byte(st.Text)
		if _, err := auth.DecodeBase64(nil, challenge); err != nil {
			challenge = nil // a text to be read by people
		}
		return challenge, false, nil
	}
	return nil, err == nil, err
}

// respond sends a response, CRLF included.
func (c *Client) respond(line []byte) error {
	c.conn.Trace('C', []byte(secret))
	return c.write(pop3wire.AUTH, line)
}

// cancel ends an exchange by "*", which the server has to refuse, and returns
// why.
func (c *Client) cancel(why error) error {
	if err := c.respond([]byte("*\r\n")); err != nil {
		return errors.Join(why, err)
	}
	_, err := c.readStatus("AUTH")
	if _, refused := err.(*Error); refused {
		return why
	}
	if err == nil {
		err = c.fail(&ProtocolError{Command: "AUTH", Reason: "the server took a cancelled exchange for a login"})
	}
	return errors.Join(why, err)
}
