package smtp

import (
	"context"

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
// not say, as most will not. An argument beyond ASCII needs SMTPUTF8 (RFC 6531
// section 3.7.4.2).
func (c *Client) Verify(ctx context.Context, mailbox string) (Reply, error) {
	return c.query(ctx, smtpwire.VRFY, mailbox, func(utf8 bool) ([]byte, error) {
		return (&smtpwire.Vrfy{Text: mailbox, UTF8: utf8}).Append(nil)
	})
}

// Expand asks who is on a mailing list (RFC 5321 section 3.5). Each line of the
// reply names one. Most servers will not say. An argument beyond ASCII needs
// SMTPUTF8.
func (c *Client) Expand(ctx context.Context, list string) (Reply, error) {
	return c.query(ctx, smtpwire.EXPN, list, func(utf8 bool) ([]byte, error) {
		return (&smtpwire.Expn{Text: list, UTF8: utf8}).Append(nil)
	})
}

// query is a command whose argument, and the reply, may be UTF-8.
func (c *Client) query(ctx context.Context, verb smtpwire.Verb, text string, line func(utf8 bool) ([]byte, error)) (Reply, error) {
	ascii := index8Bit([]byte(text)) < 0
	if _, ok := c.Extension("SMTPUTF8"); !ascii && !ok {
		return Reply{}, &opError{verb.String(), &ExtensionError{Keyword: "SMTPUTF8"}}
	}
	octets, err := line(!ascii)
	if err != nil {
		return Reply{}, &opError{verb.String(), err}
	}
	return c.command(ctx, verb, octets)
}

// Dequeue asks the server to deliver the mail that it holds for a host: ETRN, RFC
// 1985. The node is a domain, "@" and a domain for those below it too, or "#" and
// the name of a queue. The mail comes by other connections.
func (c *Client) Dequeue(ctx context.Context, node string) (Reply, error) {
	etrn := smtpwire.Etrn{Node: node}
	if node != "" && (node[0] == '@' || node[0] == '#') {
		etrn.Option, etrn.Node = node[0], node[1:]
	}
	line, err := etrn.Append(nil)
	if err == nil {
		if _, ok := c.Extension("ETRN"); !ok {
			err = &ExtensionError{Keyword: "ETRN"}
		}
	}
	if err != nil {
		return Reply{}, &opError{"ETRN", err}
	}
	return c.command(ctx, smtpwire.ETRN, line)
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
	defer c.rest()
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
