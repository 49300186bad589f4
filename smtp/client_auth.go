package smtp

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"

	"github.com/posthouse/posthouse/auth"
	"github.com/posthouse/posthouse/smtp/smtpwire"
)

const (
	// maxCommandLine is the longest command line a server has to take, CRLF
	// included (RFC 5321 section 4.5.3.1.4).
	maxCommandLine = 512

	// maxChallenges is how many challenges one exchange may have. No mechanism
	// in use needs more than four.
	maxChallenges = 16
)

// maxChallengeLine is the longest reply line within an exchange, in octets with
// its code and CRLF.
const maxChallengeLine = auth.MaxResponse + len("334 \r\n")

// hidden stands in transcripts for what must not be there.
var hidden = []byte("***")

// authenticate shows the credentials (RFC 4954).
func (c *Client) authenticate(ctx context.Context) error {
	state := c.ConnectionState()
	if _, ok := c.Extension("AUTH"); !ok {
		return c.withoutAuth(ctx, state)
	}
	mechanism, err := c.cfg.Auth.Client(ctx, state, c.extensions.Mechanisms())
	if err != nil {
		return &opError{"AUTH", err}
	}
	name, err := c.exchange(mechanism)
	if again, failed := auth.Renew(ctx, mechanism, err); again != nil || failed != nil {
		// A second try with something that is newer, on the same connection: the
		// server has refused the first and waits for commands.
		if err = failed; err == nil {
			name, err = c.exchange(again)
		}
	}
	if err != nil {
		return &opError{"AUTH", err}
	}
	c.identity = new(auth.Identity)
	if known, ok := c.cfg.Auth.(auth.Identifier); ok {
		*c.identity = known.Identity()
	}
	c.identity.Mechanism = name
	return nil
}

// withoutAuth is the error of a server that does not offer AUTH. Most do with TLS alone:
// where the credentials want that too, it is what is missing.
func (c *Client) withoutAuth(ctx context.Context, state auth.ConnectionState) error {
	if state.TLS == nil {
		if _, err := c.cfg.Auth.Client(ctx, state, nil); errors.Is(err, auth.ErrCleartext) {
			return &opError{"AUTH", err}
		}
	}
	return &ExtensionError{Keyword: "AUTH"}
}

// exchange goes through the dialogue of one mechanism and returns its name.
func (c *Client) exchange(mechanism sasl.Client) (name string, err error) {
	name, initial, err := mechanism.Start()
	if err != nil {
		return "", err
	}
	command := smtpwire.Auth{Mechanism: name, Initial: initial, HasInitial: initial != nil}
	line, err := command.Append(nil)
	if err != nil {
		return "", err
	}
	// An initial response that makes the line too long has to wait until it is
	// asked for (RFC 4954 section 4).
	held := len(line) > maxCommandLine
	if held {
		command.Initial, command.HasInitial = nil, false
		if line, err = command.Append(line[:0]); err != nil {
			return "", err
		}
	}
	if err := c.checkQuiet(); err != nil {
		return "", err
	}
	if err := c.sendSecret(line, command.AppendPublic(nil)); err != nil {
		return "", err
	}
	for range maxChallenges {
		if err := c.readSecret(); err != nil {
			return "", err
		}
		if c.reply.code != 334 {
			return name, c.expectAuthenticated(mechanism)
		}
		challenge, err := c.challenge()
		var response []byte
		switch {
		case err != nil:
		case held:
			response, held = initial, false
			if len(challenge) > 0 {
				err = sasl.ErrUnexpectedServerChallenge
			}
		default:
			response, err = mechanism.Next(challenge)
		}
		if err != nil {
			return "", c.cancel(err)
		}
		line := append(auth.AppendBase64(nil, response), crlf...)
		if len(line) > auth.MaxResponse+len(crlf) {
			return "", c.cancel(fmt.Errorf("response longer than %d octets", auth.MaxResponse))
		}
		if err := c.sendSecret(line, hidden); err != nil {
			return "", err
		}
	}
	return "", c.fail(&ProtocolError{Reason: "endless challenges to AUTH"})
}

// challenge decodes the server's.
func (c *Client) challenge() ([]byte, error) {
	if c.reply.lines != 1 {
		return nil, c.fail(&ProtocolError{Reason: "challenge of several lines"})
	}
	// A client that cannot decode it cancels (RFC 4954 section 4).
	challenge, err := auth.DecodeBase64(nil, c.reply.octets())
	if err != nil {
		return nil, fmt.Errorf("server's challenge: %w", err)
	}
	return challenge, nil
}

// expectAuthenticated judges the end of an exchange, and has the mechanism judge it.
func (c *Client) expectAuthenticated(mechanism sasl.Client) error {
	outcome := c.expect("AUTH", 2)
	if c.reply.code == 535 {
		outcome = fmt.Errorf("%w: %w", auth.ErrCredentials, outcome)
	}
	err := auth.Finish(mechanism, outcome)
	if outcome == nil && err != nil {
		return c.fail(&ProtocolError{Reason: "AUTH succeeded without a proof", Err: err})
	}
	return err
}

// cancel ends an exchange for the sake of err, which it returns.
func (c *Client) cancel(err error) error {
	if c.broken.get() != nil {
		return err
	}
	cancelled := c.sendSecret([]byte("*\r\n"), []byte("*")) == nil && c.readReply(c.cfg.timeout()) == nil
	if cancelled && c.reply.code/100 == 2 {
		return c.fail(&ProtocolError{Reason: "AUTH succeeded although it was cancelled", Err: err})
	}
	return err
}
