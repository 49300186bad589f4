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

// login authenticates by the best SASL mechanism that server and credentials
// have in common. USER and PASS are for servers that offer none: after a
// mechanism was refused, nothing weaker is tried.
func (c *Client) login() error {
	cs := c.ConnectionState()
	offered, offersSASL := c.caps.Params("SASL")
	userPasser, canUser := c.cfg.Auth.(auth.UserPasser)
	mechanism, err := c.cfg.Auth.Client(cs, offered)
	switch {
	case err == nil:
		err = c.authenticate(mechanism, offersSASL)
	case canUser && errors.Is(err, auth.ErrNoMechanism) && (c.caps.Has("USER") || !offersSASL):
		err = c.userPass(userPasser)
	}
	if err != nil {
		return err
	}
	if canUser {
		if user, _, err := userPasser.UserPassword(cs); err == nil {
			c.identity.User, c.identity.Name = user, user
		}
	}
	return nil
}

// userPass logs in by the commands of RFC 1939 section 7.
func (c *Client) userPass(up auth.UserPasser) error {
	user, password, err := up.UserPassword(c.ConnectionState())
	if err != nil {
		return err
	}
	// Both are known to be good before the first is sent.
	pass := pop3wire.Pass{Password: password}
	if _, err := pass.Append(nil); err != nil {
		return argumentError(pop3wire.PASS, err)
	}
	if _, err := c.exchange(pop3wire.USER, pop3wire.User{Name: user}); err != nil {
		return err
	}
	if _, err := c.exchange(pop3wire.PASS, pass); err != nil {
		return err
	}
	c.identity = &auth.Identity{Mechanism: "USER"}
	return nil
}

// authenticate runs an exchange of RFC 5034 section 4. Servers that offer no SASL
// are sent no initial response (RFC 5034 section 3).
func (c *Client) authenticate(mechanism sasl.Client, offered bool) error {
	name, initial, err := mechanism.Start()
	if err != nil {
		return fmt.Errorf("pop3: AUTH: %w", err)
	}
	cmd := pop3wire.Auth{Mechanism: name}
	waiting := initial != nil // for the server's empty challenge
	if waiting && offered {
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
	for range maxChallenges {
		challenge, done, err := c.readChallenge(waiting)
		if done {
			c.identity = &auth.Identity{Mechanism: name}
		}
		if err != nil || done {
			return err
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
		if err := c.respond(append(auth.AppendBase64(nil, response), "\r\n"...)); err != nil {
			return err
		}
	}
	return c.fail(&ProtocolError{Command: "AUTH", Reason: "no end of challenges"})
}

// initialResponse encodes an initial response; one of no octets is "=".
func initialResponse(initial []byte) []byte {
	if len(initial) == 0 {
		return []byte("=")
	}
	return auth.AppendBase64(nil, initial)
}

// readChallenge reads the server's answer to AUTH or to a response: the base64
// of a challenge, or a status line. waiting says that the initial response has
// not been sent.
func (c *Client) readChallenge(waiting bool) (challenge []byte, done bool, err error) {
	line, err := c.conn.ReadLine(maxChallengeLine)
	if err != nil {
		return nil, false, c.fail(readError("AUTH", err))
	}
	if challenge, ok := pop3wire.ParseChallenge(line); ok {
		c.conn.Trace('S', []byte("+ "+secret))
		return challenge, false, nil
	}
	c.conn.Trace('S', line)
	_, err = c.parseStatus("AUTH", line)
	if err == nil && waiting {
		// QUIRK: RFC 5034 section 4 has an empty challenge be "+ ". We take
		// "+OK" for it here, because there are servers that send that; nobody
		// can have been let in before the first response.
		return nil, false, nil
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
