package smtp

// undisturbed reports whether a connection that was left alone can be used
// again: it is not broken, and the server is still there and has said nothing
// meanwhile. It costs no round trip. If it is false the connection can only be
// closed.
func (c *Client) undisturbed() bool { return c.broken.get() == nil && c.conn.Quiet() }

// rest gives back the reader's buffer between two operations. The caller is the one
// to read.
func (c *Client) rest() { c.conn.Reader().Rest() }

// forgetBuffers gives back the memory that is kept from one operation for the
// next, as a connection that is left alone needs none.
func (c *Client) forgetBuffers() { c.scratch, c.reply.raw = nil, nil }
