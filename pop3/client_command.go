package pop3

import (
	"context"
	"fmt"

	"github.com/posthouse/posthouse/internal/ascii"
	"github.com/posthouse/posthouse/pop3/pop3wire"
)

// begin makes the connection ready for a command: nothing is owed by the server,
// and ctx governs what follows until release is called. An error of begin that
// is not about the connection leaves it as it was.
func (c *Client) begin(ctx context.Context) (release func(), err error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	if c.fetching {
		return nil, ErrFetching
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	left := c.body
	if left != nil {
		left.unbind()
	}
	release = c.conn.Bind(ctx)
	if left != nil {
		if err := left.leave(c.cfg.MaxDrain); err != nil {
			release()
			return nil, err
		}
	}
	return release, nil
}

// quiet fails if something has arrived that nothing asked for. It would pass for
// the reply to the next command.
func (c *Client) quiet(v pop3wire.Verb) error {
	if c.conn.Reader().Buffered() > 0 {
		return c.fail(&ProtocolError{Command: v.String(), Reason: "the server sent something before it was asked"})
	}
	return nil
}

// usable returns ErrBroken, with its cause, if the connection was given up.
func (c *Client) usable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return fmt.Errorf("%w: %w", ErrBroken, c.broken)
	}
	return nil
}

// fail gives the connection up because of err, and returns err. If it was given
// up before, what follows from that says little: the first cause is returned.
func (c *Client) fail(err error) error {
	c.mu.Lock()
	before := c.broken
	if before == nil {
		c.broken = err
	}
	c.mu.Unlock()
	if before != nil {
		return before
	}
	_ = c.conn.Close()
	return err
}

// exchange sends a command and reads the status line of its reply. A negative
// one is an *Error.
func (c *Client) exchange(v pop3wire.Verb, cmd pop3wire.Command) (pop3wire.Status, error) {
	if err := c.send(v, cmd); err != nil {
		return pop3wire.Status{}, err
	}
	return c.readStatus(v.String())
}

// run is a whole exchange that answers with a status line.
func (c *Client) run(ctx context.Context, v pop3wire.Verb, cmd pop3wire.Command) (pop3wire.Status, error) {
	release, err := c.begin(ctx)
	if err != nil {
		return pop3wire.Status{}, err
	}
	defer release()
	return c.exchange(v, cmd)
}

// send sends a command when no reply is owed. Of one whose arguments cannot be
// carried nothing is written.
func (c *Client) send(v pop3wire.Verb, cmd pop3wire.Command) error {
	if err := c.quiet(v); err != nil {
		return err
	}
	line, err := cmd.Append(c.line[:0])
	if err != nil {
		return argumentError(v, err)
	}
	c.line = line
	c.trace(cmd)
	return c.write(v, line)
}

func argumentError(v pop3wire.Verb, err error) error { return fmt.Errorf("pop3: %s: %w", v, err) }

func (c *Client) trace(cmd pop3wire.Command) {
	if c.conn.Tracing() {
		c.conn.Trace('C', cmd.AppendPublic(nil))
	}
}

// write sends octets that belong to the command v.
func (c *Client) write(v pop3wire.Verb, octets []byte) error {
	_, err := c.conn.Writer().Write(octets)
	if err == nil {
		err = c.conn.Flush()
	}
	if err != nil {
		return c.fail(fmt.Errorf("pop3: %s: %w", v, err))
	}
	return nil
}

// readStatus reads the first line of a reply. An *Error leaves the connection
// usable, and nothing else does.
func (c *Client) readStatus(command string) (pop3wire.Status, error) {
	line, err := c.conn.ReadLine(c.cfg.MaxLine)
	if err != nil {
		return pop3wire.Status{}, c.fail(readError(command, err))
	}
	c.conn.Trace('S', line)
	return c.parseStatus(command, line)
}

func (c *Client) parseStatus(command string, line []byte) (pop3wire.Status, error) {
	st, err := pop3wire.ParseStatus(line)
	if err != nil {
		return st, c.fail(badLine(command, err, line))
	}
	if !st.OK {
		// RFC 2449 section 8: the code means the same in any case.
		return st, &Error{Code: ascii.ToUpper(st.Code), Text: printable(st.Text)}
	}
	return st, nil
}

// readLines reads the lines of a reply after its status line, up to the final
// dot, and hands each to take, without its CRLF. There may be no more than
// maxLines of them.
func (c *Client) readLines(command string, maxLines int, take func(line []byte) error) error {
	c.conn.BeginBody()
	defer c.conn.EndBody()
	var octets int64
	for count := 0; ; count++ {
		line, err := c.conn.Reader().ReadLine(c.cfg.MaxLine)
		if err != nil {
			return c.fail(readError(command, err))
		}
		c.conn.Trace('S', line)
		if string(line) == "." {
			return nil
		}
		if octets += int64(len(line)) + 2; count == maxLines || octets > c.cfg.MaxListBytes {
			return c.fail(&ProtocolError{Command: command, Reason: fmt.Sprintf("more than %d lines or %d octets", maxLines, c.cfg.MaxListBytes)})
		}
		if len(line) > 0 && line[0] == '.' {
			line = line[1:] // RFC 1939 section 3
		}
		if err := take(line); err != nil {
			return c.fail(badLine(command, err, line))
		}
	}
}
