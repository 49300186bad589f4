package smtp

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/posthouse/posthouse/smtp/smtpwire"
)

// Reset ends a mail transaction that is open at the server (RFC 5321 section
// 4.1.1.5). Send does so by itself where it is needed.
func (c *Client) Reset(ctx context.Context) error {
	_, err := c.command(ctx, smtpwire.RSET, []byte("RSET\r\n"))
	return err
}

// Noop asks the server whether it is there (RFC 5321 section 4.1.1.9).
func (c *Client) Noop(ctx context.Context) error {
	_, err := c.command(ctx, smtpwire.NOOP, []byte("NOOP\r\n"))
	return err
}

// Verify asks whether a mailbox or user is known to the server (RFC 5321 section
// 3.5). The code of the reply is 250 or 251 if it is, and 252 if the server will
// not say, as most will not. A mailbox that is not ASCII needs a server with SMTPUTF8
// (RFC 6531 section 3.2).
func (c *Client) Verify(ctx context.Context, mailbox string) (Reply, error) {
	_, offered := c.extensions["SMTPUTF8"]
	if !offered && strings.ContainsFunc(mailbox, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return Reply{}, &opError{"VRFY", &ExtensionError{Keyword: "SMTPUTF8"}}
	}
	line, err := (&smtpwire.Vrfy{Text: mailbox}).Append(nil)
	if err != nil {
		return Reply{}, &opError{"VRFY", err}
	}
	return c.command(ctx, smtpwire.VRFY, line)
}

// Help asks for a text about a topic, or if that is empty about the server (RFC
// 5321 section 4.1.1.8).
func (c *Client) Help(ctx context.Context, topic string) (Reply, error) {
	line, err := (&smtpwire.Help{Text: topic}).Append(nil)
	if err != nil {
		return Reply{}, &opError{"HELP", err}
	}
	return c.command(ctx, smtpwire.HELP, line)
}

// Quit takes leave of the server, waits for its answer, and closes the
// connection, whatever the error. What has been accepted stays so.
func (c *Client) Quit(ctx context.Context) error {
	_, err := c.command(ctx, smtpwire.QUIT, []byte("QUIT\r\n"))
	c.Close()
	return err
}

// command is an operation of one line and one reply. A refusal is an [*Error] in
// the error's chain.
func (c *Client) command(ctx context.Context, verb smtpwire.Verb, line []byte) (Reply, error) {
	if err := c.acquire(ctx); err != nil {
		return Reply{}, &opError{verb.String(), err}
	}
	defer c.yield()
	release := c.conn.Bind(ctx)
	defer release()
	err := c.roundTrip(line)
	if err == nil {
		err = c.expect(verb.String(), 2)
	}
	if err != nil {
		return Reply{}, &opError{verb.String(), err}
	}
	if verb == smtpwire.RSET {
		c.open.Store(0)
	}
	return c.reply.value(), nil
}
